"""Destinations as pages show them: a flag, a name, an address, the lowest price."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse

from everline.catalog.places.destinations import Destination, Kind, search_destinations
from everline.catalog.shelf import cheapest
from everline.core.money import Money
from everline.portal.choices import in_order
from everline.portal.offers import Stock

#: What most people ask for, as far as it is on sale.
POPULAR = ("JP", "TH", "KR", "US", "GB", "SG", "HK", "FR", "TW", "AU", "IT", "AE")


@dataclass(frozen=True, slots=True)
class Place:
    """A destination on a page; `price` is that of the cheapest plan that carries a line there."""

    destination: Destination
    name: str
    url: str
    price: Money | None

    @property
    def code(self) -> str:
        """Which flag it has."""
        return self.destination.code


def place(stock: Stock, destination: Destination, locale: str) -> Place:
    """One destination in the page's language."""
    return Place(
        destination,
        destination.name.in_locale(locale),
        reverse("portal:place", args=[destination.slug]),
        cheapest(stock.of_place(destination)),
    )


def popular(stock: Stock, locale: str, limit: int) -> list[Place]:
    """The countries that most people ask for, in that order."""
    known = {each.code: each for each in stock.places}
    return [place(stock, known[code], locale) for code in POPULAR if code in known][:limit]


def regions(stock: Stock, locale: str) -> list[Place]:
    """All regions on sale, the widest first."""
    return [place(stock, each, locale) for each in stock.places if each.kind is Kind.REGION]


def countries(stock: Stock, locale: str) -> list[Place]:
    """All countries on sale in the order of their names."""
    found = [place(stock, each, locale) for each in stock.places if each.kind is Kind.COUNTRY]
    return sorted(found, key=lambda each: in_order(each.name))


def found(stock: Stock, text: str, locale: str, limit: int = 8) -> list[Place]:
    """What somebody means who has typed this."""
    return places(stock, search_destinations(stock.places, text, locale, limit), locale)


def places(stock: Stock, destinations: Iterable[Destination], locale: str) -> list[Place]:
    """These destinations, in their order."""
    return [place(stock, each, locale) for each in destinations]
