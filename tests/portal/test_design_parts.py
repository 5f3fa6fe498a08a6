"""The parts of the design system, its gallery, the theme, and the pages that say what went wrong."""

import re
from typing import Any

import pytest
from django.template import Context, Template
from django.test import Client, RequestFactory

from everline.portal.icons import ICONS
from everline.portal.views.gallery import ERRORS, SECTIONS
from tests.portal.conftest import Page, Shop
from tests.portal.test_design_sheets import INLINE, SOURCE

PARTS = {path.stem for path in SOURCE.glob("portal/templates/portal/parts/*.html")}
#: What shows that a part was rendered, and what only the frame of a page uses.
MARKS = {
    "field": "field-right-light",
    "select": "field-list-light",
    "check": 'type="checkbox" id="field-check-light"',
    "notice": 'class="notice good"',
    "empty": 'class="empty"',
    "ring": 'class="ring-dial"',
    "badge": 'class="badge warn"',
    "copy": 'data-copy="smdp.example"',
    "steps": 'class="stepper"',
    "tabs": 'class="tabs"',
    "bars": 'class="bars dense"',
    "skeleton": 'class="skeleton round"',
    "preferences": "data-theme-form",
}
OF_FORMS = {"problem", "messages"}


def render(source: str, **context: Any) -> str:
    """A piece of a template with the design tags at hand."""
    return Template("{% load design %}" + source).render(Context(context))


def part(part_name: str, /, **context: Any) -> str:
    """One part by itself."""
    return render(f'{{% include "portal/parts/{part_name}.html" %}}', **context)


def test_the_gallery_shows_every_part_section_and_icon(shop: Shop) -> None:
    page = Page(Client(headers={"Accept-Language": "en"}).get("/ui/"))

    assert set(MARKS) | OF_FORMS == PARTS
    assert [name for name, mark in MARKS.items() if mark not in page.html] == []
    assert [name for name in SECTIONS if f'<section id="{name}"' not in page.html] == []
    assert page.html.count('class="specimen" data-theme="light"') == len(SECTIONS)
    assert page.html.count('class="specimen" data-theme="dark"') == len(SECTIONS)
    assert page.html.count('class="icon large"') >= 2 * len(ICONS)
    assert page.forbidden == []


def test_the_gallery_leads_to_the_mails_and_the_error_pages(shop: Shop) -> None:
    page = Page(Client().get("/ui/"))

    assert "/ui/mails/" in page.links
    assert {f"/ui/errors/{code}/" for code in (*ERRORS, 500)} <= set(page.links)


def test_no_id_stands_twice_in_the_gallery(shop: Shop) -> None:
    ids = re.findall(r'\sid="([^"]+)"', Page(Client().get("/ui/")).html)

    assert sorted(ids) == sorted(set(ids))


@pytest.mark.parametrize("path", ["/ui/", "/ui/errors/404/", "/ui/errors/500/"])
def test_in_earnest_there_is_no_gallery(shop: Shop, settings: Any, path: str) -> None:
    settings.EVERLINE_MODE = "live"

    answer = Client(headers={"Accept-Language": "en"}).get(path)

    assert answer.status_code == 404
    assert "We could not find this page" in Page(answer).text
    assert "specimen" not in Page(answer).html


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("code", [*ERRORS, 500])
def test_error_pages_say_what_to_do_next(shop: Shop, code: int, language: str) -> None:
    answer = Client(headers={"Accept-Language": language}).get(f"/ui/errors/{code}/")

    page = Page(answer)
    assert answer.status_code == code
    assert str(code) in page.text
    assert page.language == ("en" if language == "en" else "zh-Hans")
    assert page.html.count("<h1>") == 1
    assert {"/", "/account/"} & set(page.links)
    assert page.forbidden == []


def test_unknown_error_pages_are_not_found(shop: Shop) -> None:
    assert Client().get("/ui/errors/418/").status_code == 404


