"""Every operation of the API, found in its own description: a new one cannot be forgotten."""

import json
from typing import Any

import pytest

from everline.orders.models import Order
from everline.payments.models import Attempt
from tests.api.test_orders import placed
from tests.api.world import Api, World
from tests.payments.fakes import FakeProvider

PUBLIC = {
    "registerCustomer",
    "openSession",
    "requestSignInCode",
    "recoverPassword",
    "resetPassword",
    "listPlans",
    "readPlan",
    "readQrCode",
}
#: Bodies that would be taken from the owner.
BODIES: dict[str, dict[str, Any]] = {
    "renameLine": {"label": "mine"},
    "startPayment": {"method": "card", "return_url": "http://testserver/"},
}


def operations(anyone: Api) -> dict[str, tuple[str, str]]:
    """Operation id → method and path below the version."""
    document = json.loads(anyone.get("/openapi.json").content)
    return {
        told["operationId"]: (method.upper(), path.removeprefix("/api/v1"))
        for path, methods in document["paths"].items()
        for method, told in methods.items()
    }


def test_all_but_the_public_ones_want_a_token(anyone: Api) -> None:
    found = operations(anyone)

    for name, (method, path) in found.items():
        if name not in PUBLIC:
            where = path.format(line_id="ln_x", order_id="ord_x", attempt_id="att_x")
            assert anyone.call(method, where, {}, key="k").status_code == 401, name
    assert set(found) >= PUBLIC


def test_other_peoples_things_are_not_there(world: World, anyone: Api, provider: FakeProvider) -> None:
    owner, customer = world.signed_in()
    line = world.line(customer)
    world.serve(line, world.plan())
    order = placed(world, owner)
    answer = owner.post(f"/orders/{order['id']}/attempts", BODIES["startPayment"], key="pay")
    things = {"line_id": line.id, "order_id": order["id"], "attempt_id": answer.json()["id"]}
    stranger, _ = world.signed_in()

    tried = {name: way for name, way in operations(anyone).items() if "{" in way[1] and name not in PUBLIC}
    for name, (method, path) in tried.items():
        theirs = stranger.call(method, path.format(**things), BODIES.get(name), key=f"key-{name}")
        assert theirs.status_code == 404, (name, theirs.content)
        assert not set(things.values()) & set(json.loads(theirs.content).values()), name

    assert len(tried) > 7
    line.refresh_from_db()
    assert line.label != "mine"
    assert Order.objects.get(pk=order["id"]).status == "awaiting_payment"
    assert Attempt.objects.get().status == "requires_action"
    assert len(provider.payments) == 1


@pytest.mark.parametrize("query", ["", "?signature=", "?signature=x", "?signature=ln_0000000000000:x"])
def test_a_picture_with_a_secret_needs_its_own_link(world: World, anyone: Api, query: str) -> None:
    _, customer = world.signed_in()
    line = world.line(customer)

    answer = anyone.get(f"/lines/{line.id}/qr.svg{query}")

    assert answer.status_code in {404, 422}
    assert b"<svg" not in answer.content
