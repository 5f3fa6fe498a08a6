"""A customer with one line in service, going through the pages of a purchase."""

from collections.abc import Callable

from django.test import Client

from everline.accounts.models import Customer
from everline.orders.models import Order
from everline.payments.models import Attempt
from tests.portal.bank import ORIGIN
from tests.portal.conftest import Page, Shop

Enter = Callable[[Customer], Client]


class Buyer:
    """A customer with one line in service, going through the pages."""

    def __init__(self, shop: Shop, enter: Enter) -> None:
        self.shop = shop
        self.customer = shop.customer()
        self.line = shop.line(self.customer)
        self.version = shop.plan()
        shop.serve(self.line, shop.plan("day", 5))
        self.client = enter(self.customer)

    def offer(self, **changes: str) -> str:
        """Choose the plan; returns the offer's address."""
        wanted = {"plan": self.version.plan_id, "line": self.line.id, **changes}
        answer = self.client.post("/quotes/", {name: value for name, value in wanted.items() if value})
        assert answer.status_code == 303, Page(answer).text
        return str(answer["Location"])

    def order(self) -> Order:
        """Choose and place; returns the order."""
        offer = self.offer()
        self.client.post(offer, Page(self.client.get(offer)).form(""))
        return Order.objects.get(quote_id=offer.split("/")[-2])

    def start(self, order: Order, **changes: str) -> Attempt:
        """Start a payment as the page's form does; returns the attempt."""
        address = f"/orders/{order.id}/pay/"
        form = Page(self.client.get(address)).form("")
        answer = self.client.post(address, {**form, **changes})
        assert answer["Location"].startswith(ORIGIN), answer["Location"]
        return Attempt.objects.order_by("-pk")[0]

    def page(self, address: str) -> Page:
        return Page(self.client.get(address))
