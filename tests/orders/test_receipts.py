"""Receipts: exact to the cent, readable in both languages, whatever the names are, and never another's."""

import io
from datetime import UTC, datetime
from typing import Any

import pypdfium2
import pytest
from django.db import transaction

from everline.catalog.types import Text
from everline.core import clock
from everline.core.errors import NotFound, RateLimited
from everline.core.transactions import InsideTransaction
from everline.lines.models import Line
from everline.orders import printing
from everline.orders.errors import ReceiptNotReady
from everline.orders.models import Order
from everline.orders.receipts import has_receipt, line_name, load_receipt, render_receipt
from everline.orders.services import receipts as service
from everline.orders.services import refunds
from everline.orders.sheets import Row, Sheet
from everline.payments.models import Attempt, Refund
from tests.orders.shop import Shop, statements

LOCALES = ["en", "zh-hans"]
#: The receipt's own words; a customer reads one language of them.
WORDS = {
    "en": "Receipt|Order number|Payment method|Description|Net amount|Tax|Total paid|Questions? Write to",
    "zh-hans": "收据|订单号|支付方式|项目|不含税金额|税费|实付总额|如有疑问，请发邮件至",
}
#: Points of a page of A4, and how much larger it is drawn.
WIDTH, SCALE = 595, 2
DARK = 188


def sheet(**changes: Any) -> Sheet:
    values: dict[str, Any] = {
        "brand": "leb卡",
        "accent": "#c2410c",
        "title": "收据",
        "made_at": datetime(2026, 11, 22, tzinfo=UTC),
        "facts": [("订单号", "LEB-26-7K3M9Q"), ("日期", "2026年11月22日")],
        "heads": ("项目", "金额"),
        "rows": [Row("日本按月", "US$18.17"), Row("实付总额", "US$19.99", loud=True)],
        "notes": [],
        "closing": "help@leb.example",
        **changes,
    }
    return Sheet(**values)


def words(pdf: bytes) -> str:
    """All text of a PDF, its lines joined."""
    document = pypdfium2.PdfDocument(io.BytesIO(pdf))
    try:
        text = "".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()
    return " ".join(text.split())


def boxes(pdf: bytes, wanted: str) -> list[tuple[float, float, float, float]]:
    """Where each sign of a text stands on the first page: left, bottom, right, top in points."""
    document = pypdfium2.PdfDocument(io.BytesIO(pdf))
    try:
        page = document[0].get_textpage()
        search = page.search(wanted)
        index, length = search.get_next()
        return [page.get_charbox(index + offset) for offset in range(length)]
    finally:
        document.close()


def ink(pdf: bytes, box: tuple[float, float, float, float]) -> float:
    """How much of a place on the first page is dark, 0 to 1, drawn without any font of the machine's."""
    document = pypdfium2.PdfDocument(io.BytesIO(pdf))
    try:
        page = document[0]
        height = page.get_height()
        image = page.render(scale=SCALE).to_pil().convert("L")
    finally:
        document.close()
    left, bottom, right, top = (value * SCALE for value in box)
    place = image.crop(
        (int(left), int(height * SCALE - top), int(right) + 1, int(height * SCALE - bottom) + 1)
    )
    shades = place.histogram()
    return sum(shades[:DARK]) / sum(shades)


def receipt_of(order: Order, locale: str = "en") -> str:
    return words(render_receipt(load_receipt(order_id=order.id, now=clock.now()), locale))


# The sheet


def test_chinese_is_drawn_sign_by_sign() -> None:
    pdf = printing.print_sheet(sheet())

    for text in ("leb卡", "收据", "订单号", "日本按月", "实付总额"):
        for box in boxes(pdf, text):
            assert 0.05 < ink(pdf, box) < 0.75, (text, box)


def test_signs_of_a_text_differ_on_paper() -> None:
    """A font without Chinese draws the same box for every sign."""
    pdf = printing.print_sheet(sheet())

    amounts = {round(ink(pdf, box), 3) for box in boxes(pdf, "日本按月")}

    assert len(amounts) == 4


