"""Mail that comes back, as servers write it."""

from __future__ import annotations

from outreach import address
from outreach.actions.collect import Terms
from outreach.tracking.token import Purpose
from tests.engine.sending import TOKENS

RETURN = address.parse("b@news.clinic.example")
TERMS = Terms(TOKENS, RETURN, soft_bounces=3)


def path(delivery: int) -> str:
    """The return path of a delivery's mail."""
    return f"{RETURN.local}+{TOKENS.make(Purpose.BOUNCE, delivery)}@{RETURN.domain}"


def dsn(
    to: str, status: str = "5.1.1", *, action: str = "failed", words: str = "no such user", who: str = "p1@example.org"
) -> bytes:
    """A delivery status notification (RFC 3464), as Postfix writes one."""
    return f"""From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
To: {to}
Subject: Undelivered Mail Returned to Sender
Date: Mon, 2 Mar 2026 09:05:00 +0000
Message-Id: <{status}.{action}.{abs(hash((to, words)))}@mx.example.org>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="XYZ"

--XYZ
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.org.

I'm sorry to have to inform you that your message could not be delivered.

<{who}>: host mx.example.org said: 550 {status} {words}

--XYZ
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
Arrival-Date: Mon, 2 Mar 2026 09:04:00 +0000

Final-Recipient: rfc822; {who}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} {words}

--XYZ
Content-Type: text/rfc822-headers

From: Clinic News <news@clinic.example>
To: {who}
Subject: Hello

--XYZ--
""".encode()


def complaint(to: str, *, return_path: str = "", message_id: str = "", kind: str = "abuse") -> bytes:
    """A complaint (RFC 5965) as a provider's feedback loop sends it: about a mail that it encloses."""
    mail_from = f"Original-Mail-From: <{return_path}>\n" if return_path else ""
    number = f"Message-ID: <{message_id}>\n" if message_id else ""
    return f"""From: <fbl@mailbox.example.org>
To: {to}
Subject: FW: Hello
Date: Mon, 2 Mar 2026 09:05:00 +0000
Message-ID: <{abs(hash((to, return_path, message_id)))}@mailbox.example.org>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="XYZ"

--XYZ
Content-Type: text/plain; charset=us-ascii

This is an email abuse report for an email message received from 192.0.2.1.

--XYZ
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
{mail_from}
--XYZ
Content-Type: message/rfc822

From: Clinic News <news@clinic.example>
To: <reader@example.org>
{number}Subject: Hello

Good day.

--XYZ--
""".encode()


def auto_reply(to: str) -> bytes:
    """Somebody is on holiday (RFC 3834)."""
    return f"""From: Person 1 <p1@example.org>
To: {to}
Subject: Out of office: Hello
Date: Mon, 2 Mar 2026 09:05:00 +0000
Message-ID: <holiday@example.org>
Auto-Submitted: auto-replied (vacation)
Precedence: bulk

I am away until Monday.
""".encode()


def riddle(to: str, words: str = "Your mail was received with interest.") -> bytes:
    """What is no report of any kind."""
    return f"""From: Somebody <s@example.com>
To: {to}
Subject: Hm
Date: Mon, 2 Mar 2026 09:05:00 +0000
Message-ID: <riddle@example.com>

{words}
""".encode()
