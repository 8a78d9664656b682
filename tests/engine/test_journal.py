"""The journal: what is on record is read back, what is not whole is not believed, and a full disk refuses early."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from outreach.engine import journal, records
from outreach.engine.journal import Journal
from outreach.engine.records import Kind
from outreach.errors import JournalUnavailable
from outreach.replies.smtp import Reply, Stage
from outreach.transport.base import Outcome

AT = datetime(2026, 3, 2, 9, 0, 0, 250_000, tzinfo=UTC)
YES = Outcome(7, Reply(250, "2.0.0", "queued as 4F\nand more"), Stage.BODY)


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.journal"))


@contextmanager
def no_room() -> Iterator[None]:
    """No file may grow to the size of a journal, as on a disk that is nearly full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (journal.SEGMENT_BYTES // 2, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    kept = Journal(tmp_path, "here")
    first, second = kept.page(2), kept.page(1)
    first.begin(7)
    second.begin(8)
    first.answered(YES, AT)
    first.answered(Outcome(9, None, Stage.BODY, "gone"), AT)
    (file,) = files(tmp_path)
    head, found = records.read(file.read_bytes())
    assert (head.installation, head.boot) == ("here", records.boot_id())
    assert [(record.kind, record.token, record.delivery_id) for record in found] == [
        (Kind.CLAIM, first.token, 0),
        (Kind.CLAIM, second.token, 0),
        (Kind.BEGUN, first.token, 7),
        (Kind.BEGUN, second.token, 8),
        (Kind.REPLY, first.token, 7),
    ]
    assert (found[-1].outcome, found[-1].at) == (YES, AT)
    kept.close()


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize(
    "reply",
    [
        Reply(250, None, ""),
        Reply(550, "5.1.1", "<p\u00e9@example.org>: nobody \U0001f4ed here"),
        Reply(451, "4.7.1", "\u4e2d" * 1000),
    ],
)
def test_every_reply_survives_though_its_words_may_be_cut(tmp_path: Path, stage: Stage, reply: Reply) -> None:
    kept = Journal(tmp_path)
    kept.page(1).answered(Outcome(1, reply, stage), AT)
    outcome = records.read(files(tmp_path)[0].read_bytes())[1][-1].outcome
    assert outcome is not None
    assert outcome.reply is not None
    assert (outcome.stage, outcome.reply.code, outcome.reply.enhanced) == (stage, reply.code, reply.enhanced)
    assert reply.text.startswith(outcome.reply.text.rstrip("\ufffd"))
    assert len(outcome.reply.text) >= min(len(reply.text), 150)
    kept.close()


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_record_that_is_not_whole_ends_what_is_believed(tmp_path: Path, cut: int) -> None:
    kept = Journal(tmp_path)
    page = kept.page(1)
    page.begin(7)
    whole = files(tmp_path)[0].read_bytes()
    page.answered(YES, AT)
    longer = files(tmp_path)[0].read_bytes()
    end = max(index for index, byte in enumerate(longer) if byte) + 1
    torn = longer[: end - cut] + bytes(len(longer) - end + cut)
    assert records.read(torn)[1] == records.read(whole)[1]
    kept.close()


def test_leftovers_of_another_file_are_no_records(tmp_path: Path) -> None:
    old, new = Journal(tmp_path / "old"), Journal(tmp_path / "new")
    old.page(1).begin(7)
    new.page(1)
    before, fresh = (files(tmp_path / name)[0].read_bytes() for name in ("old", "new"))
    written = records.HEAD_BYTES + records.CLAIM_BYTES
    assert [record.kind for record in records.read(fresh[:written] + before[written:])[1]] == [Kind.CLAIM]
    old.close()
    new.close()


@pytest.mark.parametrize("data", [b"", b"{}", b"\x00" * 600, b'{"outreach": 2}', b"[1]", b"\xff\xfe" * 400])
def test_what_is_no_journal_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        records.read(data)


def test_a_settled_journal_leaves_no_file(tmp_path: Path) -> None:
    kept = Journal(tmp_path)
    page = kept.page(1)
    page.begin(1)
    page.close()
    kept.close()
    assert list(tmp_path.iterdir()) == []


def test_a_journal_with_open_claims_stays_when_its_sender_ends(tmp_path: Path) -> None:
    kept = Journal(tmp_path)
    page = kept.page(1)
    kept.close()
    page.begin(1)  # too late: goes nowhere, and harms nobody
    assert [record.kind for record in records.read(files(tmp_path)[0].read_bytes())[1]] == [Kind.CLAIM]


def test_a_full_file_is_followed_by_another_and_goes_when_it_is_settled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "SEGMENT_BYTES", 8192)
    kept = Journal(tmp_path)
    oldest = kept.page(1)
    for _ in range(200):
        page = kept.page(5)
        for number in range(5):
            page.begin(number)
            page.answered(YES, AT)
        page.close()
    assert len(files(tmp_path)) == 2  # the one with the oldest claim, and the one that is written
    oldest.close()
    for _ in range(200):
        page = kept.page(5)
        page.begin(1)
        page.close()
    assert len(files(tmp_path)) == 1
    kept.close()


def test_what_a_claim_may_have_to_write_always_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "SEGMENT_BYTES", 16384)
    kept = Journal(tmp_path)
    pages = [kept.page(6) for _ in range(10)]
    for page in pages:
        for number in range(6):
            page.begin(number)
            page.answered(Outcome(number, Reply(450, "4.2.0", "x" * 2000), Stage.BODY), AT)
    found = [record for file in files(tmp_path) for record in records.read(file.read_bytes())[1]]
    assert len(found) == 10 * (1 + 6 + 6)
    kept.close()


def test_a_full_disk_refuses_the_claim_and_leaves_nothing_behind(tmp_path: Path) -> None:
    kept = Journal(tmp_path)
    with no_room(), pytest.raises(JournalUnavailable, match="cannot be written"):
        kept.page(1)
    assert list(tmp_path.iterdir()) == []
    kept.page(1).close()
    kept.close()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalUnavailable, match="file"):
        Journal(tmp_path / "file" / "journal").page(1)


def test_without_a_folder_nothing_is_written() -> None:
    page = Journal(None).page(3)
    page.begin(1)
    page.answered(YES, AT)
    page.close()
    assert len(page.token) == 32
