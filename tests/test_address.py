"""Addresses: what is one, how they compare, and that the fast way agrees with the careful one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach import address
from outreach.errors import AddressError

GOOD = [
    ("ann@example.org", "ann@example.org", "ann@example.org"),
    (" Ann.B+news@Example.ORG ", "Ann.B+news@example.org", "ann.b+news@example.org"),
    ("o'neil@example.co.uk", "o'neil@example.co.uk", "o'neil@example.co.uk"),
    ("a@bücher.example", "a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
    ("Jürgen@example.org", "Jürgen@example.org", "jürgen@example.org"),
    ("STRASSE@example.org", "STRASSE@example.org", "strasse@example.org"),
    ("x@1and1.example", "x@1and1.example", "x@1and1.example"),
]

BAD = [
    ("", "empty"),
    ("   ", "empty"),
    ("ann", "no @"),
    ("@example.org", "nothing before the @"),
    ("ann@", "nothing stands behind the @"),
    ("ann@localhost", "no dot"),
    ("a@b@example.org", "more than one @"),
    ("a b@example.org", "a space before the @"),
    (".ann@example.org", "misplaced dot"),
    ("ann.@example.org", "misplaced dot"),
    ("an..n@example.org", "misplaced dot"),
    ('"a b"@example.org', "space"),
    ("ann,bob@example.org", "a character before the @"),
    ("<ann@example.org", "a character before the @"),
    ("ann@exa mple.org", "not a valid one"),
    ("ann@-example.org", "not a valid one"),
    ("ann@example..org", "not a valid one"),
    ("ann@example.org.", "not a valid one"),
    ("ann@192.0.2.1", "ends in a number"),
    ("ann@[192.0.2.1]", "not a valid one"),
    ("ann@exämple_.org", "not a valid"),
    ("a" * 65 + "@example.org", "64 octets"),
    ("a@" + "b" * 63 + "." + "c" * 63 + "." + "d" * 63 + "." + "e" * 60 + ".org", "not a valid one|254 octets"),
]


@pytest.mark.parametrize(("text", "mailed", "key"), GOOD)
def test_an_address_is_kept_as_mailed_and_compared_in_lower_case(text: str, mailed: str, key: str) -> None:
    parsed = address.parse(text)
    assert (str(parsed), parsed.key) == (mailed, key)
    assert address.is_one(text)


@pytest.mark.parametrize(("text", "reason"), BAD)
def test_what_is_no_address_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(AddressError, match=reason):
        address.parse(text)
    assert not address.is_one(text)


def test_only_a_local_part_beyond_ascii_needs_smtputf8() -> None:
    assert address.parse("jürgen@example.org").needs_smtputf8
    assert not address.parse("ann@bücher.example").needs_smtputf8


@pytest.mark.parametrize(
    ("text", "name", "email"),
    [
        ("Clinic News <news@clinic.example>", "Clinic News", "news@clinic.example"),
        ('"Müller, Ann" <ann@example.org>', "Müller, Ann", "ann@example.org"),
        ("ann@example.org", "", "ann@example.org"),
    ],
)
def test_a_mailbox_is_a_name_and_an_address(text: str, name: str, email: str) -> None:
    parsed = address.parse_mailbox(text)
    assert (parsed.name, str(parsed.address)) == (name, email)


@pytest.mark.parametrize("text", ["A\r\nBcc: x@example.org <a@example.org>", "A\n<a@example.org>", "nobody", ""])
def test_a_mailbox_that_would_begin_a_new_header_or_has_no_address_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        address.parse_mailbox(text)


_PART = st.text(st.sampled_from("abXY09.+'-_@ \n,üß"), max_size=12)
_TEXT = st.one_of(
    st.sampled_from([text for text, *_ in (*GOOD, *BAD)]).map(str.strip),
    st.builds(
        lambda local, domain: f"{local}@{domain}", _PART, st.sampled_from(["example.org", "B.example", "x", "ü.de"])
    ),
    _PART,
)


@given(st.lists(_TEXT, max_size=6))
def test_many_plain_addresses_at_once_come_out_as_one_by_one(texts: list[str]) -> None:
    keys = address.plain_keys(texts)
    if keys is not None and texts:
        parsed = [address.parse(text) for text in texts]
        assert keys == [each.key for each in parsed]
        assert list(map(address.as_mailed, texts, keys)) == list(map(str, parsed))


def test_plain_addresses_do_take_the_fast_way() -> None:
    assert address.plain_keys(["Ann@Example.org", "b.c+d@x.example"]) == ["ann@example.org", "b.c+d@x.example"]
    assert address.plain_keys(["ann@example.org", "no address"]) is None
    assert address.plain_keys(["jürgen@example.org"]) is None
    assert address.plain_keys(["ann@-bad.org"]) is None