@pytest.mark.parametrize("name", ["囍龘靐", "繁體中文鏡", "Ñandú à la carte", "Ελλαδα Киев", "$€£¥₩₫"])
def test_rare_and_foreign_signs_are_there(name: str) -> None:
    pdf = printing.print_sheet(sheet(brand=name))

    assert name in words(pdf)
    assert set(name) <= printing.covered()


def test_letters_that_the_font_has_not_lose_their_accents_alone() -> None:
    assert "Çagr" in words(printing.print_sheet(sheet(brand="Çağrı")))


def test_what_the_font_has_not_is_a_box_and_breaks_nothing() -> None:
    pdf = printing.print_sheet(sheet(brand="leb 😀\u0007卡"))

    assert "leb □" in words(pdf)


@pytest.mark.parametrize(
    "name",
    ["欧洲三十天不限量" * 12, "unbreakable" * 20, "Europe thirty days with hotspot " * 8],
)
@pytest.mark.parametrize("anywhere", [True, False])
def test_long_names_are_not_clipped(name: str, anywhere: bool) -> None:
    pdf = printing.print_sheet(sheet(rows=[Row(name, "$1.00")], wraps_anywhere=anywhere))

    assert "".join(name.split()) in "".join(words(pdf).split())
    amount = boxes(pdf, "$1.00")
    lines = _lines(pdf)
    assert all(right < WIDTH - 50 for _, right in lines)
    assert all(box[2] < WIDTH - 50 for box in amount)


def _lines(pdf: bytes) -> list[tuple[float, float]]:
    """Left and right edge of each stretch of text on the first page."""
    document = pypdfium2.PdfDocument(io.BytesIO(pdf))
    try:
        page = document[0].get_textpage()
        rects = [page.get_rect(index) for index in range(page.count_rects())]
    finally:
        document.close()
    return [(left, right) for left, _, right, _ in rects]


def test_many_rows_go_on_on_the_next_page() -> None:
    pdf = printing.print_sheet(sheet(rows=[Row(f"row {number}", "$1.00") for number in range(60)]))

    document = pypdfium2.PdfDocument(io.BytesIO(pdf))
    pages = len(document)
    document.close()
    assert pages > 1
    assert "row 0" in words(pdf)
    assert "row 59" in words(pdf)


def test_equal_sheets_are_equal_bytes() -> None:
    assert printing.print_sheet(sheet()) == printing.print_sheet(sheet())
    assert printing.print_sheet(sheet()) != printing.print_sheet(sheet(title="Receipt"))


def test_it_is_one_small_page_of_a4() -> None:
    pdf = printing.print_sheet(sheet())

    document = pypdfium2.PdfDocument(io.BytesIO(pdf))
    try:
        assert len(document) == 1
        assert [round(value) for value in document[0].get_size()] == [595, 842]
    finally:
        document.close()
    assert len(pdf) < 60_000


def test_the_font_is_free_and_says_so() -> None:
    licence = (printing.FONT.parent / "OFL.txt").read_text(encoding="utf-8")

    assert "SIL Open Font License" in licence
    assert "Adobe" in licence
    assert len(printing.covered()) > 21_000


@pytest.mark.django_db
def test_nobody_prints_while_holding_rows() -> None:
    with transaction.atomic(), pytest.raises(InsideTransaction):
        printing.print_sheet(sheet())


# What it says


@pytest.mark.django_db
@pytest.mark.parametrize("locale", LOCALES)
def test_a_receipt_says_what_was_bought_and_paid(shop: Shop, locale: str) -> None:
    customer = shop.customer(locale=locale)
    line, version = shop.line(customer), shop.plan(amount=1999)
    order = shop.renew(line, version, quantity=2)

    said = receipt_of(order, locale)

    assert order.number in said
    assert str(customer.email) in said
    assert {"en": "leb card", "zh-hans": "leb卡"}[locale] in said
    assert {"en": "Japan × 2", "zh-hans": "日本 × 2"}[locale] in said
    assert "Holiday" in said
    net, tax = order.total - order.tax, order.tax
    assert (net.amount + tax.amount, order.total.amount) == (3998, 3998)
    for money in (net, tax, order.total):
        assert money.format(locale).replace("\xa0", " ") in said
    assert said.count("(GMT+08:00)") == 1 + 2 * 2, "the date, and two periods with two ends"


