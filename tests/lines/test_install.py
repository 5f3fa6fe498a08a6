from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import pytest

from everline.lines.errors import InvalidInstallData
from everline.lines.install import activation_code, install_data, qr_svg


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "LPA:1$smdp.example.com$ABC-123"),
        ({"confirmation_required": True}, "LPA:1$smdp.example.com$ABC-123$$1"),
        ({"oid": "1.3.6.1.4.1.31746"}, "LPA:1$smdp.example.com$ABC-123$1.3.6.1.4.1.31746"),
        (
            {"oid": "1.3.6.1.4.1.31746", "confirmation_required": True},
            "LPA:1$smdp.example.com$ABC-123$1.3.6.1.4.1.31746$1",
        ),
    ],
)
def test_activation_code_follows_sgp_22(fields: dict[str, Any], code: str) -> None:
    assert activation_code("smdp.example.com", "ABC-123", **fields) == code


@pytest.mark.parametrize(
    ("address", "matching_id"),
    [
        ("", "ABC"),
        ("smdp.example.com$", "ABC"),
        ("smdp.example.com", "A$B"),
        ("smdp.example.com", "A B"),
        ("x", "é"),
    ],
)
def test_a_field_that_breaks_the_code_is_refused(address: str, matching_id: str) -> None:
    with pytest.raises(InvalidInstallData):
        activation_code(address, matching_id)


def test_links_carry_the_code_percent_encoded() -> None:
    data = install_data(
        smdp_address="smdp.example.com", matching_id="A-1", confirmation_code="", apn="everline"
    )

    for url, host in ((data.ios_url, "esimsetup.apple.com"), (data.android_url, "esimsetup.android.com")):
        parts = urlsplit(url)
        assert (parts.scheme, parts.netloc, parts.path) == ("https", host, "/esim_qrcode_provisioning")
        assert parts.query == "carddata=LPA%3A1%24smdp.example.com%24A-1"
        assert parse_qs(parts.query) == {"carddata": [data.lpa]}


def test_a_confirmation_code_is_announced_but_not_carried() -> None:
    data = install_data(smdp_address="s.example", matching_id="A", confirmation_code="4711", apn="")

    assert data.lpa.endswith("$$1")
    assert "4711" not in data.lpa + data.ios_url + data.android_url
    assert data.confirmation_code == "4711"


def test_nothing_to_install_before_the_supplier_has_answered() -> None:
    assert install_data(smdp_address="", matching_id="", confirmation_code="", apn="") is None


def test_the_qr_code_is_a_readable_svg_of_its_own() -> None:
    code = activation_code("smdp.example.com", "ABC-123")

    picture = ET.fromstring(qr_svg(code))

    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    assert qr_svg(code) == qr_svg(code) != qr_svg(code + "4")
    assert "<script" not in qr_svg(code)
