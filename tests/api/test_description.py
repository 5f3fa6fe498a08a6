"""The API describes exactly itself."""

from typing import Any

import pytest
from openapi_spec_validator import validate

from everline.api.rest import api, description
from tests.api.world import Api

METHODS = {"get", "post", "patch", "put", "delete"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return description()


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


def test_the_description_is_valid(anyone: Api, document: dict[str, Any]) -> None:
    served = anyone.get("/openapi.json")

    assert served["Content-Type"] == "application/json"
    assert served.json()["openapi"].startswith("3.1")
    assert served.json().keys() == document.keys()
    validate(served.json())


def test_it_holds_what_exists_and_no_more(document: dict[str, Any]) -> None:
    assert {(method, path.removeprefix("/api/v1")) for method, path, _ in operations(document)} == {
        ("post", "/customers"),
        ("post", "/sessions"),
        ("post", "/sessions/code"),
        ("post", "/password/recover"),
        ("post", "/password/reset"),
        ("delete", "/sessions/current"),
        ("get", "/me"),
        ("patch", "/me"),
        ("get", "/plans"),
        ("get", "/plans/{plan_id}"),
        ("get", "/lines"),
        ("get", "/lines/{line_id}"),
        ("patch", "/lines/{line_id}"),
        ("get", "/lines/{line_id}/usage"),
        ("get", "/lines/{line_id}/qr.svg"),
        ("post", "/quotes"),
        ("get", "/orders"),
        ("post", "/orders"),
        ("get", "/orders/{order_id}"),
        ("post", "/orders/{order_id}/cancel"),
        ("post", "/orders/{order_id}/attempts"),
        ("post", "/orders/{order_id}/attempts/{attempt_id}/cancel"),
        ("get", "/orders/{order_id}/events"),
        ("get", "/orders/{order_id}/receipt"),
        ("post", "/operator/usage-records"),
    }


def test_refusals_are_problem_documents(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                assert answer == {"$ref": f"#/components/responses/Problem{status}"}, (method, path)
    for shared in document["components"]["responses"].values():
        assert list(shared["content"]) == ["application/problem+json"]
        assert "X-Request-Id" in shared["headers"]


def test_every_operation_says_who_may_call_it(document: dict[str, Any]) -> None:
    public = {
        operation["operationId"]
        for _, _, operation in operations(document)
        if not operation.get("security") or {} in operation["security"]
    }

    identity = {"registerCustomer", "openSession", "requestSignInCode", "recoverPassword", "resetPassword"}
    assert public == {*identity, "listPlans", "readPlan", "readQrCode"}
    assert set(document["components"]["securitySchemes"]) == {"CustomerToken", "OperatorKey"}


def test_keyed_calls_name_their_key(document: dict[str, Any]) -> None:
    key = {"$ref": "#/components/parameters/IdempotencyKey"}
    keyed = {
        operation["operationId"] for _, _, operation in operations(document) if key in operation["parameters"]
    }

    assert keyed == {"placeOrder", "startPayment"}


def test_bodies_have_examples_that_the_models_take(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        if "requestBody" in operation:
            assert operation["requestBody"]["content"]["application/json"]["example"], (method, path)


def test_operations_are_explained(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]

    assert len(names) == len(set(names))
    assert all(operation["description"] for _, _, operation in operations(document))
    assert all(operation["tags"] for _, _, operation in operations(document))
    assert api.docs_url is None, "no page that loads scripts from elsewhere"