@pytest.mark.django_db
def test_yen_have_no_cents(shop: Shop) -> None:
    order = shop.renew(shop.line(shop.customer(currency="JPY")), shop.plan(amount=7))

    said = receipt_of(order)

    assert "¥700" in said
    assert "700.00" not in said


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("currency", "shown"), [("INR", "INR 19.99"), ("EUR", "€19.99"), ("CHF", "CHF19.99")]
)
def test_no_amount_stands_behind_an_empty_box(shop: Shop, currency: str, shown: str) -> None:
    order = shop.renew()
    Order.objects.filter(pk=order.pk).update(currency=currency)

    assert shown in receipt_of(order)


@pytest.mark.django_db
def test_the_date_is_the_customer_s_day(shop: Shop) -> None:
    customer = shop.customer(timezone="Pacific/Auckland")
    order = shop.renew(shop.line(customer))
    captured = datetime(2026, 12, 31, 12, 30, tzinfo=UTC)
    Attempt.objects.filter(payable=order.id).update(captured_at=captured)

    assert "January 1, 2027, 01:30 (GMT+13:00)" in receipt_of(order)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("paid_with", "shown"),
    [
        ({"method_brand": "visa", "method_last4": "4242"}, "Visa •••• 4242"),
        (
            {"method_brand": "mastercard", "method_last4": "4444", "method_wallet": "apple_pay"},
            "Mastercard •••• 4444 (Apple Pay)",
        ),
        ({"method": "paypal", "method_brand": "", "method_last4": ""}, "PayPal"),
        ({"method_brand": "some_new", "method_last4": "0001"}, "Some New •••• 0001"),
    ],
)
def test_the_method_is_what_was_charged(shop: Shop, paid_with: dict[str, str], shown: str) -> None:
    order = shop.renew()
    Attempt.objects.filter(payable=order.id).update(**paid_with)

    assert shown in receipt_of(order)


@pytest.mark.django_db
def test_what_went_back_is_listed_with_what_remains(shop: Shop) -> None:
    order = shop.renew()
    before = receipt_of(order)
    order.refresh_from_db()
    refunds.give_back(order=order, reason="goodwill", now=clock.now())
    waiting = receipt_of(order)
    shop.refund()

    after = receipt_of(order)

    assert "-$19.99" not in before + waiting
    assert "$19.99" in before
    assert "-$19.99" in after
    assert "$0.00" in after
    assert shop.periods(order) == [] or "GMT" in after


@pytest.mark.django_db
def test_a_refund_of_money_that_was_never_kept_is_no_part_of_it(shop: Shop) -> None:
    line, version = shop.line(), shop.plan()
    order = shop.order(line, version)
    first = shop.pay(order)
    shop.settle()
    shop.fulfil()
    other = Attempt.objects.get(pk=first.pk)
    other.pk, other.psp_ref, other.status, other.kept = "att_0000000000001", "pay_x", "surplus", False
    other.save(force_insert=True)
    Refund.objects.create(
        id="ref_0000000000001",
        attempt=other,
        amount_minor=1999,
        currency="USD",
        status="succeeded",
        next_try_at=clock.now(),
        created_at=clock.now(),
    )

    said = receipt_of(order)

    assert "-$19.99" not in said


@pytest.mark.django_db
@pytest.mark.parametrize("locale", LOCALES)
def test_a_receipt_is_in_one_language_down_to_its_small_words(shop: Shop, locale: str) -> None:
    said = receipt_of(shop.renew(), locale)

    other = next(each for each in LOCALES if each != locale)
    assert [word for word in WORDS[locale].split("|") if word not in said] == []
    assert [word for word in WORDS[other].split("|") if word in said] == []


