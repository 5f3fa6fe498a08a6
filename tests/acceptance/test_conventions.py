"""What holds for every call: shapes, languages, refusals, request ids, lists."""

import re

import httpx
import pytest

from tests.acceptance.conftest import World
from tests.acceptance.web import Api, Json, Person, good, new_key, problem

pytestmark = pytest.mark.stack

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
PREFIXED = re.compile(r"(cus|ln|pln|quo|ord|att|per|ref|tkt|ann|apk)_[0-9A-Za-z]+")
TIMES = {"at", "as_of", "created_at", "expires_at", "starts_at", "ends_at", "valid_until", "current_ends_at"}
UNKNOWN = "0000000000000"


def walk(value: object, name: str = "") -> list[tuple[str, object]]:
    """Every member of a document with its name."""
    found: list[tuple[str, object]] = [(name, value)]
    if isinstance(value, dict):
        for key, inner in value.items():
            found += walk(inner, key)
    elif isinstance(value, list):
        for inner in value:
            found += walk(inner, name)
    return found


@pytest.fixture(scope="module")
def member(world: World) -> Person:
    """A customer with one paid month; these tests only read."""
    found = world.register()
    assert world.buy(found)["status"] == "fulfilled"
    return found


@pytest.fixture
def documents(member: Person) -> list[Json]:
    [order] = member.get("/orders")["data"]
    [line] = member.get("/lines")["data"]
    quote = member.quote(line["id"], order["plan"])
    return [member.session, member.get("/me"), order, line, quote, member.get("/plans", line=line["id"])]


def test_ids_are_prefixed_and_references_are_ids(documents: list[Json]) -> None:
    kinds = {
        "line": "ln_",
        "plan": "pln_",
        "order": "ord_",
    }
    seen = set()
    for name, value in walk(documents):
        if name == "id":
            assert isinstance(value, str)
            assert PREFIXED.fullmatch(value), value
            seen.add(value.partition("_")[0])
        elif name in kinds:
            assert isinstance(value, str)
            assert value.startswith(kinds[name]), (name, value)

    assert seen == {"cus", "ln", "pln", "quo", "ord", "att", "per"}


def test_money_is_an_integer_of_minor_units_with_its_currency(documents: list[Json]) -> None:
    amounts = [v for _, v in walk(documents) if isinstance(v, dict) and "currency" in v and "amount" in v]

    assert len(amounts) > 5
    for amount in amounts:
        assert amount.keys() == {"amount", "currency"}
        assert type(amount["amount"]) is int
        assert re.fullmatch("[A-Z]{3}", amount["currency"])
    assert not [name for name, value in walk(documents) if isinstance(value, float)]


def test_times_are_utc_and_equal_instants_print_identically(documents: list[Json]) -> None:
    times = [(name, value) for name, value in walk(documents) if name in TIMES and value is not None]
    _session, _me, order, line, quote, _plans = documents

    assert len(times) > 10
    for name, value in times:
        assert isinstance(value, str)
        assert INSTANT.fullmatch(value), (name, value)
    [period] = order["periods"]
    assert line["periods"] == order["periods"]
    assert line["valid_until"] == period["ends_at"] == quote["current_ends_at"] == quote["starts_at"]


@pytest.mark.parametrize("path", ["/plans", "/lines", "/orders"])
def test_lists_have_data_and_a_cursor_and_a_limit_of_a_hundred(member: Person, path: str) -> None:
    page = member.get(path, limit=100)

    assert page.keys() == {"data", "next_cursor"}
    for limit in ("0", "101", "-1", "x", "1e2"):
        refusal = member.refused("validation_failed", 422, "GET", f"{path}?limit={limit}")
        assert refusal["errors"][0]["field"].endswith("limit")
    member.refused("invalid_cursor", 422, "GET", f"{path}?cursor=nonsense")


def test_pages_follow_each_other_without_gap_or_repeat(member: Person, anyone: Api) -> None:
    for _order in range(3):
        member.order(unit="day")

    whole, paged = member.get("/orders", limit=100)["data"], member.all("/orders", limit=2)

    assert [each["id"] for each in paged] == [each["id"] for each in whole]
    assert [each["created_at"] for each in whole] == sorted(each["created_at"] for each in whole)
    assert len(member.get("/orders", limit=2)["data"]) == 2
    ids = [plan["id"] for plan in anyone.all("/plans", limit=7)]
    assert len(ids) == len(set(ids)) == len(anyone.all("/plans", limit=100))


