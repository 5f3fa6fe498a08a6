"""What every record page has in common: to look at and to search, never to change."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.utils import quote
from django.core.paginator import Paginator
from django.db.models import Field, ForeignKey, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

from everline.backoffice.column_words import COLUMN_WORDS
from everline.backoffice.wording import tone_of
from everline.core import ids
from everline.core.ids import PrefixedIdField
from everline.core.money import Money
from everline.support.search import digits_of, phone_query

Text = str | Promise
#: Fields that hold E.164 numbers, found in whatever spelling they are read out.
_PHONES = frozenset({"phone", "msisdn"})
#: Fields that hold digits on a card, found by their end.
_CARDS = frozenset({"iccid", "eid", "line_iccid"})
_CELL = 80
_MINUTES = "%Y-%m-%d %H:%M"
_STATUS = _("Status")
_BIGINT_DIGITS = 18
_TEXTS = ("CharField", "TextField", "EmailField", "SlugField")


class StaffAdmin(ModelAdmin):  # type: ignore[misc]
    """A record that is only looked at. Subclasses say what is shown and what it is found by.

    `search_fields` are read by their kind: ids of ours by their whole text, numbers of cards by their end,
    phones in any spelling, other texts from their beginning; with `=` before it a text must be equal.
    """

    #: How many there are is not asked of tables that only grow.
    large: ClassVar[bool] = False
    plural: ClassVar[Text] = ""
    #: Fields nobody sees: hashes, passwords, secrets.
    hidden: ClassVar[Sequence[str]] = ()
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    actions = None
    view_on_site = False
    compressed_fields = True

    def __init__(self, model: type[Model], admin_site: Any) -> None:
        super().__init__(model, admin_site)
        if self.plural:
            # The way back to the list is named by the model's options, which say nothing of their own.
            self.opts.verbose_name_plural = self.plural

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody: rows are made by services."""
        del request
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody: money and states move by services, with a reason."""
        del request, obj
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody: what happened, happened."""
        del request, obj
        return False

    def get_paginator(self, request: HttpRequest, queryset: QuerySet[Any], per_page: int, **more: Any) -> Any:
        """Large tables are paged without being counted."""
        del request
        return (InfinitePaginator if self.large else Paginator)(queryset, per_page, **more)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """Every column but the hidden ones, in the table's order."""
        del request, obj
        return [_shown(self, field) for field in _columns(self.model) if field.name not in self.hidden]

    def get_form(self, request: HttpRequest, obj: Model | None = None, **more: Any) -> Any:
        """The form of a single record, with the staff's words for its columns."""
        return super().get_form(request, obj, **{"labels": COLUMN_WORDS, **more})

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """All of them."""
        return self.get_fields(request, obj)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Rows of which a search field holds the term; what has not the form of a field is not asked."""
        term = search_term.replace("\x00", "").strip()
        if not term:
            return queryset, False
        meant = [
            each for path in self.get_search_fields(request) if (each := _lookup(self.model, path, term))
        ]
        if not meant:
            return queryset.none(), False
        wanted = Q()
        for each in meant:
            wanted |= each
        return queryset.filter(wanted), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, titled by what it holds."""
        title = self.plural or self.opts.verbose_name_plural
        return super().changelist_view(request, {"title": title, **(extra_context or {})})  # type: ignore[no-any-return]


def column(title: Text, path: str, *, order: str | None = None) -> Callable[[Any], Any]:
    """A column of a list: the value at `path` ("order__number"), sorted by `order` where that is given."""

    def show(row: Any) -> Any:
        value = row
        for name in path.split("__"):
            value = getattr(value, name, None)
            if value is None:
                return None
        if isinstance(value, datetime):
            return format_html('<span class="bo-time">{}</span>', value.astimezone(UTC).strftime(_MINUTES))
        return Truncator(value).chars(_CELL) if isinstance(value, str) else value

    return _named(show, title, order)


def state(title: Text, path: str) -> Callable[[Any], Any]:
    """A column of a state, coloured by whether somebody must look at it."""

    def show(row: Any) -> Any:
        value = _follow(row, path)
        if value is None:
            return None
        return format_html('<span class="bo-badge {}">{}</span>', tone_of(str(value)), value)

    return _named(show, title, None)


def amount(title: Text, minor: str, currency: str = "currency") -> Callable[[Any], Any]:
    """A column of money, as it reads in the active language."""

    def show(row: Any) -> str:
        code = getattr(row, currency) or row.currency
        return Money(getattr(row, minor), code).format(get_language() or "en")

    return _named(show, title, None)


