"""Words of unfold's templates that staff read; it brings no translations, so they are kept with ours."""

from django.utils.translation import gettext_noop as _

WORDS = (
    _("Search apps and models..."),
    _("Type to search"),
    _("No results matching your query"),
    _("Loading more results..."),
    _("Filters"),
    _("Apply Filters"),
    _("Clear all filters"),
    _("Reset filters"),
    _("No results found"),
    _("This page yielded into no results. Create a new item or reset your filters."),
    _("Light"),
    _("Dark"),
    _("System"),
    _("Previous"),
    _("Next"),
    _("Filter navigation items"),
)
