"""What a report asks the database costs the same however many there are, and however much was sent."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa

from outreach.actions import collect, weigh
from outreach.replies.kind import Kind, Report
from outreach.store import overview, reports, retention
from outreach.store.database import Store
from tests.actions.returned import TERMS, complaint, dsn, path, riddle
from tests.actions.test_collect import Notice
from tests.engine.test_plans import PEOPLE, asked, campaign, plan, reads_a_whole_table

__all__ = ["campaign"]  # the fixture: a campaign of thousands, nearly all sent

#: Reports that are there already, of as many people.
REPORTS = PEOPLE // 2


def reported(store: Store, now: datetime) -> None:
    """Many reports, nearly all of them done with."""
    at = now.replace(tzinfo=None) if store.backend == "sqlite" else now
    source = f"SELECT id FROM delivery WHERE id <= {REPORTS}"
    columns = "digest, received_at, source, kind, state, by, delivery_id, campaign_id, subscriber_id"
    column = '"by"'
    with store.writing() as session:
        session.execute(
            sa.text(
                f"INSERT INTO report ({columns.replace('by', column)}) SELECT 'd' || d.id, :at, 'imap', 'delayed', "
                f"'handled', '', d.id, 1, d.id FROM ({source}) d"
            ),
            {"at": at},
        )
        session.execute(sa.text("ANALYZE"))


def test_no_query_about_a_report_grows_with_what_is_there(store: Store, now: datetime, campaign: int) -> None:
    reported(store, now)
    late = now + timedelta(days=1)
    with asked(store) as statements:
        for number, make in enumerate([dsn, complaint, riddle, partial(dsn, status="5.2.2")], 1):
            done = collect.message(store, make(path(number)), source="imap", terms=TERMS, now=late)
            assert done.fresh
        fine = Notice("a", Report(Kind.DELIVERED, None), return_path=path(9))
        collect.notices(store, [fine], source="ses", terms=TERMS, now=late)
        weigh.refusals(store, most=3, now=late)
        with store.writing() as session:
            assert reports.unclear(session) == 1
            reports.unproved_since(session, late)
            reports.page(session, unclear=True, limit=10)
            reports.of_person(session, 4)
            retention.forget_raw(session, 0, 100, before=late)
            retention.forget_reports(session, 0, 100, before=now)
            overview.read(session, late)
    plans = {statement: plan(store, statement, parameters) for statement, parameters in statements.items()}
    assert len(plans) > 25
    for statement, lines in plans.items():
        told = f"{statement}\n" + "\n".join(lines)
        assert not [line for line in lines if reads_a_whole_table(line) or reads_all_reports(line)], told
    used = "\n".join(line for lines in plans.values() for line in lines)
    for index in ("ix_report_unclear", "ix_report_person", "ix_report_received"):
        assert index in used


def reads_all_reports(line: str) -> bool:
    """Whether a step goes through every report; those that wait for a person are few."""
    if found := re.search(r"SCAN report\b(.*)", line):
        return not re.search(
            r"ix_report_unclear|ix_report_received", found[1]
        )  # the latter in its order, up to a limit
    return "Seq Scan on report" in line
