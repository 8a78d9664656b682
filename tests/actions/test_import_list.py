"""Importing a list: safe to repeat, safe to kill, and nobody who left comes back."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from outreach.actions import create_list, erase, import_list, subscribe, unsubscribe
from outreach.actions.import_list import ImportReport
from outreach.audience.rhythm import Rhythm
from outreach.errors import ListFileError, OutreachError, StateError
from outreach.store import intake, lists, staging, subscribers, subscriptions, suppressions
from outreach.store.consents import Consent
from outreach.store.database import Store, table_of
from outreach.store.events import Event
from outreach.store.subscribers import Subscriber
from outreach.store.suppressions import SuppressionReason

HEADER = "email,name,language,city\n"


def run(store: Store, text: str, now: datetime, *, consent: str | None = "I agree", **options: Any) -> ImportReport:
    """Import a text into the list 'news'."""
    options = {"list_name": "news", "source": "test", **options}
    return import_list.file(store, io.BytesIO(text.encode()), consent=consent, now=now, **options)


def figures(report: ImportReport) -> tuple[int, int, int, int]:
    """added, updated, unchanged, rejected; together they are what was read."""
    found = (report.tally.added, report.tally.updated, report.tally.unchanged, len(report.rejected))
    assert sum(found) == report.read
    return found


def people(count: int, begin: int = 0) -> str:
    """A file of people whose addresses come in no order."""
    rows = [f"p{(number * 7919) % 100_003}@example.org,P{number},en,Wien\n" for number in range(begin, begin + count)]
    return HEADER + "".join(rows)


def everything(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Whatever an import could change."""
    with store.reading() as session:
        return {
            name: [tuple(row) for row in session.execute(sa.text(f"SELECT * FROM {name} ORDER BY 1, 2"))]
            for name in ("subscriber", "subscription", "consent", "consent_source", "event", "mailing_list")
        }


def states(store: Store, name: str = "news") -> dict[str, int]:
    """How many people of a list are in each state."""
    with store.reading() as session:
        counts = subscriptions.counts(session, lists.by_name(session, name).number)
    return {state.value: count for state, count in counts.items() if count}


def person(store: Store, email: str) -> Subscriber:
    """The person with that address."""
    with store.reading() as session:
        return subscribers.require(session, email)


def test_an_import_makes_the_list_and_says_so(store: Store, now: datetime) -> None:
    report = run(store, HEADER + "Ann@Example.org,Ann,en,Wien\nbad,B,,\n", now)
    assert (report.created_list, figures(report)) == (True, (1, 0, 0, 1))
    assert report.document()["rejected"] == [{"line": 3, "reason": "'bad' has no @"}]
    found = person(store, "ann@example.org")
    assert (found.email, found.name, found.language, found.attributes) == (
        "Ann@example.org",
        "Ann",
        "en",
        {"city": "Wien"},
    )
    assert states(store) == {"confirmed": 1}
    assert not run(store, HEADER, now).created_list


def test_consent_is_kept_with_its_wording_and_source(store: Store, now: datetime) -> None:
    run(store, people(3), now, consent=" I  agree\nto news ", source="import of a.csv")
    with store.reading() as session:
        consent = table_of(Consent)
        assert session.execute(sa.select(sa.func.count()).select_from(consent)).scalar_one() == 3
        rows = session.execute(sa.text("SELECT wording, source FROM consent_source")).all()
        assert [tuple(row) for row in rows] == [("I agree to news", "import of a.csv")]


def test_without_consent_people_wait_unconfirmed_and_a_later_consent_confirms_them(store: Store, now: datetime) -> None:
    report = run(store, people(3), now, consent=None)
    assert (report.tally.waiting, states(store)) == (3, {"unconfirmed": 3})
    assert run(store, people(3), now, consent=None).tally.waiting == 3
    assert figures(run(store, people(4), now)) == (1, 3, 0, 0)
    assert states(store) == {"confirmed": 4}
    assert run(store, people(4), now, consent=None).tally.waiting == 0
    assert states(store) == {"confirmed": 4}


