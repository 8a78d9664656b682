"""The consent ledger's digests: whatever differs, differs in them; runs of numbers come back as they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.audience import ledger
from outreach.audience.ledger import Facts, Link

FACTS = Facts(1, "mail", "given", "I agree", "form", "", "2026-03-02 09:00:00.000000")
LINK = Link(2, "1-3", "", b"c" * 96)


@pytest.mark.parametrize(
    "change",
    [
        {"list_id": None}, {"list_id": 2}, {"purpose": "tracking"}, {"act": "confirmed"}, {"wording": "I agreE"},
        {"source": "form2"}, {"confirmation": "x"}, {"at": "2026-03-02 09:00:00.000001"},
        {"wording": "I agreeform", "source": ""},
    ],
)  # fmt: skip
def test_whatever_was_done_otherwise_is_sealed_otherwise(change: dict[str, object]) -> None:
    assert ledger.sealed(FACTS._replace(**change)) != ledger.sealed(FACTS)  # type: ignore[arg-type]


def test_a_commitment_hangs_on_salt_and_person() -> None:
    seal = ledger.sealed(FACTS)
    one = ledger.commitment(seal, b"s" * 16, "a@example.org")
    assert len(one) == ledger.DIGEST
    assert one != ledger.commitment(seal, b"t" * 16, "a@example.org")
    assert one != ledger.commitment(seal, b"s" * 16, "b@example.org")
    assert ledger.commitments(seal, [(b"s" * 16, "a@example.org")]) == [one]


@pytest.mark.parametrize(
    "change", [{"position": 3}, {"entries": "1-2,3"}, {"erased": "1"}, {"commitments": b"d" + b"c" * 95}]
)
def test_a_link_hangs_on_all_that_it_says(change: dict[str, object]) -> None:
    other = LINK._replace(**change)  # type: ignore[arg-type]
    assert ledger.digest(ledger.GENESIS, other) != ledger.digest(ledger.GENESIS, LINK)
    assert ledger.digest(b"x" * 32, LINK) != ledger.digest(ledger.GENESIS, LINK)


@given(st.sets(st.integers(1, 60)))
def test_runs_come_back_as_they_were(numbers: set[int]) -> None:
    text = ledger.runs(sorted(numbers))
    assert list(ledger.numbers(text)) == sorted(numbers)
    assert all(first <= last for first, last in ledger.spans(text))


def test_a_thousand_numbers_in_a_row_are_a_few_characters() -> None:
    assert ledger.runs([*range(1, 1001), 1003]) == "1-1000,1003"
    assert ledger.runs([]) == ""
    assert ledger.spans("") == []
    with pytest.raises(ValueError, match="invalid literal"):
        ledger.spans("1-x")


def test_a_version_tells_wordings_apart() -> None:
    assert ledger.version("I agree") == ledger.version("I agree") != ledger.version("I agree.")
    assert len(ledger.version("")) == 12
