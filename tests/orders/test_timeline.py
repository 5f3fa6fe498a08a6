import pytest
from django.utils import translation

from everline.orders.models import TimelineEntry
from everline.orders.timeline import _FAILURES, Step, failure_text, text_of


@pytest.mark.parametrize("step", list(Step))
def test_every_step_has_words_in_both_languages(step: Step) -> None:
    with translation.override("en"):
        english = text_of(step)
    with translation.override("zh-hans"):
        chinese = text_of(step)

    assert english != step
    assert any("一" <= letter <= "鿿" for letter in chinese)


@pytest.mark.parametrize("code", sorted(_FAILURES))
def test_every_failure_says_what_to_do_next_in_both_languages(code: str) -> None:
    with translation.override("en"):
        english = failure_text(code)
    with translation.override("zh-hans"):
        chinese = failure_text(code)

    assert english.endswith(".")
    assert "_" not in english
    assert any("一" <= letter <= "鿿" for letter in chinese)


@pytest.mark.parametrize(
    "code", ["stolen_card", "lost_card", "fraudulent", "generic_decline", "", "new_word"]
)
def test_what_would_help_a_thief_is_a_plain_decline(code: str) -> None:
    with translation.override("en"):
        assert failure_text(code).startswith("The bank declined the payment.")


def test_a_step_nobody_knows_is_shown_as_it_is() -> None:
    assert text_of("order.teleported") == "order.teleported"


def test_steps_fit_their_column() -> None:
    longest = TimelineEntry._meta.get_field("event").max_length
    assert longest is not None
    assert max(len(step) for step in Step) <= longest
