"""What the world says becomes faults as the offline look tells them; nothing is asked where there is nothing to ask."""

from __future__ import annotations

from outreach.actions import rehearse
from outreach.diagnosis import finding
from outreach.message.check import Fault, Severity


def test_findings_become_faults_with_their_remedy_and_what_is_well_is_none() -> None:
    found = [
        finding.ok("SPF", "The record is sound."),
        finding.warning("links", "link-refused", "A link answers 403.", "Open it by hand."),
        finding.fault("DMARC", "dmarc-missing", "There is no record."),
    ]
    assert rehearse.faults(found) == [
        Fault(Severity.ERROR, "dmarc-missing", "There is no record."),
        Fault(Severity.WARNING, "link-refused", "A link answers 403. Open it by hand."),
    ]


def test_an_installation_without_sender_and_public_url_asks_nobody() -> None:
    assert rehearse.installation(None, None) == []
