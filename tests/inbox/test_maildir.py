"""Mail in a folder: a real Maildir, as a mail server fills it."""

from __future__ import annotations

import mailbox
from pathlib import Path

import pytest

from outreach.errors import InboxError
from outreach.inbox import maildir
from outreach.inbox.maildir import Maildir

MAIL = b"From: a@example.org\nSubject: %d\n\nGood day.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A Maildir with two new messages, written by another's hand."""
    box = mailbox.Maildir(tmp_path / "box", create=True)
    for number in (1, 2):
        box.add(MAIL % number)
    return tmp_path / "box"


def going() -> bool:
    return True


def test_what_is_new_is_handed_over_and_then_seen(folder: Path) -> None:
    found: list[bytes] = []

    def take(data: bytes) -> bool:
        assert len(list((folder / "new").iterdir())) == 2 - len(found)  # it is there as long as it is not handled
        found.append(data)
        return True

    assert Maildir(folder).empty(take, going) == 2
    assert sorted(found) == [MAIL % 1, MAIL % 2]
    assert list((folder / "new").iterdir()) == []
    assert sorted(m.get_flags() for m in mailbox.Maildir(folder)) == ["S", "S"]
    assert Maildir(folder).empty(take, going) == 0


def test_what_could_not_be_handled_stays_and_comes_again(folder: Path) -> None:
    assert Maildir(folder).empty(lambda data: b"Subject: 2" not in data, going) == 1
    assert Maildir(folder).empty(lambda _: True, going) == 1


def test_nothing_is_moved_when_its_handling_is_cut_off(folder: Path) -> None:
    def killed(_: bytes) -> bool:
        raise SystemExit(9)

    with pytest.raises(SystemExit):
        Maildir(folder).empty(killed, going)
    assert len(list((folder / "new").iterdir())) == 2


def test_another_who_was_quicker_is_no_fault(folder: Path) -> None:
    other = Maildir(folder)

    def take(_: bytes) -> bool:
        other.empty(lambda _: True, going)
        return True

    Maildir(folder).empty(take, going)
    assert len(list((folder / "cur").iterdir())) == 2


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(InboxError, match="cannot be used") as refused:
        Maildir(tmp_path / "nowhere").empty(lambda _: True, going)
    assert "OUTREACH_MAILDIR" in (refused.value.hint or "")


def test_of_a_huge_message_the_beginning_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maildir, "LARGEST", 10)
    found: list[bytes] = []
    Maildir(folder).empty(lambda data: not found.append(data), going)  # type: ignore[func-returns-value]
    assert [len(data) for data in found] == [10, 10]