def link(title: Text, kind: str, path: str, text: str = "") -> Callable[[Any], Any]:
    """A column that leads to another record: `kind` is the model's label, `path` its key."""

    def show(row: Any) -> Any:
        key, shown = _follow(row, path), _follow(row, text or path)
        return None if not key else record_link(kind, key, str(shown or key))

    return _named(show, title, None)


def record_link(kind: str, key: object, text: str = "") -> str:
    """A link to a record's page; plain text where there is no such page."""
    app, model = kind.split(".")
    try:
        url = reverse(f"admin:{app}_{model}_change", args=[quote(str(key))])
    except NoReverseMatch:
        return text or str(key)
    return format_html('<a class="bo-link" href="{}">{}</a>', url, text or str(key))


def state_filter(field: str, states: type[StrEnum], title: Text = _STATUS) -> type[SimpleListFilter]:
    """A filter by the known states, without asking the table which ones there are."""
    return choice_filter(field, [(str(state), str(state)) for state in states], title)


def choice_filter(field: str, choices: Iterable[tuple[str, Text]], title: Text) -> type[SimpleListFilter]:
    """A filter by equality with one of the choices."""
    known = list(choices)

    class Filter(SimpleListFilter):
        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
            del request, model_admin
            return known

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            del request
            return queryset if self.value() is None else queryset.filter(**{field: self.value()})

    Filter.title, Filter.parameter_name = title, field  # type: ignore[assignment]
    return Filter


def null_filter(field: str, title: Text, empty: Text, filled: Text) -> type[SimpleListFilter]:
    """A filter by whether a time is set: waiting or done, open or closed."""

    class Filter(SimpleListFilter):
        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
            del request, model_admin
            return [("no", empty), ("yes", filled)]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            del request
            if self.value() is None:
                return queryset
            return queryset.filter(**{f"{field}__isnull": self.value() == "no"})

    Filter.title, Filter.parameter_name = title, f"{field}_set"  # type: ignore[assignment]
    return Filter


def _named(show: Callable[[Any], Any], title: Text, order: str | None) -> Callable[[Any], Any]:
    show.short_description = title  # type: ignore[attr-defined]
    if order:
        show.admin_order_field = order  # type: ignore[attr-defined]
    return show


def _follow(row: Any, path: str) -> Any:
    for name in path.split("__"):
        row = getattr(row, name, None)
    return row


def _columns(model: type[Model]) -> list[Any]:
    return list(model._meta.concrete_fields)  # noqa: SLF001 - Django's documented introspection


def _shown(admin: StaffAdmin, field: Any) -> Any:
    """A field by its name; a reference as a link to what it refers to, by its key alone."""
    if not isinstance(field, ForeignKey):
        return field.name
    cache: dict[str, Any] = admin.__dict__.setdefault("_links", {})
    if field.name not in cache:
        label = field.related_model._meta.label_lower  # noqa: SLF001 - documented
        cache[field.name] = link(COLUMN_WORDS.get(field.name, field.verbose_name), label, field.attname)
    return cache[field.name]


def _lookup(model: type[Model], path: str, term: str) -> Q | None:
    """How one search field is asked for a term; None where it cannot hold it."""
    exact, name = path.startswith("="), path.lstrip("=")
    field = _field_at(model, name)
    if isinstance(field, PrefixedIdField):
        key = f"{field.prefix}_{term.rpartition('_')[2].upper()}"
        return (
            Q(**{name: key})
            if term.lower().startswith(f"{field.prefix}_") and ids.is_id(field.prefix, key)
            else None
        )
    if field.get_internal_type() not in _TEXTS:
        return (
            Q(**{name: int(term)})
            if term.isascii() and term.isdigit() and len(term) <= _BIGINT_DIGITS
            else None
        )
    if field.name in _PHONES and (query := phone_query(name, term)) is not None:
        return query
    if field.name in _CARDS and (digits := digits_of(term)):
        return Q(**{f"{name}__endswith": digits})
    return Q(**{name: term}) if exact else Q(**{f"{name}__istartswith": term})


def _field_at(model: type[Model], path: str) -> "Field[Any, Any]":
    *steps, last = path.split("__")
    for step in steps:
        model = model._meta.get_field(step).related_model  # type: ignore[assignment]  # noqa: SLF001 - documented
    return model._meta.get_field(last)  # type: ignore[return-value]  # noqa: SLF001 - documented