@pytest.mark.parametrize(
    ("asked", "language"),
    [("en", "en"), ("zh-hans", "zh-hans"), ("zh-CN,zh;q=0.9", "zh-hans"), ("fr", "zh-hans"), ("en-GB", "en")],
)
def test_the_language_is_what_the_caller_asked_for(anyone: Api, asked: str, language: str) -> None:
    headers = {"Accept-Language": asked}
    plan = good(anyone.call("GET", "/plans?limit=1", headers=headers), 200)["data"][0]
    refusal = problem(anyone.call("GET", "/me", headers=headers), 401, "login_required")

    is_chinese = bool(re.search("[\u4e00-\u9fff]", plan["name"]))
    assert is_chinese == (language == "zh-hans"), plan["name"]
    assert bool(re.search("[\u4e00-\u9fff]", refusal["detail"])) == is_chinese


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", f"/orders/ord_{UNKNOWN}", 404, "not_found"),
        ("GET", "/orders/nonsense", 404, "not_found"),
        ("GET", f"/lines/ln_{UNKNOWN}", 404, "not_found"),
        ("GET", f"/plans/pln_{UNKNOWN}", 404, "not_found"),
        ("GET", "/orders/ord_%00", 404, "not_found"),
        ("GET", f"/plans?line=ln_{UNKNOWN}", 404, "not_found"),
        ("DELETE", "/orders", 405, "method_not_allowed"),
        ("PUT", "/me", 405, "method_not_allowed"),
        ("POST", "/plans", 405, "method_not_allowed"),
    ],
)
def test_refusals_are_problem_documents(
    member: Person, method: str, path: str, status: int, code: str
) -> None:
    answer = member.call(method, path)

    problem(answer, status, code)
    assert (status == 405) == ("Allow" in answer.headers)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/me"),
        ("PATCH", "/me"),
        ("GET", "/lines"),
        ("GET", "/orders"),
        ("POST", "/quotes"),
        ("POST", "/orders"),
        ("GET", f"/orders/ord_{UNKNOWN}/events"),
        ("DELETE", "/sessions/current"),
        ("GET", f"/plans?line=ln_{UNKNOWN}"),
        ("POST", "/operator/usage-records"),
    ],
)
def test_what_needs_a_token_says_401(anyone: Api, method: str, path: str) -> None:
    for token in ("", "Bearer nonsense", "Basic YTpi", "Bearer"):
        answer = anyone.call(method, path, {}, headers={"Authorization": token} if token else {})

        assert answer.status_code == 401, answer.text
        problem(answer, 401, answer.json()["code"])
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_body"),
        (b"\xff\xfe", "application/json", 400, "malformed_body"),
        (b"plan=1", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b'{"plan": "' + b"x" * 300_000 + b'"}', "application/json", 413, "body_too_large"),
        (b"[]", "application/json", 422, "validation_failed"),
        (b"null", "application/json", 422, "validation_failed"),
        (b'{"plan": 5}', "application/json", 422, "validation_failed"),
        (b'{"plan": "\\u0000"}', "application/json", 422, "validation_failed"),
        (b'{"plan": "pln_x", "quantity": 1e999}', "application/json", 400, "malformed_body"),
    ],
)
def test_bodies_that_cannot_be_read(
    member: Person, body: bytes, content_type: str, status: int, code: str
) -> None:
    headers = {"Content-Type": content_type, "Authorization": f"Bearer {member.token}"}

    answer = httpx.post(f"{member.shop}/api/v1/quotes", content=body, headers=headers)

    if code == "malformed_body" and answer.status_code == 422:
        code, status = "validation_failed", 422  # a number that no JSON parser need know
    problem(answer, status, code)


def test_errors_name_the_fields(member: Person) -> None:
    refusal = member.refused("validation_failed", 422, "POST", "/quotes", {"line": 5, "quantity": "1"})

    assert {each["field"] for each in refusal["errors"]} == {"line", "plan", "quantity"}


def test_every_answer_has_a_request_id(member: Person, anyone: Api) -> None:
    answers = [
        member.call("GET", "/me"),
        member.call("GET", "/nothing"),
        anyone.call("GET", "/plans"),
        anyone.call("GET", "/openapi.json"),
        anyone.call("GET", f"{anyone.shop}/"),
        anyone.call("GET", f"{anyone.shop}/healthz"),
        anyone.call("HEAD", f"{anyone.shop}/webhooks/payments/sandbox"),
        anyone.call("POST", f"{anyone.shop}/webhooks/payments/sandbox", {}),
        anyone.call("GET", f"{anyone.shop}/no-such-page"),
    ]

    ids = [answer.headers["X-Request-Id"] for answer in answers]
    assert all(ids)
    assert len(set(ids)) == len(ids)


def test_another_customers_objects_are_not_there(world: World, member: Person) -> None:
    [order], [line] = member.get("/orders", limit=1)["data"], member.get("/lines")["data"]
    quote = member.quote(line["id"], order["plan"])
    [attempt] = order["attempts"]
    other = world.register()
    pay = {"method": "card", "return_url": other.return_url}

    calls: list[tuple[str, str, Json | None]] = [
        ("GET", f"/orders/{order['id']}", None),
        ("GET", f"/orders/{order['id']}/events", None),
        ("POST", f"/orders/{order['id']}/cancel", None),
        ("POST", f"/orders/{order['id']}/attempts", pay),
        ("POST", f"/orders/{order['id']}/attempts/{attempt['id']}/cancel", None),
        ("GET", f"/lines/{line['id']}", None),
        ("PATCH", f"/lines/{line['id']}", {"label": "mine"}),
        ("GET", f"/lines/{line['id']}/usage", None),
        ("GET", f"/plans?line={line['id']}", None),
        ("GET", f"/orders?line={line['id']}", None),
        ("POST", "/quotes", {"line": line["id"], "plan": order["plan"]}),
        ("POST", "/orders", {"quote": quote["id"]}),
    ]
    for method, path, body in calls:
        other.refused("not_found", 404, method, path, body, key=new_key())
    assert member.get(f"/lines/{line['id']}")["label"] == ""


def test_the_description_tells_of_exactly_this_api(anyone: Api) -> None:
    document = anyone.get("/openapi.json")

    assert document["openapi"].startswith("3.")
    promised = {
        "/customers": {"post"},
        "/sessions": {"post"},
        "/sessions/current": {"delete"},
        "/me": {"get", "patch"},
        "/plans": {"get"},
        "/lines": {"get"},
        "/quotes": {"post"},
        "/orders": {"get", "post"},
        "/operator/usage-records": {"post"},
    }
    for path, methods in promised.items():
        assert methods == document["paths"][f"/api/v1{path}"].keys()
    paths = set(document["paths"])
    for shape in ("lines/{}", "lines/{}/usage", "orders/{}", "orders/{}/attempts", "orders/{}/events"):
        assert any(re.sub(r"{\w+}", "{}", path) == f"/api/v1/{shape}" for path in paths), shape
    assert not [path for path in paths if "_sandbox" in path]
