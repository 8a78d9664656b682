"""Mail to a mailbox that is not there, through a real mail server: it comes back, and no other is sent there."""

from __future__ import annotations

from outreach.replies.kind import Kind
from outreach.store import campaigns, deliveries, figures, reports
from outreach.store.deliveries import DeliveryState
from outreach.store.reports import ReportState
from tests.conftest import free_port
from tests.journeys.machine import Host, until
from tests.journeys.test_main_job import CAR_T, CONSENT
from tests.transport.postfix import Postfix


def test_a_bounce_finds_its_way_back_and_the_next_campaign_leaves_its_person_out(
    host: Host, a_postfix: Postfix
) -> None:
    """The server takes the mail as it takes any, finds nobody, and writes to the return path of that message."""
    back = free_port()
    a_postfix.hand_back("bounces@news.example.org", back)
    host.environment |= {
        "OUTREACH_SMTP_URL": f"smtp://127.0.0.1:{a_postfix.ports['strict']}",
        "OUTREACH_RETURN_PATH": "bounces@news.example.org",
        "OUTREACH_INBOX": f"lmtp://127.0.0.1:{back}",
    }
    people = host.folder / "people.csv"
    people.write_text("email,name\nreader@example.org,Reader\ndead+letter@example.org,Nobody\n")
    host.outreach("subscriber", "import", str(people), "--list", "readers", "--consent", CONSENT)
    host.start("run", "--port", host.environment["OUTREACH_PUBLIC_URL"].rpartition(":")[2])
    host.outreach("campaign", "create", CAR_T, "--list", "readers", "--name", "first")
    host.outreach("campaign", "send", "first")

    def bounced() -> int:
        with host.store.reading() as session:
            number = campaigns.by_name(session, "first").id
            assert number is not None
            return deliveries.tallies(session, number)[DeliveryState.BOUNCED]

    until(bounced, f"the mail has come back\n{a_postfix.log()}")
    (kept,) = a_postfix.received(1).values()
    assert b"reader@example.org" in kept
    report = host.document("campaign", "report", "first")
    assert (report["audience"], report["sent"], report["bounced"], report["complaints"]) == (2, 1, 1, 0)
    with host.store.reading() as session:
        (came,) = reports.page(session, limit=9)
    assert (came["kind"], came["state"], came["source"]) == (Kind.HARD, ReportState.HANDLED, "listener")
    host.outreach("campaign", "create", CAR_T, "--list", "readers", "--name", "second")
    host.outreach("campaign", "send", "second")
    until(lambda: host.state("second") == "finished", "the second campaign is finished")
    with host.store.reading() as session:
        report = figures.report(session, campaigns.by_name(session, "second"))
    assert (report["audience"], report["sent"], report["excluded_by"]) == (2, 1, {"suppressed": 1})