@pytest.mark.django_db
def test_the_same_receipt_is_the_same_file(shop: Shop) -> None:
    order = shop.renew()
    first = render_receipt(load_receipt(order_id=order.id, now=clock.now()), "zh-hans")
    shop.wait(days=3)

    again = render_receipt(load_receipt(order_id=order.id, now=clock.now()), "zh-hans")

    assert first == again


@pytest.mark.django_db
def test_four_statements_whatever_the_order(shop: Shop) -> None:
    order = shop.renew(quantity=3)

    with statements() as spent:
        receipt = load_receipt(order_id=order.id, now=clock.now())
        render_receipt(receipt, "en")

    assert len(spent) == 4, spent


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "(\\) Tj ET endstream", "x\r\ny", "龘" * 40])
def test_names_are_words_and_nothing_else(shop: Shop, name: str) -> None:
    version = shop.plan(name=Text(name, name))
    line = shop.line()
    Line.objects.filter(pk=line.pk).update(label=name)
    line.refresh_from_db()
    order = shop.renew(line, version)

    said = receipt_of(order, "zh-hans")

    assert " ".join(name.split()) in said or "".join(name.split()) in "".join(said.split())
    assert order.number in said


def test_a_line_is_named_as_its_owner_knows_it() -> None:
    assert line_name(Line(label="Holiday", msisdn="+447700900123")) == "Holiday"
    assert line_name(Line(msisdn="+447700900123")) == "+447700900123"
    assert line_name(Line(iccid="8988211000000000031")) == "eSIM …000031"


# Who may have it


@pytest.mark.django_db
def test_an_unpaid_order_has_no_receipt(shop: Shop) -> None:
    order = shop.order()
    shop.fail(shop.start(order), "generic_decline")
    shop.settle()

    with pytest.raises(ReceiptNotReady) as refused:
        service.issue_receipt(customer=order.customer, order_id=order.id, locale="en")

    assert refused.value.extra == {"status": "awaiting_payment"}
    assert not has_receipt(list(Attempt.objects.filter(payable=order.id)))


@pytest.mark.django_db
def test_a_paid_order_has_one_before_it_is_delivered(shop: Shop) -> None:
    order = shop.paid()

    file = service.issue_receipt(customer=order.customer, order_id=order.id, locale="en")

    assert (file.name, file.type) == (f"receipt-{order.number}.pdf", "application/pdf")
    assert "GMT" in words(file.content)
    assert has_receipt(list(Attempt.objects.filter(payable=order.id)))


@pytest.mark.django_db
@pytest.mark.parametrize("order_id", ["ord_0000000000001", "ord_x", "", "cus_0000000000001", "../etc"])
def test_what_is_not_there_is_not_found(shop: Shop, order_id: str) -> None:
    with pytest.raises(NotFound):
        service.issue_receipt(customer=shop.customer(), order_id=order_id, locale="en")


@pytest.mark.django_db
def test_another_customer_s_receipt_is_not_found(shop: Shop) -> None:
    order = shop.renew()

    with pytest.raises(NotFound):
        service.issue_receipt(customer=shop.customer(), order_id=order.id, locale="en")


@pytest.mark.django_db
def test_nobody_keeps_the_printer_busy(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    order, printed = shop.renew(), []
    monkeypatch.setattr(service, "render_receipt", lambda *_: printed.append(1) or b"%PDF-")
    for _ in range(service.PER_MINUTE):
        service.issue_receipt(customer=order.customer, order_id=order.id, locale="en")

    with pytest.raises(RateLimited) as refused:
        service.issue_receipt(customer=order.customer, order_id=order.id, locale="en")
    shop.wait(minutes=2)
    service.issue_receipt(customer=order.customer, order_id=order.id, locale="en")

    assert 0 < refused.value.extra["retry_after"] <= 61
    assert len(printed) == service.PER_MINUTE + 1