def test_an_address_that_does_not_exist_keeps_the_customers_frame(shop: Shop, enter: Any) -> None:
    customer = shop.customer(locale="en")

    answer = enter(customer).get("/lines/ln_00000000000000/", headers={"Accept-Language": "zh-CN"})

    page = Page(answer)
    assert answer.status_code == 404
    assert page.language == "en"
    assert "/orders/" in page.links
    assert customer.email not in Page(Client().get("/nowhere/")).html


def test_a_strange_host_gets_a_page_that_names_nobody(shop: Shop, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["shop.example"]
    answer = Client(headers={"Accept-Language": "en", "Host": "evil.example"}).get("/")

    assert answer.status_code == 400
    assert "evil.example" not in Page(answer).html


def test_a_failure_of_ours_needs_no_database(django_assert_num_queries: Any, db: None) -> None:
    with django_assert_num_queries(0):
        page = render('{% include "500.html" %}')

    assert "500" in page
    assert not INLINE.search(page)


def test_without_a_choice_the_system_decides(shop: Shop) -> None:
    page = Client().get("/").content.decode()

    assert re.search(r"<html lang=\"[^\"]+\">", page)
    assert "prefers-color-scheme: dark" in page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_chosen_theme_is_written_by_the_server(shop: Shop, theme: str) -> None:
    client = Client()

    answer = client.post("/theme/", {"theme": theme, "next": "/plans/?term=day"})

    assert (answer.status_code, answer["Location"]) == (303, "/plans/?term=day")
    assert client.cookies["theme"].value == theme
    page = client.get("/plans/").content.decode()
    assert f'data-theme="{theme}">' in page
    assert f'<meta name="color-scheme" content="{theme}">' in page
    assert "prefers-color-scheme" not in page


@pytest.mark.parametrize("value", ["system", "", "purple", '"><script>'])
def test_any_other_theme_gives_the_choice_back_to_the_system(shop: Shop, value: str) -> None:
    client = Client()
    client.post("/theme/", {"theme": "dark"})

    client.post("/theme/", {"theme": value})

    assert client.cookies["theme"].value == ""
    assert "data-theme=" not in client.get("/").content.decode().partition("<head>")[0]


def test_a_theme_cookie_made_by_hand_does_nothing(shop: Shop) -> None:
    client = Client()
    client.cookies["theme"] = '"><script src=x>'

    page = client.get("/").content.decode()

    assert "<script src=x" not in page
    assert "data-theme=" not in page.partition("<head>")[0]


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "\\\\evil.example", "javascript:1"]
)
def test_the_choice_of_theme_leads_nowhere_else(shop: Shop, target: str) -> None:
    answer = Client().post("/theme/", {"theme": "dark", "next": target})

    assert answer["Location"] == "/"


def test_looking_at_the_themes_address_chooses_nothing(shop: Shop) -> None:
    client = Client()

    assert client.get("/theme/?theme=dark").status_code == 303
    assert "theme" not in client.cookies


def test_icons_are_for_eyes_only() -> None:
    for name in ICONS:
        picture = render(f'{{% icon "{name}" "large" %}}')
        assert 'aria-hidden="true"' in picture
        assert 'class="icon large"' in picture


def test_an_icon_that_nobody_drew_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        render('{% icon "unicorn" %}')


def test_a_field_ties_hint_and_error_to_itself() -> None:
    class Wrong:
        field, detail = "email", "<b>Not</b> an address."

    html = part(
        "field", name="email", label="E-mail", hint="Yours", value='"><i>', problem=Wrong(), required=True
    )

    assert '<label for="field-email">E-mail</label>' in html
    assert 'aria-describedby="hint-email error-email"' in html
    assert 'aria-invalid="true"' in html
    assert "<b>" not in html
    assert "<i>" not in html
    assert "aria-invalid" not in part("field", name="phone", label="Phone", problem=Wrong())


