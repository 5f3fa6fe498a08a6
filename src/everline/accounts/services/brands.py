from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from everline.accounts.errors import BrandInvalid
from everline.accounts.models import Brand
from everline.accounts.types import DEFAULT_BRAND, DEFAULT_BRAND_ID


def ensure_default_brand() -> Brand:
    """The shop's brand, made where it is missing; a brand that staff have changed stays as it is."""
    return Brand.objects.get_or_create(id=DEFAULT_BRAND_ID, defaults=DEFAULT_BRAND)[0]


def ensure_brand(*, brand_id: str, fields: dict[str, Any], now: datetime) -> Brand:
    """Another brand, made where it is missing; one that is there stays as it is.

    Raises:
        BrandInvalid: see `save_brand`.
    """
    there = Brand.objects.filter(id=brand_id).first()
    return there or save_brand(brand_id=brand_id, fields=fields, now=now)


@transaction.atomic
def save_brand(*, brand_id: str, fields: dict[str, Any], now: datetime) -> Brand:
    """Make a brand or change the named fields of one; pages and mails follow within two seconds.

    Order numbers that were given keep the prefix they had.

    Raises:
        BrandInvalid: something that pages or mails could not bear, or a domain of another brand.
    """
    brand = Brand.objects.select_for_update().filter(id=brand_id).first() or Brand(id=brand_id)
    for name, value in fields.items():
        setattr(brand, name, value)
    brand.updated_at = now
    try:
        brand.clean_fields()
        with transaction.atomic():
            brand.save()
    except ValidationError as error:
        field, texts = next(iter(error.message_dict.items()))
        raise BrandInvalid(texts[0], field=field) from None
    except IntegrityError:
        raise BrandInvalid(field="domains") from None
    return brand
