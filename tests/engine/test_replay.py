"""After a death: an answer on record is settled, a begun body is a doubt, what never began is queued again."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from outreach.engine import records, replay
from outreach.engine.journal import Journal, Page
from outreach.engine.ledger import Ledger
from outreach.engine.letters import Letters
from outreach.replies.smtp import Reply, Stage
from outreach.store import installation
from outreach.store.claims import Claimed
from outreach.store.database import Store
from outreach.timing.retry import RetryPlan
from outreach.transport.base import Outcome
from tests.engine.sending import TOKENS, campaign
from tests.store import crowd

YES = Reply(250, "2.0.0", "queued")


class Dying:
    """A sender of which only the journal and the claims are left."""

    def __init__(self, store: Store, folder: Path, now: datetime, *, people: int, installed: str = "here") -> None:
        with store.writing() as session:
            installation.state_once(session, installation.ID, "here")
        self.store, self.now, self.folder = store, now, folder
        self.number = campaign(store, now, people)
        self.journal = Journal(folder, installed)
        self.page: Page = self.journal.page(people)
        ledger = Ledger(store, Letters(TOKENS, "https://clinic.example"), lease=timedelta(minutes=1))
        self.rows: list[Claimed] = ledger.turn([], people, now, token=self.page.token).claimed

    def answered(self, row: int, reply: Reply, stage: Stage = Stage.BODY) -> None:
        self.page.answered(Outcome(self.rows[row].delivery_id, reply, stage), self.now)

    def begun(self, row: int) -> None:
        self.page.begin(self.rows[row].delivery_id)

    def replayed(self) -> dict[str, int]:
        found = replay.dead_senders(self.store, self.folder, plan=RetryPlan(), now=self.now + timedelta(minutes=3))
        return {state.value: n for state, n in found.items()}


@pytest.fixture
def dying(store: Store, tmp_path: Path, now: datetime) -> Dying:
    return Dying(store, tmp_path / "journal", now, people=6)


def test_each_delivery_goes_where_the_journal_says(dying: Dying) -> None:
    dying.begun(0)
    dying.answered(0, YES)
    dying.begun(1)
    dying.answered(2, Reply(450, "4.2.1", "later"), Stage.RCPT)
    dying.answered(3, Reply(550, "5.1.1", "no such user"), Stage.RCPT)
    dying.journal.close()
    assert dying.replayed() == {"sent": 1, "unknown": 1, "deferred": 1, "bounced": 1, "queued": 2}
    rows = crowd.rows_of(dying.store, dying.number)
    assert [row.state.value for row in rows] == ["sent", "unknown", "deferred", "bounced", "queued", "queued"]
    assert (rows[0].sent_at, rows[0].attempts, rows[0].reply) == (dying.now, 1, "queued")
    assert (rows[1].reason, rows[1].attempts) == (replay.UNANSWERED, 1)
    assert (rows[4].attempts, rows[4].claim) == (0, None)
    assert crowd.told(dying.store, dying.number) == {
        "sent": 1,
        "unknown": 1,
        "deferred": 1,
        "bounced": 1,
        "queued": 2,
    }
    assert list(dying.folder.iterdir()) == []


def test_a_living_sender_is_left_alone(dying: Dying) -> None:
    dying.begun(0)
    assert dying.replayed() == {}
    assert crowd.told(dying.store, dying.number) == {"claimed": 6}
    dying.journal.close()


def test_a_second_replay_changes_nothing(dying: Dying) -> None:
    dying.begun(0)
    dying.journal.close()
    (file,) = dying.folder.iterdir()
    kept = file.read_bytes()
    assert dying.replayed() == {"unknown": 1, "queued": 5}
    before = crowd.rows_of(dying.store, dying.number)
    file.write_bytes(kept)  # killed between its commit and the end of the file
    assert dying.replayed() == {}
    assert crowd.rows_of(dying.store, dying.number) == before


def test_what_was_settled_before_the_death_stays(dying: Dying) -> None:
    """Sent to, then killed: the answer is on record and in the database, and counts once."""
    dying.begun(0)
    dying.answered(0, YES)
    ledger = Ledger(dying.store, Letters(TOKENS, "https://clinic.example"), lease=timedelta(minutes=1))
    from outreach.engine import outcomes

    outcome = Outcome(dying.rows[0].delivery_id, YES, Stage.BODY)
    ledger.turn([outcomes.result(dying.rows[0], outcome, plan=RetryPlan(), now=dying.now)], 0, dying.now)
    dying.journal.close()
    assert dying.replayed() == {"queued": 5}
    assert crowd.told(dying.store, dying.number) == {"sent": 1, "queued": 5}


def test_after_a_restart_of_the_machine_only_answers_are_believed(
    dying: Dying, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying.begun(0)
    dying.answered(0, YES)
    dying.begun(1)
    dying.journal.close()
    monkeypatch.setattr(records, "boot_id", lambda: "another boot")
    assert dying.replayed() == {"sent": 1, "unknown": 5}
    assert {row.reason for row in crowd.rows_of(dying.store, dying.number)[1:]} == {replay.UNSURE}


def test_a_journal_that_lacks_its_end_is_believed_as_far_as_it_goes(dying: Dying) -> None:
    dying.begun(0)
    dying.journal.close()
    (file,) = dying.folder.iterdir()
    data = bytearray(file.read_bytes())
    data[records.HEAD_BYTES + records.CLAIM_BYTES + 3] ^= 1  # the begin is damaged
    file.write_bytes(data)
    assert dying.replayed() == {"queued": 6}


def test_journals_of_another_installation_stay(store: Store, tmp_path: Path, now: datetime) -> None:
    dying = Dying(store, tmp_path / "journal", now, people=2, installed="elsewhere")
    dying.journal.close()
    assert dying.replayed() == {}
    assert len(list(dying.folder.glob("*.journal"))) == 1
    assert crowd.told(store, dying.number) == {"claimed": 2}


def test_what_is_no_journal_is_set_aside_for_a_person_to_look_at(dying: Dying) -> None:
    dying.journal.close()
    (file,) = dying.folder.iterdir()
    file.write_bytes(b"something else")
    assert dying.replayed() == {}
    assert [left.suffix for left in dying.folder.iterdir()] == [".unreadable"]


def test_a_person_who_was_erased_meanwhile_is_settled_too(dying: Dying) -> None:
    dying.begun(0)
    dying.answered(0, YES)
    dying.journal.close()
    import sqlalchemy as sa

    with dying.store.writing() as session:
        session.execute(sa.text("DELETE FROM subscriber WHERE id = 1"))
    assert dying.replayed() == {"sent": 1, "queued": 5}
