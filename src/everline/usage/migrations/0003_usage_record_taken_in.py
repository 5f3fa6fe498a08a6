from django.db import migrations, models


class Migration(migrations.Migration):
    """When a line's newest record of a service was taken in is the end of an index."""

    dependencies = [("usage", "0002_base_periods_apart")]

    operations = [
        migrations.AddIndex(
            model_name="usagerecord",
            index=models.Index(fields=["line", "service", "received_at"], name="usage_record_taken_in"),
        ),
    ]
