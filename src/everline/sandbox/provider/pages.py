"""The hosted pages, `/pay/<payment>`: one form each, no cookie, no script. Card numbers only pass through."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from everline.core import clock, sandbox_link
from everline.core.money import Money
from everline.sandbox.html import page_language, render_page
from everline.sandbox.models import ClosedBy, Payment
from everline.sandbox.provider import cards, payments, texts
from everline.sandbox.provider.cards import Card, CardError
from everline.sandbox.wire import WireError, origin_of

#: What the form offers; a PayPal payment has a page of its own.
CHOICES = ("card", "apple_pay", "google_pay", "alipay", "wechat_pay")
FIELDS = ("number", "expiry", "cvc")


@sensitive_post_parameters("number", "cvc")
@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: HttpRequest, payment_id: str) -> HttpResponse:
    """The payment's page: the form while it is open, otherwise what became of it and the way back."""
    try:
        payment = payments.find_payment(payment_id)
    except WireError:
        return _not_found(request)
    with page_language(request, payment.locale):
        if not _is_open(payment):
            return _closed(request, payment)
        if request.method != "POST":
            return _form(request, payment, {}, 200)
        return _submit(request, payment)


def _submit(request: HttpRequest, payment: Payment) -> HttpResponse:
    action = request.POST.get("action", "") or "pay"
    paypal = payment.offered == "paypal"
    if action not in ({"approve", "pay", "cancel"} if paypal else {"pay", "cancel"}):
        return _form(request, payment, {"action": "unknown_action"}, 422)
    if action == "cancel":
        return _after(request, payments.leave_payment(payment.pk, clock.now()))
    method = "paypal" if paypal else request.POST.get("method", "") or payment.offered
    if method == "card":
        return _submit_card(request, payment)
    if method not in CHOICES and not paypal:
        return _form(request, payment, {"method": "unknown_method"}, 422)
    return _after(request, payments.pay_by_account(payment.pk, method, clock.now()))


@sensitive_variables("card")
def _submit_card(request: HttpRequest, payment: Payment) -> HttpResponse:
    card, errors = _read_card(request)
    if card is None:
        return _form(request, payment, errors, 422)
    return _after(request, payments.pay_by_card(payment.pk, card, clock.now()))


@sensitive_variables("digits")
def _read_card(request: HttpRequest) -> tuple[Card | None, dict[str, str]]:
    """The card of the form, or the code of each field's error."""
    errors: dict[str, str] = {}
    number, expiry, cvc = (request.POST.get(field, "") for field in FIELDS)
    digits = ""
    try:
        digits = cards.read_number(number)
    except CardError as error:
        errors[error.field] = error.code
    try:
        cards.check_expiry(expiry, clock.now())
    except CardError as error:
        errors[error.field] = error.code
    try:
        cards.check_cvc(cvc)
    except CardError as error:
        errors[error.field] = error.code
    if errors:
        return None, errors
    return cards.identify(digits, sandbox_link.token()), errors


def _after(request: HttpRequest, payment: Payment) -> HttpResponse:
    """Where the browser goes once the payment was decided, or its bank wants to ask."""
    if _is_open(payment):
        assert payment.challenge is not None
        return _redirect(reverse("sandbox-challenge", args=[payment.pk, payment.challenge["id"]]))
    if payment.closed_by in {ClosedBy.SHOP, ClosedBy.TIME}:
        return _closed(request, payment)
    return _redirect(payment.return_url)


@require_http_methods(["GET", "HEAD", "POST"])
def challenge(request: HttpRequest, payment_id: str, challenge_id: str) -> HttpResponse:
    """The bank's 3-D Secure page: approve, fail, or abandon (which leaves the payment open)."""
    try:
        payment = payments.find_payment(payment_id)
    except WireError:
        return _not_found(request)
    with page_language(request, payment.locale):
        if not _is_open(payment):
            return _closed(request, payment)
        if (payment.challenge or {}).get("id") != challenge_id:
            return _replaced(request, payment)
        return _answer(request, payment, challenge_id)


def _answer(request: HttpRequest, payment: Payment, challenge_id: str) -> HttpResponse:
    if request.method != "POST":
        return _render(request, payment, "challenge", 200)
    action = request.POST.get("action", "")
    if action == "abandon":
        return _render(request, payment, "abandoned", 200)
    if action not in {"approve", "fail"}:
        return _render(
            request, payment, "challenge", 422, errors={"action": texts.error_text("unknown_action")}
        )
    try:
        decided = payments.answer_challenge(
            payment.pk, challenge_id, approve=action == "approve", now=clock.now()
        )
    except WireError:
        return _replaced(request, payment)
    return _after(request, decided)


def _is_open(payment: Payment) -> bool:
    return payment.status == payments.OPEN and payment.expires_at > clock.now()


def _form(request: HttpRequest, payment: Payment, errors: dict[str, str], status: int) -> HttpResponse:
    """The payment's form. What was typed is not given back: a card number never appears in a page."""
    name = "paypal" if payment.offered == "paypal" else "pay"
    chosen = request.POST.get("method", "")
    return _render(
        request,
        payment,
        name,
        status,
        errors={field: texts.error_text(code) for field, code in errors.items()},
        choices=[(choice, texts.METHODS[choice]) for choice in CHOICES],
        chosen=chosen if chosen in CHOICES else payment.offered,
    )


def _closed(request: HttpRequest, payment: Payment) -> HttpResponse:
    """A payment that has ended. Submitting again what the customer already ended leads back to the shop."""
    customers_own = payment.status != payments.OPEN and payment.closed_by not in {
        ClosedBy.SHOP,
        ClosedBy.TIME,
    }
    if request.method == "POST" and customers_own:
        return _redirect(payment.return_url)
    paid = payment.captured > 0
    code = "paid" if paid else payment.failure_code or "expired"
    return _render(
        request, payment, "closed", 200 if paid else 410, paid=paid, outcome=texts.outcome_text(code)
    )


def _replaced(request: HttpRequest, payment: Payment) -> HttpResponse:
    outcome = texts.outcome_text("challenge_replaced")
    return _render(request, payment, "closed", 409, paid=False, outcome=outcome, again=True)


def _render(request: HttpRequest, payment: Payment, name: str, status: int, **context: Any) -> HttpResponse:
    amount = Money(payment.amount, payment.currency).format(texts.language())
    context |= {"payment": payment, "amount": amount, "pay_url": reverse("sandbox-pay", args=[payment.pk])}
    return render_page(request, name, context, status=status, form_target=origin_of(payment.return_url))


def _redirect(url: str) -> HttpResponse:
    """303, with the address exactly as given: nothing is appended or re-encoded."""
    response = HttpResponse(status=303)
    response["Location"] = url
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _not_found(request: HttpRequest) -> HttpResponse:
    with page_language(request):
        return render_page(request, "missing", {}, status=404)