def test_a_select_and_a_checkbox_keep_what_was_chosen() -> None:
    chosen = part("select", name="zone", label="Zone", options=[("a", "A"), ("b", "B")], value="b")
    ticked = part("check", name="save", label="Save", checked=True)

    assert '<option value="b" selected>' in chosen
    assert '<option value="a">' in chosen
    assert " checked" in ticked
    assert " checked" not in part("check", name="save", label="Save")


@pytest.mark.parametrize(("tone", "role"), [("bad", "alert"), ("good", ""), ("warn", ""), ("", "")])
def test_only_bad_news_interrupt(tone: str, role: str) -> None:
    html = part("notice", tone=tone, text="So <it> is")

    assert ('role="alert"' in html) == bool(role)
    assert f'class="notice {tone or "info"}"' in html
    assert "&lt;it&gt;" in html


def test_a_notice_can_be_hidden_only_with_a_script() -> None:
    html = part("notice", text="x", dismiss=True)

    assert "data-dismissable" in html
    assert re.search(r"<button[^>]*data-dismiss hidden", html)
    assert "data-dismiss" not in part("notice", text="x")


def test_a_ring_says_in_words_what_it_shows() -> None:
    part_left = part("ring", label="Data", value_text="3 GB", of_text="of 5 GB", percent=60)
    unlimited = part("ring", label="Data", value_text="Unlimited", unlimited=True)
    nothing = part("ring", label="Data", value_text="0 B", percent=0)

    assert 'stroke-dasharray="60 100"' in part_left
    assert all(word in part_left for word in ("Data", "3 GB", "of 5 GB"))
    assert unlimited.count("<circle") == 2
    assert "dasharray" not in unlimited
    assert nothing.count("<circle") == 1


def test_bars_have_words_and_few_labels_when_there_are_many() -> None:
    bars = [
        {"label": str(day), "value_text": f"{day} MB", "percent": day, "title": f"May {day}"}
        for day in range(31)
    ]

    html = part("bars", bars=bars, label="Usage")

    assert html.count("<rect") == 30  # nothing was used on the first day
    assert html.count("<li") == 31
    assert "May 30：30 MB" in html
    assert 'class="bars dense"' in html
    assert 'class="bars"' in part("bars", bars=bars[:7])


def test_steps_before_the_current_one_are_done_and_lead_back() -> None:
    html = render(
        '{% steps_of 2 "Plan" "Offer" "Pay" as steps %}'
        '{% include "portal/parts/steps.html" with label="Way" steps=steps only %}'
    )
    linked = part("steps", label="Way", steps=[{"label": "Plan", "state": "done", "url": "/x"}])

    assert html.count('aria-current="step"') == 1
    assert re.search(r'<li class="done">Plan<span class="visually-hidden">', html)
    assert '<li class="todo">Pay</li>' in html
    assert '<a href="/x">Plan</a>' in linked


def test_a_copy_button_carries_the_value_and_what_to_say() -> None:
    html = part("copy", label="ICCID", value='8988"><x>')

    assert 'data-copy="8988&quot;&gt;&lt;x&gt;"' in html
    assert "ICCID" in re.findall(r'data-copied="([^"]+)"', html)[0]
    assert 'type="button"' in html


def test_tabs_and_skeletons() -> None:
    tabs = part(
        "tabs",
        label="Terms",
        tabs=[{"label": "Day", "url": "?d", "current": True}, {"label": "Year", "url": "?y"}],
    )

    assert tabs.count("aria-current") == 1
    assert '<nav class="tabs" aria-label="Terms">' in tabs
    assert part("skeleton", lines=4).count('class="bone"') == 4
    assert 'role="status"' in part("skeleton")


def test_the_theme_is_unknown_without_a_request() -> None:
    request = RequestFactory().get("/")
    request.COOKIES["theme"] = "dark"

    assert render("{% page_theme %}") == ""
    assert render("{% page_theme %}", request=request) == "dark"
