"""What a sender is told of the return path's SPF record, and what to do."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from outreach.diagnosis import spf
from outreach.diagnosis.finding import Finding, State
from tests.diagnosis.answers import told


def found(record: str | None, *ips: str, **more: list[str]) -> list[Finding]:
    """The findings for a return path at example.org."""
    zone = {"example.org TXT": [record] if record else ["something else"], **more}
    return told(spf.of_return_path("example.org", [ip_address(ip) for ip in ips]), zone)


@pytest.mark.parametrize(
    ("record", "ips", "state", "code"),
    [
        ("v=spf1 ip4:192.0.2.25 -all", ["192.0.2.25"], State.OK, ""),
        ("v=spf1 ip4:192.0.2.25 ~all", [], State.OK, ""),
        (None, [], State.FAULT, "spf-missing"),
        ("v=spf1 ip4:192.0.2.25 -all", ["192.0.2.26"], State.FAULT, "spf-refuses"),
        ("v=spf1 ip4:192.0.2.25 ~all", ["2001:db8::1"], State.FAULT, "spf-refuses"),
        ("v=spf1 ip4:192.0.2.25 ?all", ["192.0.2.25"], State.WARNING, "spf-open-end"),
        ("v=spf1 ip4:192.0.2.25", ["192.0.2.25"], State.WARNING, "spf-open-end"),
        ("v=spf1 +all", ["192.0.2.25"], State.FAULT, "spf-open-end"),
        ("v=spf1 ip4:192.0.2.300 -all", [], State.FAULT, "spf-syntax"),
        ("v=spf1 ptr ip4:192.0.2.25 -all", ["192.0.2.25"], State.WARNING, "spf-ptr"),
        ("v=spf1 -all ip4:192.0.2.25", [], State.WARNING, "spf-behind-all"),
        ("v=spf1 include:gone.example -all", [], State.FAULT, "spf-include"),
    ],
)
def test_a_record_is_judged_and_the_remedy_named(record: str | None, ips: list[str], state: State, code: str) -> None:
    first = found(record, *ips)[0]
    assert (first.state, first.code) == (state, code)
    assert first.remedy or (ips and state is State.OK)
    assert "example.org" in first.message + first.remedy


def test_each_address_that_is_refused_is_told_with_what_to_add() -> None:
    one, two = found("v=spf1 ip4:192.0.2.25 -all", "192.0.2.25", "192.0.2.26", "2001:db8::26")
    assert "192.0.2.26: fail ('-all' of example.org)" in one.message
    assert "Add ip6:2001:db8::26" in two.remedy


def test_a_redirect_to_a_record_that_refuses_is_no_open_end() -> None:
    (one,) = found("v=spf1 redirect=_spf.example.org", **{"_spf.example.org TXT": ["v=spf1 ip4:192.0.2.1 -all"]})
    assert one.state is State.OK
    assert "1 of 10 lookups" in one.message


def test_the_sender_s_domain_needs_no_record_of_its_own_but_a_wrong_one_is_told() -> None:
    assert told(spf.of_sender("example.org"), {}) == []
    assert (
        told(spf.of_sender("example.org"), {"example.org TXT": ["v=spf1 a -all"], "example.org A": ["1.2.3.4"]}) == []
    )
    (one,) = told(spf.of_sender("example.org"), {"example.org TXT": ["v=spf1 -all", "v=spf1 a -all"]})
    assert one.code == "spf-several"
