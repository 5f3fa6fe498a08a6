from typing import Any

from django.db import migrations

DEFAULT_BRAND = {
    "name_en": "leb card",
    "name_zh": "leb卡",
    "order_prefix": "LEB",
    "default_currency": "USD",
    "mail_from": "no-reply@leb.example",
    "support_email": "support@leb.example",
    "allowed_return_origins": [],
}


def create_default_brand(apps: Any, schema_editor: Any) -> None:
    brand = apps.get_model("accounts", "Brand")
    brand.objects.using(schema_editor.connection.alias).get_or_create(id="leb", defaults=DEFAULT_BRAND)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [migrations.RunPython(create_default_brand, migrations.RunPython.noop)]
