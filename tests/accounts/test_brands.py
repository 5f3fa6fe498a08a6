"""Brands as data: what a row may hold, whose host is whose, and what follows from it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from everline.accounts import fronts, selectors, services
from everline.accounts.colours import ColourUnfit, contrast, dark_palette, ink_on, light_palette, mixed
from everline.accounts.errors import BrandInvalid
from everline.accounts.fronts import Remembered, host_name, is_domain, is_link
from everline.accounts.logos import MAX_BYTES, LogoRefused, clean_logo
from everline.accounts.models import Brand, remembered_brands
from everline.core.errors import NotFound

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">{}</svg>'
FIELDS: dict[str, Any] = {
    "name_en": "Tern",
    "name_zh": "燕鸥",
    "order_prefix": "TRN",
    "default_currency": "EUR",
    "default_locale": "en",
    "domains": ["tern.example", "www.tern.example"],
    "mail_from": "hello@tern.example",
    "support_email": "help@tern.example",
    "logo": SVG.format('<path fill="#8a3ffc" d="M0 0h8v8z"/>'),
    "accent_light": "#6929c4",
    "accent_dark": "#d4bbff",
}
Save = Callable[..., Brand]


@pytest.fixture
def save(brand: Brand, now: datetime) -> Save:
    def make(brand_id: str = "tern", **changes: Any) -> Brand:
        return services.save_brand(brand_id=brand_id, fields={**FIELDS, **changes}, now=now)

    return make


def test_a_brand_is_found_by_each_of_its_hosts_whatever_port_case_and_final_dot(save: Save) -> None:
    tern = save()

    for host in ("tern.example", "TERN.example:8000", "www.tern.example.", " tern.example "):
        assert selectors.brand_for_host(host) == tern
    for host in ("localhost:8000", "other.example", "tern.example.evil.example", "", "[::1]:8000"):
        assert selectors.brand_for_host(host).id == "leb"


def test_a_process_asks_once_and_sees_its_own_change_at_once(
    save: Save, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fronts, "REMEMBERED_SECONDS", 60.0)
    save()
    selectors.brand_for_host("tern.example")
    with CaptureQueriesContext(connection) as asked:
        for _ in range(5):
            selectors.brand_for_host("tern.example")
            selectors.brand_hosts()

    services.save_brand(brand_id="tern", fields={"domains": ["new.example"]}, now=now)

    assert len(asked) == 0
    assert selectors.brand_for_host("new.example").id == "tern"
    assert selectors.brand_for_host("tern.example").id == "leb"
    assert selectors.brand_hosts() == ["new.example"]


def test_what_a_process_remembers_is_two_seconds_old_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fronts, "REMEMBERED_SECONDS", 2.0)
    at = [100.0]
    monkeypatch.setattr("everline.accounts.fronts.time.monotonic", lambda: at[0])
    remembered: Remembered[int] = Remembered()
    answers = iter([{"a": 1}, {"a": 2}])

    first = remembered.get(lambda: next(answers))
    at[0] += 1.9
    again = remembered.get(lambda: next(answers))
    at[0] += 0.2
    later = remembered.get(lambda: next(answers))

    assert (first, again, later) == ({"a": 1}, {"a": 1}, {"a": 2})


def test_without_a_default_brand_there_is_no_page(db: None) -> None:
    Brand.objects.all().delete()
    remembered_brands.forget()

    with pytest.raises(NotFound):
        selectors.brand_for_host("localhost")


def test_ensuring_a_brand_makes_it_once_and_leaves_the_staffs_changes(save: Save, now: datetime) -> None:
    made = services.ensure_brand(brand_id="tern", fields=FIELDS, now=now)
    save(name_en="Tern Mobile")

    again = services.ensure_brand(brand_id="tern", fields=FIELDS, now=now)

    assert made.updated_at == now
    assert again.name_en == "Tern Mobile"


def test_a_changed_look_has_another_address(save: Save) -> None:
    one = save().look

    same = save(name_en="Other name").look
    other = save(accent_light="#0043ce").look

    assert same == one
    assert other != one
    assert len(one) == 12


def test_pages_and_payments_of_a_brand_are_on_its_own_domain(save: Save, brand: Brand, settings: Any) -> None:
    settings.EVERLINE_PUBLIC_URL = "http://localhost:8123"
    tern = save(allowed_return_origins=["https://app.tern.example"])

    assert tern.origin == "http://tern.example:8123"
    assert tern.return_origins == {
        "http://tern.example:8123",
        "http://www.tern.example:8123",
        "https://app.tern.example",
    }
    assert tern.for_messages()["home_url"] == "http://tern.example:8123/"
    assert (brand.origin, brand.return_origins) == ("", frozenset())
    settings.EVERLINE_PUBLIC_URL = "https://shop.example"
    assert tern.origin == "https://tern.example"


def test_a_domain_belongs_to_one_brand_whoever_writes_the_row(save: Save, brand: Brand) -> None:
    save()

    with pytest.raises(BrandInvalid) as refused:
        save("gull", order_prefix="GUL", domains=["gull.example", "www.tern.example"])
    with pytest.raises(IntegrityError), transaction.atomic():
        Brand.objects.filter(pk=brand.pk).update(domains=["tern.example"])

    assert refused.value.field == "domains"
    assert not Brand.objects.filter(pk="gull").exists()
    assert selectors.brand_for_host("tern.example").id == "tern"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("accent_light", "red"),
        ("accent_light", "#FFF"),
        ("accent_light", "#ffee00"),
        ("accent_light", "#0b6b60;}body{display:none"),
        ("accent_light", "#0b6b60\n"),
        ("accent_light", "url(https://evil.example)"),
        ("accent_dark", "#102030"),
        ("accent_dark", "#6fd0c1}"),
        ("logo", SVG.format("<script>alert(1)</script>")),
        ("domains", ["Tern.example"]),
        ("domains", ["tern.example:80"]),
        ("domains", ["https://tern.example"]),
        ("domains", ["tern.example", "tern.example"]),
        ("domains", ["localhost"]),
        ("domains", ["127.0.0.1"]),
        ("domains", ["*.example"]),
        ("domains", ["*"]),
        ("domains", [7]),
        ("domains", {"tern.example": 1}),
        ("domains", [f"h{n}.example" for n in range(11)]),
        ("support_url", "http://tern.example"),
        ("support_url", "javascript:alert(1)"),
        ("community_url", 'https://tern.example/"onclick='),
        ("terms_url", "//tern.example"),
        ("privacy_url", "https://tern.example/ x"),
        ("allowed_return_origins", ["https://tern.example/path"]),
        ("allowed_return_origins", ["ftp://tern.example"]),
        ("allowed_return_origins", ["https://tern.example:x"]),
        ("allowed_return_origins", "https://tern.example"),
        ("name_en", "Tern\r\nBcc: all@evil.example"),
        ("mail_name_zh", "燕鸥\n"),
        ("mail_from", "hello@tern.example\nBcc: x@evil.example"),
        ("order_prefix", "tr"),
        ("order_prefix", "TERN"),
        ("default_currency", "XXX"),
        ("default_locale", "fr"),
    ],
)
def test_what_pages_or_mails_could_not_bear_is_refused(save: Save, field: str, value: object) -> None:
    with pytest.raises(BrandInvalid) as refused:
        save(**{field: value})

    assert refused.value.field == field
    assert refused.value.detail
    assert not Brand.objects.filter(pk="tern").exists()


@pytest.mark.parametrize("name", ["Tern", "t", "../tern", "a" * 21, "te-rn"])
def test_a_brands_id_is_fit_for_addresses(save: Save, name: str) -> None:
    with pytest.raises(BrandInvalid) as refused:
        save(name)

    assert refused.value.field == "id"


def test_a_refused_change_leaves_the_brand_as_it_was(save: Save) -> None:
    save()

    with pytest.raises(BrandInvalid):
        save(name_en="Changed", accent_light="#ffffff")

    assert Brand.objects.get(pk="tern").name_en == "Tern"


def test_a_form_of_the_back_office_refuses_the_same(save: Save) -> None:
    tern = save()
    tern.accent_light = "#ffffff"

    with pytest.raises(ValidationError) as refused:
        tern.full_clean()

    assert list(refused.value.message_dict) == ["accent_light"]


@pytest.mark.parametrize(
    "content",
    [
        "<script/>",
        '<a href="https://evil.example"><path d="M0 0"/></a>',
        '<image href="https://evil.example/x.png"/>',
        '<use href="#x"/>',
        "<style>path{fill:red}</style>",
        '<foreignObject><p xmlns="http://www.w3.org/1999/xhtml">x</p></foreignObject>',
        '<path d="M0 0" onclick="alert(1)"/>',
        '<path d="M0 0" style="fill:url(https://evil.example)"/>',
        '<path d="M0 0" fill="url(https://evil.example/#a)"/>',
        '<path d="M0 0" fill="url(//evil.example)"/>',
        '<path d="M0 0" fill="javascript:alert(1)"/>',
        '<path d="M0 0" fill="URL(data:image/png)"/>',
        '<animate attributeName="href" values="x"/>',
        '<set attributeName="onload" to="alert(1)"/>',
        '<h:script xmlns:h="http://www.w3.org/1999/xhtml">alert(1)</h:script>',
        '<path xmlns:x="http://www.w3.org/1999/xlink" x:href="#a"/>',
        "<!-- comment -->",
        "<![CDATA[x]]>",
        "<path",
    ],
)
def test_a_logo_that_could_do_or_fetch_something_is_refused(content: str) -> None:
    with pytest.raises(LogoRefused):
        clean_logo(SVG.format(content))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain text",
        "<svg viewBox='0 0 1 1'/>",
        '<svg xmlns="http://www.w3.org/2000/svg"/>',
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8" onload="alert(1)"/>',
        '<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG.format("&a;"),
        '<?xml version="1.0"?><?xml-stylesheet href="https://evil.example"?>' + SVG.format(""),
        '<html xmlns="http://www.w3.org/1999/xhtml"><body/></html>',
        SVG.format(f"<title>{'x' * MAX_BYTES}</title>"),
    ],
)
def test_what_is_no_logo_is_refused(text: str) -> None:
    with pytest.raises(LogoRefused):
        clean_logo(text)


def test_a_good_logo_is_served_as_what_was_understood_of_it() -> None:
    drawn = (
        '<title>A &amp; B &lt;x&gt;</title><defs><linearGradient id="g">'
        '<stop offset="10%" stop-color="#fff"/>'
        '</linearGradient></defs><g fill="url(#g)"><path d="M1 1,2-2z" transform="rotate(4 2 2)"/></g>'
    )

    cleaned = clean_logo(f'<?xml version="1.0" encoding="utf-8"?>\n{SVG.format(drawn)}')

    assert cleaned.startswith('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">')
    assert 'fill="url(#g)"' in cleaned
    assert "<x>" not in cleaned
    assert clean_logo(cleaned) == cleaned


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#ffffff", "#777777") == contrast("#777777", "#ffffff")
    assert ink_on("#0b6b60") == "#ffffff"
    assert ink_on("#6fd0c1") == "#0d1513"
    assert mixed("#000000", "#ffffff", 50) == "#7f7f7f"


@pytest.mark.parametrize("colour", ["#0b6b60", "#6929c4", "#a2191f", "#0043ce", "#000000"])
def test_every_colour_of_a_light_theme_can_be_read(colour: str) -> None:
    palette = light_palette(colour)

    assert contrast(palette.accent, palette.paper) >= 4.5
    assert contrast(palette.ink, palette.accent) >= 4.5


@pytest.mark.parametrize("colour", ["#6fd0c1", "#d4bbff", "#ffb784", "#ffffff"])
def test_every_colour_of_a_dark_theme_can_be_read(colour: str) -> None:
    palette = dark_palette(colour)

    assert contrast(palette.accent, palette.paper) >= 4.5
    assert contrast(palette.ink, palette.accent) >= 4.5


def test_a_colour_that_disappears_is_unfit() -> None:
    with pytest.raises(ColourUnfit):
        light_palette("#6fd0c1")
    with pytest.raises(ColourUnfit):
        dark_palette("#0b6b60")


def test_names_of_hosts_and_links() -> None:
    assert host_name("Shop.Example:8000") == "shop.example"
    assert is_domain("xn--fiq228c.example")
    assert is_domain("tern.localhost")
    assert not is_domain("-x.example")
    assert not is_domain("x" * 64 + ".example")
    assert is_link("https://t.example/a?b=c#d")
    assert is_link("mailto:help@t.example")
    assert not is_link("https://t.example/" + "x" * 200)