def test_importing_again_changes_nothing(store: Store, now: datetime) -> None:
    text = HEADER + 'a@example.org,"Ä, ""B""",en,Wien\nb@example.org,,,\nc@example.org,C,,"line\none"\n'
    run(store, text, now)
    before = everything(store)
    report = run(store, text, now + timedelta(days=1), source="another")
    assert figures(report) == (0, 0, 3, 0)
    after = everything(store)
    del before["consent_source"], after["consent_source"]
    assert after == before


def test_new_values_go_over_old_ones_and_an_empty_cell_erases_nothing(store: Store, now: datetime) -> None:
    run(store, HEADER + "a@example.org,Ann,en,Wien\nb@example.org,Bob,de,\n", now)
    later = now + timedelta(days=1)
    report = run(store, "email,name,city,Shoe Size\nA@EXAMPLE.ORG,Anna,,38\nb@example.org,,,\n", later)
    assert figures(report) == (0, 1, 1, 0)
    ann, bob = person(store, "a@example.org"), person(store, "b@example.org")
    assert (ann.email, ann.name, ann.language) == ("a@example.org", "Anna", "en")
    assert ann.attributes == {"city": "Wien", "shoe_size": "38"}
    assert (ann.created_at, ann.updated_at) == (now, later)
    assert (bob.name, bob.updated_at) == ("Bob", now)


def test_a_person_of_another_list_is_added_to_this_one(store: Store, now: datetime) -> None:
    run(store, people(3), now, list_name="first")
    report = run(store, people(4), now, list_name="second", consent=None)
    assert figures(report) == (4, 0, 0, 0)
    assert (states(store, "first"), states(store, "second")) == ({"confirmed": 3}, {"unconfirmed": 4})


def test_who_left_stays_away(store: Store, now: datetime) -> None:
    run(store, people(3), now)
    gone = person(store, "p7919@example.org")
    assert unsubscribe.person(store, gone.number, None, source="test", now=now)
    report = run(store, people(3).replace("P1", "New name"), now)
    assert (figures(report), report.tally.left) == ((0, 1, 2, 0), 1)
    assert states(store) == {"confirmed": 2, "unsubscribed": 1}
    assert person(store, gone.email).name == "New name"


def test_a_suppression_outlives_every_import(store: Store, now: datetime) -> None:
    with store.writing() as session:
        suppressions.add(session, "p0@example.org", SuppressionReason.HARD_BOUNCE, now=now)
    assert figures(run(store, people(2), now)) == (2, 0, 0, 0)
    with store.reading() as session:
        assert suppressions.find(session, "p0@example.org") is not None


def test_who_was_erased_is_not_brought_back(store: Store, now: datetime) -> None:
    run(store, people(2), now)
    erase.person(store, "p0@example.org", key=b"k" * 32, now=now)
    report = run(store, people(2), now, erasure_keys=(b"new" * 11, b"k" * 32))
    assert figures(report) == (0, 0, 1, 1)
    assert report.rejected == ((2, "this person was erased; only they themselves can come back"),)
    with pytest.raises(ValueError, match="keys"):
        run(store, people(2), now)


def test_a_dry_run_foretells_and_writes_nothing(store: Store, now: datetime) -> None:
    foretold = run(store, people(5), now, dry_run=True)
    assert (foretold.created_list, figures(foretold)) == (True, (5, 0, 0, 0))
    with store.reading() as session:
        assert lists.names(session) == []
    run(store, people(3), now, consent=None)
    before = everything(store)
    foretold = run(store, people(5) + "bad,,,\n", now, dry_run=True)
    assert everything(store) == before
    real = run(store, people(5) + "bad,,,\n", now)
    assert figures(foretold) == figures(real) == (2, 3, 0, 1)


