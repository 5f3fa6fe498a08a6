"""Lines: the whole shape, install data, names."""

import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.acceptance.web import Json, Person, Sandbox, good

pytestmark = pytest.mark.stack

LINE = {
    "id",
    "label",
    "iccid",
    "eid",
    "msisdn",
    "timezone",
    "service_state",
    "profile_state",
    "valid_until",
    "days_left",
    "balances",
    "periods",
    "install",
    "auto_renew",
}
INSTALL = {
    "smdp_address",
    "matching_id",
    "confirmation_code",
    "lpa",
    "ios_url",
    "android_url",
    "qr_url",
    "apn",
}


def test_a_line_tells_all_there_is(line: Json) -> None:
    assert line.keys() >= LINE
    assert re.fullmatch(r"89\d{17,18}", line["iccid"])
    assert re.fullmatch(r"\+\d{8,15}", line["msisdn"])
    assert line["timezone"] == "UTC"
    assert line["service_state"] == "active"
    assert line["profile_state"] == "released"
    assert line["days_left"] in {28, 29, 30, 31}
    for balance in line["balances"]:
        assert balance.keys() >= {"service", "unit", "total", "used", "remaining", "unlimited", "as_of"}
        assert balance["service"] in {"data", "voice", "sms"}
        if not balance["unlimited"]:
            assert balance["total"] == balance["used"] + balance["remaining"]
    [period] = line["periods"]
    assert period.keys() >= {"id", "order", "plan", "kind", "starts_at", "ends_at", "state", "opens_by"}
    assert (period["state"], period["ends_at"], period["opens_by"]) == ("active", line["valid_until"], None)


def test_the_install_data_fit_together(line: Json) -> None:
    install = line["install"]

    assert install.keys() >= INSTALL
    assert install["lpa"] == f"LPA:1${install['smdp_address']}${install['matching_id']}"
    for name, host in (("ios_url", "esimsetup.apple.com"), ("android_url", "esimsetup.android.com")):
        link = urlsplit(install[name])
        assert (link.scheme, link.hostname) == ("https", host)
        assert parse_qs(link.query)["carddata"] == [install["lpa"]]
    picture = httpx.get(install["qr_url"])
    assert picture.status_code == 200
    assert picture.headers["Content-Type"].startswith("image/")
    assert httpx.get(install["qr_url"][:-1] + "x").status_code == 404
    assert install["apn"]


def test_a_line_gets_a_name(holder: Person, line: Json) -> None:
    named = good(holder.call("PATCH", f"/lines/{line['id']}", {"label": "平板 📱"}), 200)

    assert named == {**line, "label": "平板 📱", "balances": named["balances"]}
    assert holder.get(f"/lines/{line['id']}")["label"] == "平板 📱"
    wrong: list[Json] = [{"label": "x" * 500}, {"label": 5}, {"iccid": "1"}, {}]
    for body in wrong:
        assert holder.call("PATCH", f"/lines/{line['id']}", body).status_code == 422, body
    assert holder.get(f"/lines/{line['id']}")["label"] == "平板 📱"


def test_a_profile_event_of_the_network_moves_the_profile(
    sandbox: Sandbox, holder: Person, line: Json
) -> None:
    for state in ("downloaded", "installed", "enabled"):
        sandbox.ask("POST", "/suppliers/profile", {"iccid": line["iccid"], "profile_state": state})
        sandbox.drain()
        assert holder.get(f"/lines/{line['id']}")["profile_state"] == state

    assert re.fullmatch(r"\d{32}", holder.get(f"/lines/{line['id']}")["eid"])


def test_the_demo_lines_can_be_renewed(demo_lines: list[tuple[Json, Json]]) -> None:
    assert demo_lines
    for line, quote in demo_lines:
        assert (quote["line"], quote["current_ends_at"]) == (line["id"], line["valid_until"])
