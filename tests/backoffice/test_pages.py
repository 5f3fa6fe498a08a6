"""The pages staff live on: dashboard, search, a customer, an order."""

from datetime import timedelta

import pytest
from django.contrib.admin.utils import quote
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.http import urlencode

from everline.accounts.models import User
from everline.accounts.roles import Role
from everline.core import clock
from everline.lines.models import Line
from tests.backoffice.conftest import SignIn
from tests.backoffice.world import World

pytestmark = pytest.mark.django_db
HOME = "/backoffice/"


def customer_url(world: World) -> str:
    return reverse("admin:accounts_customer_change", args=[quote(world.customer.id)])


def order_url(world: World) -> str:
    return reverse("admin:orders_order_change", args=[quote(world.order.id)])


def test_the_dashboard_shows_what_waits(world: World, desk: SignIn) -> None:
    with CaptureQueriesContext(connection) as captured:
        page = desk(Role.VIEWER).get(HOME)

    text = page.content.decode()
    assert page.context["figures"].open_cases == 1
    assert "Open cases" in text
    assert text.count("<svg") >= 2
    assert "renewals among" in text
    assert len(captured) <= 40


def test_without_the_right_the_dashboard_has_no_figures(desk: SignIn, staff: object) -> None:
    client = desk(Role.VIEWER)
    client.get(HOME)
    User.objects.get(email="viewer@example.com").groups.clear()

    assert client.get(HOME).context["figures"] is None


def test_a_customer_is_shown_with_all_that_is_theirs(world: World, desk: SignIn) -> None:
    text = desk(Role.SUPPORT).get(customer_url(world)).content.decode()

    assert "buyer@example.com" in text
    assert world.order.number in text
    assert world.line.iccid in text
    assert "check digit" in text  # of an odd card
    assert "192.0.2.7" in text
    assert "Signed in with a password" in text
    assert "support@example.com" in text  # who wrote the note
    assert "order_confirmation" not in text  # by its words, not by its code
    assert "Order confirmation" in text


def test_an_order_is_shown_with_all_that_anybody_noted(world: World, desk: SignIn) -> None:
    text = desk(Role.SUPPORT).get(order_url(world)).content.decode()

    for each in (
        world.order.number,
        world.attempt.id,
        str(world.attempt.psp_ref),
        "requires_action → captured",
        "evt_evil",
        f"sup-{world.order.id}-topup",
        world.refund.id,
        f"capture:{world.attempt.id}",
        "Order confirmation",
        "support@example.com",
        "Payment received",
    ):
        assert each in text, each


def test_a_case_stands_with_reason_owner_and_next_step(world: World, desk: SignIn) -> None:
    url = reverse("admin:orders_order_change", args=[quote(world.case.order_id)])

    text = desk(Role.SUPPORT).get(url).content.decode()

    assert "amount_mismatch" in text
    assert "Next step" in text
    assert "/act/assign-case/" in text


def test_pages_ask_as_often_for_a_long_history(world: World, desk: SignIn) -> None:
    client = desk(Role.OWNER)
    counts = []
    for _ in range(2):
        for url in (customer_url(world), order_url(world)):
            with CaptureQueriesContext(connection) as captured:
                assert client.get(url).status_code == 200
            counts.append(len(captured))
        for _more in range(3):
            world.shop.renew(world.line)

    assert counts[:2] == counts[2:]
    assert max(counts) <= 45


def test_the_timeline_goes_back_by_pages(world: World, desk: SignIn) -> None:
    client = desk()
    for _ in range(4):
        world.shop.renew(world.line)
        world.shop.wait(hours=1)

    first = client.get(customer_url(world))
    before = first.context["file"].timeline.before
    second = client.get(f"{customer_url(world)}?{urlencode({'before': before.isoformat()})}")

    assert before is not None
    assert b"#timeline" in first.content
    shown = {moment.at for moment in second.context["file"].timeline.moments}
    assert shown
    assert max(shown) < before


@pytest.mark.parametrize(
    "before", ["nonsense", "2026-13-45T00:00:00Z", "2026-01-01T00:00:00", "9999-12-31T23:59:59Z", ""]
)
def test_a_strange_page_of_the_timeline_is_the_first(world: World, desk: SignIn, before: str) -> None:
    page = desk().get(f"{customer_url(world)}?{urlencode({'before': before})}")

    assert page.status_code == 200
    assert page.context["file"].timeline.moments


def test_unknown_and_malformed_ids_are_not_found(desk: SignIn) -> None:
    client = desk()

    for key in ("cus_0000000000000", "ord_0000000000000", "1", "x y", "%00"):
        for name in ("accounts_customer", "orders_order"):
            assert client.get(reverse(f"admin:{name}_change", args=[quote(key)])).status_code == 404, key


def test_the_only_thing_found_is_opened(world: World, desk: SignIn) -> None:
    client = desk(Role.VIEWER)

    one = client.get("/backoffice/find/", {"q": world.order.number.lower()})
    many = client.get("/backoffice/find/", {"q": "buyer@example.com"})
    none = client.get("/backoffice/find/", {"q": "<b>nobody</b>"})

    assert one["Location"] == order_url(world)
    assert many.status_code == 200
    assert customer_url(world) in many.content.decode()
    assert "<b>nobody" not in none.content.decode()


def test_the_palette_answers_the_same(world: World, desk: SignIn) -> None:
    client = desk(Role.VIEWER)

    answer = client.get("/backoffice/search/", {"extended": "1", "s": world.line.iccid})

    assert reverse("admin:lines_line_change", args=[quote(world.line.id)]) in answer.content.decode()
    assert client.get("/backoffice/search/", {"s": ""}).content == b""


def test_a_line_warns_of_its_card(world: World, desk: SignIn) -> None:
    line = Line.objects.exclude(eid="").first()
    assert line is not None

    text = desk().get(reverse("admin:lines_line_change", args=[quote(line.id)])).content.decode()

    assert "bo-notice warn" in text


def test_times_are_those_of_the_business_clock(world: World, desk: SignIn) -> None:
    clock.set_offset(timedelta(hours=2))
    world.shop.order(world.shop.line(world.customer))

    page = desk().get(customer_url(world))

    newest = page.context["file"].timeline.moments[0]
    assert newest.at > clock.real_now() + timedelta(hours=1)