@pytest.mark.parametrize(
    "data",
    [b"", b"name,city\nAnn,Wien\n", "email,name\na@example.org,J\u00f6rg\n".encode() + b"b@example.org,J\xf6rg\n"],
)
def test_a_file_that_cannot_be_read_writes_nothing(store: Store, now: datetime, data: bytes) -> None:
    with pytest.raises(ListFileError, match="standard input"):
        import_list.file(store, io.BytesIO(data), list_name="news", consent="yes", source="test", now=now)
    with store.reading() as session:
        assert lists.names(session) == []


def test_a_path_that_is_not_there_is_one_clear_sentence(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    with pytest.raises(ListFileError, match=r"none\.csv cannot be read"):
        import_list.file(sqlite_store, tmp_path / "none.csv", list_name="news", consent=None, source="test", now=now)


@pytest.mark.parametrize("name", ["", "News", "a b", "-a", "a-", "ä", "a" * 65, "a/b"])
def test_a_name_that_no_list_can_have_is_refused(sqlite_store: Store, now: datetime, name: str) -> None:
    with pytest.raises(OutreachError, match="cannot be the name of a list"):
        run(sqlite_store, people(1), now, list_name=name)


class Stopped(Exception):
    """The process ends here."""


def _stop_after(slices: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """End the import when so many slices were taken over, and take few rows at once."""
    taken = 0
    apply = intake.Intake.apply

    def counted(*arguments: Any) -> intake.Tally:
        nonlocal taken
        if taken == slices:
            raise Stopped
        taken += 1
        return apply(*arguments)

    monkeypatch.setattr(intake.Intake, "apply", counted)


@pytest.fixture
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of about a dozen rows, of a file that is sorted first."""
    monkeypatch.setattr(import_list, "FEWEST", 12)
    monkeypatch.setattr(import_list, "HOLD", {"sqlite": 0.0, "postgresql": 0.0})
    monkeypatch.setattr(staging, "SAMPLE", 1)
    monkeypatch.setattr(staging, "is_scattered", lambda _: True)


@pytest.mark.usefixtures("small_slices")
def test_a_crashed_import_is_completed_by_repeating_it(
    store: Store, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        _stop_after(3, patched)
        with pytest.raises(Stopped):
            run(store, people(100), now)
    with store.reading() as session:
        assert lists.by_name(session, "news").importing_since == now
    assert states(store) == {"confirmed": 36}
    assert figures(run(store, people(100), now + timedelta(hours=1))) == (64, 0, 36, 0)
    with store.reading() as session:
        assert lists.by_name(session, "news").importing is None
        assert session.execute(sa.select(sa.func.count()).select_from(table_of(Consent))).scalar_one() == 100
        assert session.execute(sa.select(sa.func.count()).select_from(table_of(Event))).scalar_one() == 1


@pytest.mark.usefixtures("small_slices")
def test_another_file_does_not_hide_an_import_that_did_not_end(
    store: Store, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        _stop_after(1, patched)
        with pytest.raises(Stopped):
            run(store, people(100), now)
    with pytest.raises(StateError, match="did not end") as refusal:
        run(store, people(3, begin=500), now)
    assert "--abandon" in (refusal.value.hint or "")
    assert figures(run(store, people(3, begin=500), now, abandon=True)) == (3, 0, 0, 0)
    with store.reading() as session:
        assert lists.by_name(session, "news").importing is None


@pytest.mark.usefixtures("small_slices")
def test_many_slices_and_one_come_to_the_same(store: Store, now: datetime) -> None:
    run(store, people(60).replace(",Wien", ","), now, consent=None)
    report = run(store, people(200), now)
    assert figures(report) == (140, 60, 0, 0)
    with store.reading() as session:
        found = session.execute(sa.select(sa.func.count()).where(table_of(Subscriber).c.attributes.is_not(None)))
        assert found.scalar_one() == 200
        assert subscribers.missing(session, lists.by_name(session, "news").number, ["city"]) == {}


def test_a_second_import_at_the_same_time_is_refused(store: Store, now: datetime) -> None:
    inside, leave = threading.Event(), threading.Event()

    def wait(what: str, *_: object) -> None:
        if what == "writing":
            inside.set()
            assert leave.wait(20)

    first = threading.Thread(target=run, args=(store, people(10), now), kwargs={"progress": wait})
    first.start()
    try:
        assert inside.wait(20)
        with pytest.raises(StateError, match="Another import"):
            run(store, people(10), now)
        assert run(store, people(10), now, dry_run=True).read == 10
    finally:
        leave.set()
        first.join()
    assert figures(run(store, people(10), now)) == (0, 0, 10, 0)


@pytest.mark.usefixtures("small_slices")
def test_others_write_between_the_slices(store: Store, now: datetime) -> None:
    """Somebody leaves while the list is imported: they stay away, and nobody waited for the end."""
    run(store, people(100), now)
    gone = person(store, "p0@example.org").number
    left: list[Sequence[int]] = []

    def leave(what: str, done: int, _: int | None) -> None:
        if what == "writing" and done == 12:
            left.append(unsubscribe.person(store, gone, None, source="test", now=now))

    run(store, people(100), now, progress=leave)
    assert len(left[0]) == 1
    assert states(store) == {"confirmed": 99, "unsubscribed": 1}


@pytest.mark.usefixtures("small_slices")
def test_somebody_who_comes_in_between_by_another_door_is_found(store: Store, now: datetime) -> None:
    """The first import looks nobody up, until there is somebody whom it has not brought in."""

    def come(what: str, done: int, _: int | None) -> None:
        if what == "writing" and done == 12:
            list_id = create_list.named(store, "other", now=now).number
            last = max(f"p{(number * 7919) % 100_003}@example.org" for number in range(100))
            subscribe.add(store, subscribe.Person(last, "Own words"), list_id, consent="yes", source="form", now=now)

    report = run(store, people(100), now, progress=come)
    assert figures(report) == (100, 0, 0, 0)
    assert states(store) == {"confirmed": 100}
    with store.reading() as session:
        assert session.execute(sa.select(sa.func.count()).select_from(table_of(Subscriber))).scalar_one() == 100


def test_a_killed_import_lets_the_next_one_in_and_is_completed(
    sqlite_store: Store, now: datetime, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(people(4000))
    script = f"""
        import os, signal, sys
        from datetime import UTC, datetime
        from pathlib import Path
        from outreach.actions import import_list
        from outreach.store.database import Store
        def kill(what, done, of):
            if what == "writing":
                os.kill(os.getpid(), signal.SIGKILL)
        import_list.file(Store({str(sqlite_store.url)!r}), Path({str(file)!r}), list_name="news", consent="yes",
                         source="test", now=datetime.now(UTC), progress=kill)
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], env={**os.environ}, timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL
    taken = states(sqlite_store)["confirmed"]
    assert 0 < taken < 4000
    report = import_list.file(sqlite_store, file, list_name="news", consent="yes", source="test", now=now)
    assert figures(report) == (4000 - taken, 0, taken, 0)
    with sqlite_store.reading() as session:
        assert lists.by_name(session, "news").importing is None


def test_progress_is_told_in_bytes_then_rows(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(people(10))
    told: list[tuple[str, int, int | None]] = []
    import_list.file(
        sqlite_store, file, list_name="news", consent=None, source="test", now=now,
        progress=lambda *each: told.append(each),
    )  # fmt: skip
    size = file.stat().st_size
    assert told == [("reading", size, size), ("writing", 10, 10)]


def test_an_import_leaves_a_pause_and_a_limit_as_the_person_chose_them(store: Store, now: datetime) -> None:
    run(store, people(2), now, consent=None)
    somebody, until = person(store, "p0@example.org").number, now + timedelta(days=9)
    with store.writing() as session:
        (tie,) = subscriptions.of_person(session, somebody)
        subscriptions.choose(session, somebody, tie["list_id"], at_most=Rhythm.WEEK, paused_until=until)
    run(store, people(2), now)
    with store.reading() as session:
        (tie,) = subscriptions.of_person(session, somebody)
    assert (tie["state"], tie["at_most"], tie["paused_until"]) == ("confirmed", Rhythm.WEEK, until)
