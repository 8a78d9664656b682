"""Which answers slow a provider down: load and policy, not one mailbox, and not what the relay says of a connection."""

from __future__ import annotations

import pytest

from outreach.replies.pushback import asks_to_slow_down
from outreach.replies.smtp import Reply, Stage


@pytest.mark.parametrize(
    ("reply", "stage", "slower"),
    [
        (Reply(421, "4.7.28", "unusual rate"), Stage.RCPT, True),
        (Reply(421, None, "try again later"), Stage.BODY, True),
        (Reply(451, "4.7.1", "greylisted"), Stage.RCPT, True),
        (Reply(451, None, "later"), Stage.DATA, True),
        (Reply(452, "4.3.1", "out of memory"), Stage.BODY, True),
        (Reply(450, "4.7.0", "policy"), Stage.RCPT, True),
        # the relay speaks of the connection
        (Reply(421, "4.7.0", "too many connections"), Stage.MAIL, False),
        (Reply(451, None, "later"), Stage.MAIL, False),
        # one mailbox, one address, or our own count of recipients
        (Reply(452, "4.2.2", "mailbox full"), Stage.RCPT, False),
        (Reply(451, "4.1.8", "no such sender domain now"), Stage.RCPT, False),
        (Reply(452, "4.5.3", "too many recipients"), Stage.RCPT, False),
        (Reply(450, "4.2.1", "mailbox busy"), Stage.RCPT, False),
        # for good, or accepted
        (Reply(550, "5.7.1", "no"), Stage.RCPT, False),
        (Reply(250, "2.0.0", "queued"), Stage.BODY, False),
    ],
)
def test_what_an_answer_says_about_pace(reply: Reply, stage: Stage, slower: bool) -> None:
    assert asks_to_slow_down(reply, stage) is slower
