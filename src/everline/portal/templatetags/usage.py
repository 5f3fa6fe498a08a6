"""Tags of the customer's own pages: charts and their addresses."""

from typing import TYPE_CHECKING

from django import template

if TYPE_CHECKING:
    from everline.portal.charts import Asked

register = template.Library()


@register.simple_tag
def chart_query(asked: "Asked", **changes: str) -> str:
    """The address of this chart with some of it changed."""
    return asked.query(**changes)


@register.filter
def words(text: str) -> list[str]:
    """The words of a text, to loop over."""
    return text.split()
