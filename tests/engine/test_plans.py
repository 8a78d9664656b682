"""What a sender asks the database costs the same however much is already sent: every plan is looked at, on both."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from outreach.engine.ledger import Ledger
from outreach.engine.letters import Letters
from outreach.store import campaigns, claims
from outreach.store.claims import Claimed
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState
from outreach.store.settlements import Result
from tests.engine.sending import TOKENS, compiled
from tests.store import crowd

#: Enough for PostgreSQL to see that an index pays; what is small it reads whole, and is right.
PEOPLE, WAITING = 15_000, 40

#: Tables that grow with subscribers; none is ever read from its beginning to its end.
GROWING = ("delivery", "subscriber", "subscription")


@pytest.fixture
def campaign(store: Store, now: datetime) -> int:
    """A campaign of which nearly everything is sent, some is queued, and some deferred and due."""
    group = crowd.made_list(store, now, 0)
    no, numbers = ("false", f"generate_series(1, {PEOPLE}) g(i)")
    if store.backend == "sqlite":
        row = "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g"
        no, numbers = "0", f"({row} WHERE i < {PEOPLE}) SELECT i FROM g)"
    facts = {"now": now.replace(tzinfo=None) if store.backend == "sqlite" else now, "list": group}
    with store.writing() as session:
        email = "'p' || i || '@example.org'"
        people = f"SELECT i, {email}, {email}, '', '', '', '{{}}', {no}, :now, :now FROM {numbers}"
        columns = "id, email, email_key, name, language, timezone, attributes, tracking_consent, created_at, updated_at"
        session.execute(sa.text(f"INSERT INTO subscriber ({columns}) {people}"), facts)
        ties = f"SELECT :list, i, 'confirmed', :now, :now FROM {numbers}"
        columns = "list_id, subscriber_id, state, created_at, changed_at"
        session.execute(sa.text(f"INSERT INTO subscription ({columns}) {ties}"), facts)
    number = crowd.made_campaign(store, now, group)
    with store.writing() as session:
        campaigns.store_compiled(session, number, compiled())
        done = f"subscriber_id <= {PEOPLE - WAITING}"
        session.execute(sa.text(f"UPDATE delivery SET state = 'sent', sent_at = :now WHERE {done}"), facts)
        later = f"subscriber_id > {PEOPLE - WAITING // 2}"
        session.execute(sa.text(f"UPDATE delivery SET state = 'deferred', due_at = :now WHERE {later}"), facts)
        session.execute(sa.text("ANALYZE"))
    return number


def test_no_query_of_a_sender_grows_with_what_is_sent(store: Store, campaign: int, now: datetime) -> None:
    ledger = Ledger(store, Letters(TOKENS, "https://clinic.example"), lease=timedelta(seconds=60))
    with asked(store) as statements:
        assert ledger.claimable(now)
        first = ledger.turn([], 30, now, token="a")
        second = ledger.turn(results(first.claimed, now), 10, now, token="b", renew=held(first.claimed))
        ledger.turn([], 0, now, renew=held(second.claimed))
        assert ledger.sending() == {campaign}
        assert ledger.finish([campaign], now) == []
        with store.reading() as session:
            assert len(claims.held(session, ["b"])) == 10
        ledger.expire(now, 10.0)
        ledger.expire(now + timedelta(hours=1), 30.0)
        assert ledger.tallies(campaign)[DeliveryState.UNKNOWN] > 0
    plans = {statement: plan(store, statement, parameters) for statement, parameters in statements.items()}
    assert len(plans) > 12
    for statement, lines in plans.items():
        told = f"{statement}\n" + "\n".join(lines)
        assert not [line for line in lines if reads_a_whole_table(line)], told
    used = "\n".join(line for lines in plans.values() for line in lines)
    assert "ix_delivery_queued" in used
    assert "ix_delivery_deferred" in used
    assert "ix_delivery_claimed" in used


def results(claimed: list[Claimed], now: datetime) -> list[Result]:
    """One of each kind, and the rest accepted."""
    states = dict(
        enumerate([DeliveryState.DEFERRED, DeliveryState.FAILED, DeliveryState.BOUNCED, DeliveryState.QUEUED])
    )
    return [
        Result(row.delivery_id, row.claim, state, now, due_at=now, attempted=state is not DeliveryState.QUEUED)
        for number, row in enumerate(claimed)
        for state in (states.get(number, DeliveryState.SENT),)
    ]


def held(claimed: list[Claimed]) -> dict[int, str]:
    return {row.delivery_id: row.claim for row in claimed}


@contextmanager
def asked(store: Store) -> Iterator[dict[str, Any]]:
    """Every statement that goes to the database, with the parameters that it first had."""
    statements: dict[str, Any] = {}

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if re.match(r"\s*(SELECT|UPDATE|WITH|DELETE|INSERT)", statement):
            statements.setdefault(statement, parameters[0] if many else parameters)

    sa.event.listen(store.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        sa.event.remove(store.engine, "before_cursor_execute", note)


def plan(store: Store, statement: str, parameters: Any) -> list[str]:
    """How the database would go about it, line by line."""
    explain = "EXPLAIN QUERY PLAN" if store.backend == "sqlite" else "EXPLAIN"
    with store.engine.connect() as connection:
        if store.backend == "postgresql":
            # As on a disk without moving parts; with its default a list twice as long would be needed.
            connection.exec_driver_sql("SET LOCAL random_page_cost = 1.1")
        rows = connection.exec_driver_sql(f"{explain} {statement}", parameters)
        return [str(row[-1]) for row in rows]


def reads_a_whole_table(line: str) -> bool:
    """Whether a step goes through everything that is in a growing table, or in a whole index of it."""
    names = "|".join(GROWING)
    if found := re.search(rf"SCAN ({names})\b(.*)", line):
        # A partial index holds only what is still to do.
        return not re.search(r"USING (COVERING )?INDEX ix_delivery_(queued|deferred|claimed)", found[2])
    return bool(re.search(rf"Seq Scan on ({names})\b", line))
