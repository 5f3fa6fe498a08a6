from everline.accounts.models import Brand
from everline.accounts.types import DEFAULT_BRAND, DEFAULT_BRAND_ID


def ensure_default_brand() -> Brand:
    """The shop's brand, made where it is missing; a brand that staff have changed stays as it is."""
    return Brand.objects.get_or_create(id=DEFAULT_BRAND_ID, defaults=DEFAULT_BRAND)[0]
