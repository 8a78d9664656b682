"""Webhooks: believed only with the provider's signature, and each event of theirs one of ours."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from outreach.errors import InboxError, NoticeForged, NoticeGarbled, OutreachError, SettingsError
from outreach.message.headers import message_id
from outreach.replies.hooks import postmark, sendgrid
from outreach.replies.hooks.mailgun import Mailgun
from outreach.replies.hooks.notice import Hook, Notice
from outreach.replies.hooks.postmark import Postmark
from outreach.replies.hooks.sendgrid import SendGrid
from outreach.replies.hooks.ses import Ses
from outreach.replies.hooks.sns import Sns, host_of
from outreach.replies.kind import Kind
from tests.replies.hooks import signed
from tests.replies.hooks.signed import NOW

OURS = "t0ken@news.clinic.example"


def ses(fetch: Callable[[str], bytes] = lambda _: signed.certificate()) -> Ses:
    return Ses(Sns(signed.TOPIC, fetch))


def told_by_ses(envelope: dict[str, str], **facts: Any) -> tuple[Notice, ...]:
    return ses(**facts).read({}, json.dumps(envelope).encode(), now=NOW).notices


def told_by_mailgun(event: dict[str, Any]) -> tuple[Notice, ...]:
    event = {"id": "ev1", "recipient": "p1@example.org", "message": {"headers": {"message-id": OURS}}, **event}
    return Mailgun(signed.MAILGUN_KEY).read({}, signed.mailgun(event), now=NOW).notices


def told_by_sendgrid(*events: dict[str, Any]) -> tuple[Notice, ...]:
    whole = [
        {"sg_event_id": f"ev{n}", "smtp-id": f"<{OURS}>", "email": "p1@example.org", **e} for n, e in enumerate(events)
    ]
    body = json.dumps(whole).encode()
    reader = SendGrid(sendgrid.read_key(signed.verification_key()))
    return reader.read(signed.sendgrid_headers(body), body, now=NOW).notices


def told_by_postmark(event: dict[str, Any]) -> tuple[Notice, ...]:
    body = json.dumps({"ID": 42, "Email": "p1@example.org", "Metadata": {"message": OURS}, **event}).encode()
    return Postmark(signed.SECRET).read(signed.basic(), body, now=NOW).notices


@pytest.mark.parametrize(
    ("status", "reason", "severity", "answer", "kind"),
    [
        ("5.1.1", "bounce", "permanent", (550, "5.1.1 no such user"), Kind.HARD),
        (None, "bounce", "permanent", (550, "no such user here"), Kind.HARD),
        ("5.2.2", "bounce", "permanent", (552, "5.2.2 mailbox full"), Kind.SOFT),
        ("5.7.1", "generic", "permanent", (550, "5.7.1 blocked, user unknown to our whitelist"), Kind.SOFT),
        ("4.2.2", "generic", "temporary", (452, "4.2.2 mailbox full"), Kind.DELAYED),
        (None, "suppress-bounce", "permanent", (605, "Not delivering to previously bounced address"), Kind.HARD),
        (None, "suppress-complaint", "permanent", (607, ""), Kind.COMPLAINT),
        (None, "suppress-unsubscribe", "permanent", (606, ""), Kind.SOFT),
    ],
)
def test_mailguns_failures_are_judged_by_our_table(
    status: str | None, reason: str, severity: str, answer: tuple[int, str], kind: Kind
) -> None:
    said = {"code": answer[0], "message": answer[1], **({"enhanced-code": status} if status else {})}
    (notice,) = told_by_mailgun({"event": "failed", "severity": severity, "reason": reason, "delivery-status": said})
    assert (notice.report.kind, notice.message_id, notice.key) == (kind, OURS, "ev1")
    assert notice.report.by == "mailgun"


@pytest.mark.parametrize(
    ("event", "kinds"),
    [("complained", [Kind.COMPLAINT]), ("delivered", [Kind.DELIVERED]), ("opened", []), ("clicked", []), ("new", [])],
)
def test_mailguns_other_events(event: str, kinds: list[Kind]) -> None:
    assert [notice.report.kind for notice in told_by_mailgun({"event": event})] == kinds


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 unknown"}, Kind.HARD),
        ({"event": "bounce", "type": "bounce", "status": "5.0.0", "reason": "550 user unknown"}, Kind.HARD),
        ({"event": "bounce", "type": "bounce", "status": "5.2.2", "reason": "552 5.2.2 full"}, Kind.SOFT),
        ({"event": "bounce", "type": "blocked", "status": "5.1.1", "reason": "550 5.1.1 blocked"}, Kind.SOFT),
        ({"event": "dropped", "reason": "Bounced Address"}, Kind.HARD),
        ({"event": "dropped", "reason": "Spam Reporting Address"}, Kind.COMPLAINT),
        ({"event": "bounce", "type": "bounce", "reason": "550 mailbox no good"}, Kind.HARD),
        ({"event": "bounce", "type": "bounce", "status": "5.7.1", "reason": "550 no such user"}, Kind.SOFT),
        ({"event": "bounce", "type": "blocked", "reason": "550 no such user"}, Kind.SOFT),
        ({"event": "bounce", "reason": "550 not today"}, Kind.SOFT),
        ({"event": "dropped", "reason": "Invalid"}, Kind.HARD),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, Kind.SOFT),
        ({"event": "dropped", "reason": "Over quota"}, Kind.SOFT),
        ({"event": "deferred", "response": "451 4.7.1 later"}, Kind.DELAYED),
        ({"event": "spamreport"}, Kind.COMPLAINT),
        ({"event": "delivered", "response": "250 OK"}, Kind.DELIVERED),
    ],
)
def test_sendgrids_events_are_ours(event: dict[str, Any], kind: Kind) -> None:
    (notice,) = told_by_sendgrid(event)
    assert (notice.report.kind, notice.message_id) == (kind, OURS)


def test_of_many_events_each_is_one_notice_and_what_says_nothing_is_none() -> None:
    found = told_by_sendgrid({"event": "processed"}, {"event": "delivered"}, {"event": "open"}, {"event": "spamreport"})
    assert [(notice.key, notice.report.kind) for notice in found] == [("ev1", Kind.DELIVERED), ("ev3", Kind.COMPLAINT)]


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"RecordType": "Bounce", "Type": "HardBounce", "Details": "smtp;550 5.1.1 unknown"}, Kind.HARD),
        ({"RecordType": "Bounce", "Type": "HardBounce", "Details": "smtp;550 5.7.1 blocked"}, Kind.SOFT),
        ({"RecordType": "Bounce", "Type": "HardBounce", "Description": "The server was unable"}, Kind.HARD),
        ({"RecordType": "Bounce", "Type": "BadEmailAddress"}, Kind.HARD),
        ({"RecordType": "Bounce", "Type": "SpamNotification", "Details": "classified as spam"}, Kind.SOFT),
        ({"RecordType": "Bounce", "Type": "of tomorrow", "Details": "550 5.1.1 unknown"}, Kind.SOFT),
        ({"RecordType": "Bounce", "Type": "SoftBounce", "Details": "smtp;550 5.1.1 unknown"}, Kind.SOFT),
        ({"RecordType": "Bounce", "Type": "Blocked", "Details": "550 user unknown"}, Kind.SOFT),
        ({"RecordType": "Bounce", "Type": "Transient"}, Kind.DELAYED),
        ({"RecordType": "Bounce", "Type": "AutoResponder"}, Kind.AUTO_REPLY),
        ({"RecordType": "Bounce", "Type": "Unsubscribe"}, Kind.UNCLEAR),
        ({"RecordType": "Bounce", "Type": "SpamComplaint"}, Kind.COMPLAINT),
        ({"RecordType": "SpamComplaint"}, Kind.COMPLAINT),
        ({"RecordType": "Delivery", "Recipient": "p1@example.org"}, Kind.DELIVERED),
    ],
)
def test_postmarks_events_are_ours(event: dict[str, Any], kind: Kind) -> None:
    (notice,) = told_by_postmark(event)
    assert (notice.report.kind, notice.message_id, notice.key) == (kind, OURS, "42")


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({}, Kind.HARD),
        ({"event": True}, Kind.HARD),
        ({"subtype": "NoEmail", "status": None, "words": None}, Kind.HARD),
        ({"subtype": "General", "status": None, "words": None}, Kind.HARD),
        ({"subtype": "Suppressed", "status": "5.1.0", "words": "Amazon SES has suppressed"}, Kind.HARD),
        ({"subtype": "OnAccountSuppressionList", "status": None, "words": None}, Kind.HARD),
        ({"subtype": "General", "status": "5.0.0", "words": "smtp; 550 no"}, Kind.HARD),
        ({"subtype": "UnsubscribedRecipient", "status": None, "words": None}, Kind.SOFT),
        ({"kind": "Undetermined", "subtype": "Undetermined"}, Kind.HARD),
        ({"status": "5.7.1", "words": "smtp; 550 5.7.1 policy"}, Kind.SOFT),
        ({"status": "5.0.0", "words": "smtp; 550 blocked by policy, spam"}, Kind.SOFT),
        ({"kind": "Transient", "subtype": "General", "status": None, "words": None}, Kind.AUTO_REPLY),
        ({"kind": "Transient", "subtype": "MailboxFull", "status": None}, Kind.SOFT),
        ({"kind": "Transient", "status": "5.1.1"}, Kind.SOFT),
        ({"kind": "Undetermined", "subtype": "Undetermined", "status": None, "words": None}, Kind.SOFT),
    ],
)
@pytest.mark.parametrize("version", ["1", "2"])
def test_bounces_of_ses_are_judged_by_our_table(facts: dict[str, Any], kind: Kind, version: str) -> None:
    (notice,) = told_by_ses(signed.sns(signed.bounce(**facts), version=version, Subject="Amazon SES"))
    assert (notice.report.kind, notice.return_path) == (kind, "news@clinic.example")


@pytest.mark.parametrize(
    ("feedback", "kind"),
    [("abuse", Kind.COMPLAINT), (None, Kind.COMPLAINT), ("not-spam", Kind.DELIVERED), ("auth-failure", Kind.UNCLEAR)],
)
def test_complaints_of_ses(feedback: str | None, kind: Kind) -> None:
    complaint = {"complainedRecipients": [{"emailAddress": "p1@example.org"}], "feedbackId": "f1"}
    complaint |= {"complaintFeedbackType": feedback} if feedback else {}
    message = {"notificationType": "Complaint", "complaint": complaint, "mail": {"source": "b+x@clinic.example"}}
    (notice,) = told_by_ses(signed.sns(message))
    assert (notice.report.kind, notice.return_path, notice.key) == (kind, "b+x@clinic.example", "f1 0")


def test_ses_tells_our_message_id_only_in_the_headers_of_the_mail() -> None:
    told = [{"name": "Subject", "value": "Hello"}, {"name": "Message-ID", "value": f"<{OURS}>"}]
    (notice,) = told_by_ses(signed.sns(signed.bounce(headers=told)))
    assert notice.message_id == OURS


def test_a_topic_that_asks_for_it_is_confirmed_at_an_address_of_sns_and_no_other() -> None:
    url = f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={signed.TOPIC}&Token=abc"
    asked = signed.sns("You have chosen ...", Type="SubscriptionConfirmation", Token="abc", SubscribeURL=url)
    assert ses().read({}, json.dumps(asked).encode(), now=NOW).confirm == url
    for other in (
        "https://example.com/",
        url.replace("https", "http"),
        url.replace("eu-west-1.amazonaws.com", "eu-west-1.amazonaws.com.example.com"),
        url.replace("eu-west-1.amazonaws", "us-east-1.amazonaws"),
        url.replace("bounces", "others"),
        url.replace("Confirm", "Delete"),
        "https://[",
        "",
    ):
        elsewhere = signed.sns("x", Type="SubscriptionConfirmation", Token="abc", SubscribeURL=other)
        with pytest.raises(NoticeForged):
            ses().read({}, json.dumps(elsewhere).encode(), now=NOW)


def test_it_is_told_when_the_topic_was_told_to_end() -> None:
    asked = signed.sns("You have chosen ...", Type="UnsubscribeConfirmation", Token="abc", SubscribeURL="https://x/")
    told = ses().read({}, json.dumps(asked).encode(), now=NOW)
    assert (told.ended, told.confirm, told.notices) == (True, None, ())


def test_a_greeting_in_plain_words_says_nothing() -> None:
    assert told_by_ses(signed.sns("Successfully validated SNS topic for Amazon SES event publishing.")) == ()


def test_fields_of_an_envelope_that_are_no_text_are_left_alone() -> None:
    envelope: dict[str, Any] = {**signed.sns(signed.bounce()), "Subject": None, "MessageAttributes": {"a": {"b": 1}}}
    assert [notice.report.kind for notice in told_by_ses(envelope)] == [Kind.HARD]


@pytest.mark.parametrize(
    "change",
    [
        {"Message": "{}"},
        {"MessageId": "another"},
        {"TopicArn": "arn:aws:sns:eu-west-1:210987654321:bounces"},
        {"SignatureVersion": "2"},
        {"SignatureVersion": "3"},
        {"Signature": "AAAA"},
        {"Signature": "not base64!"},
        {"Timestamp": "yesterday"},
        {"Type": "Other"},
        {"SigningCertURL": ""},
        {"SigningCertURL": "https://example.com/SimpleNotificationService-0123.pem"},
        {"SigningCertURL": "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123.pem"},
        {"SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123.pem"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com.example.com/SimpleNotificationService-0123.pem"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com@example.com/SimpleNotificationService-0123.pem"},
        {"SigningCertURL": "https://me@sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123.pem"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-0123.pem"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/anything.pem"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123.pem?x=1"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/x/../SimpleNotificationService-0123.pem"},
    ],
)
def test_what_was_changed_on_the_way_is_not_believed(change: dict[str, str]) -> None:
    with pytest.raises(NoticeForged):
        told_by_ses({**signed.sns(signed.bounce()), **change})


def test_a_certificate_that_is_over_or_not_of_the_signer_is_none() -> None:
    envelope = signed.sns(signed.bounce())
    for fetch in (
        lambda _: signed.certificate(ends=NOW - timedelta(days=1)),
        lambda _: signed.certificate(begins=NOW + timedelta(days=1)),
        lambda _: signed.certificate(of=rsa.generate_private_key(65537, 2048)),
        lambda _: b"nothing",
    ):
        with pytest.raises(NoticeForged):
            told_by_ses(envelope, fetch=fetch)


def test_a_certificate_that_cannot_be_fetched_now_is_no_forgery() -> None:
    """SNS does not come again after an answer that says that it was wrong."""

    def away(_: str) -> bytes:
        raise InboxError("away")

    with pytest.raises(InboxError):
        told_by_ses(signed.sns(signed.bounce()), fetch=away)


def test_a_stranger_makes_us_fetch_nothing() -> None:
    def fetch(_: str) -> bytes:
        raise AssertionError("fetched")

    for change in ({"TopicArn": "arn:aws:sns:eu-west-1:1:x"}, {"SigningCertURL": "https://10.0.0.1/x.pem"}):
        with pytest.raises(NoticeForged):
            told_by_ses({**signed.sns(signed.bounce()), **change}, fetch=fetch)
    with pytest.raises(NoticeForged):
        told_by_ses(signed.sns(signed.bounce(), at=NOW - timedelta(days=3)), fetch=fetch)


def test_a_certificate_is_fetched_once() -> None:
    fetched: list[str] = []

    def fetch(url: str) -> bytes:
        fetched.append(url)
        return signed.certificate()

    reader = ses(fetch)
    for _ in range(3):
        reader.read({}, json.dumps(signed.sns(signed.bounce())).encode(), now=NOW)
    assert fetched == [signed.CERTIFICATE_URL]


@pytest.mark.parametrize(
    ("topic", "host"),
    [
        ("arn:aws:sns:eu-west-1:123456789012:x", "sns.eu-west-1.amazonaws.com"),
        ("arn:aws-us-gov:sns:us-gov-west-1:123456789012:x", "sns.us-gov-west-1.amazonaws.com"),
        ("arn:aws-cn:sns:cn-north-1:123456789012:x", "sns.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_a_topic_is_at_home_in_its_region(topic: str, host: str) -> None:
    assert host_of(topic) == host


def test_what_is_no_topic_has_no_home() -> None:
    for other in ("", "bounces", "arn:aws:sqs:eu-west-1:123456789012:x", "arn:aws:sns:example.com/:1:x"):
        with pytest.raises(SettingsError):
            host_of(other)


def test_a_signature_of_mailgun_serves_one_event_only() -> None:
    """It covers a time and a token, and not the event: who saw one could put it under anything."""
    reader = Mailgun(signed.MAILGUN_KEY)
    first, forged = ({"id": number, "event": "failed", "timestamp": 1.5} for number in ("ev1", "ev2"))
    for _ in range(2):  # told again
        (notice,) = reader.read({}, signed.mailgun(first), now=NOW).notices
        assert notice.key == "ev1 1.5"
    with pytest.raises(NoticeForged):
        reader.read({}, signed.mailgun(forged), now=NOW)


def test_mailgun_may_use_an_id_again_on_another_day() -> None:
    one, other = (told_by_mailgun({"event": "delivered", "timestamp": moment}) for moment in (1772442000.1, 1772528400))
    assert one[0].key != other[0].key


def test_sendgrid_hands_back_what_our_own_field_says() -> None:
    (notice,) = told_by_sendgrid({"event": "spamreport", "smtp-id": "<x@ismtpd>", sendgrid.ARGUMENT: OURS})
    assert notice.message_id == OURS
    field = message_id(OURS, [sendgrid.HANDLE, postmark.HANDLE]).split("\r\n")
    assert json.loads(field[1].removeprefix("X-SMTPAPI: ")) == {"unique_args": {sendgrid.ARGUMENT: OURS}}
    assert field[2:] == [f"X-PM-Metadata-message: {OURS}", ""]


@pytest.mark.parametrize("age", [timedelta(days=2), -timedelta(hours=1)])
def test_what_was_signed_long_ago_or_in_the_future_is_not_believed(age: timedelta) -> None:
    at = NOW - age
    body = b"[]"
    with pytest.raises(NoticeForged):
        told_by_ses(signed.sns(signed.bounce(), at=at))
    with pytest.raises(NoticeForged):
        Mailgun(signed.MAILGUN_KEY).read({}, signed.mailgun({"id": "e", "event": "delivered"}, at=at), now=NOW)
    reader = SendGrid(sendgrid.read_key(signed.verification_key()))
    with pytest.raises(NoticeForged):
        reader.read(signed.sendgrid_headers(body, at=at), body, now=NOW)


def test_another_key_is_not_believed() -> None:
    with pytest.raises(NoticeForged):
        Mailgun(signed.MAILGUN_KEY).read({}, signed.mailgun({"id": "e", "event": "delivered"}, key="other"), now=NOW)
    with pytest.raises(NoticeForged):
        Postmark(signed.SECRET).read(signed.basic("a guess of twenty characters"), b"{}", now=NOW)
    with pytest.raises(NoticeForged):
        Postmark(signed.SECRET).read({}, b"{}", now=NOW)
    body = b'[{"event": "spamreport"}]'
    headers = signed.sendgrid_headers(body)
    with pytest.raises(NoticeForged):
        SendGrid(sendgrid.read_key(signed.verification_key())).read(headers, body + b" ", now=NOW)


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b"[" * 100_000])
def test_a_signed_request_that_cannot_be_read_is_garbled(body: bytes) -> None:
    with pytest.raises(NoticeGarbled):
        Postmark(signed.SECRET).read(signed.basic(), body, now=NOW)


def test_a_key_of_another_kind_is_no_verification_key() -> None:
    other = rsa.generate_private_key(65537, 2048).public_key()
    der = other.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    for text in ("", "nonsense", b64encode(der).decode()):
        with pytest.raises(SettingsError):
            sendgrid.read_key(text)


WORDS = st.sampled_from(
    ["event", "event-data", "id", "ID", "RecordType", "Type", "Metadata", "message", "headers", "bounce", "complaint",
     "bouncedRecipients", "notificationType", "mail", "source", "status", "reason", "sg_event_id", "smtp-id", "type"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=12,
)


@given(JSON)
def test_whatever_a_provider_says_is_read_or_refused(said: Any) -> None:
    body = json.dumps(said).encode()
    requests: list[tuple[Hook, dict[str, str], bytes]] = [
        (Mailgun(signed.MAILGUN_KEY), {}, signed.mailgun(said)),
        (Mailgun(signed.MAILGUN_KEY), {}, body),
        (Postmark(signed.SECRET), signed.basic(), body),
        (SendGrid(sendgrid.read_key(signed.verification_key())), signed.sendgrid_headers(body), body),
        (ses(), {}, json.dumps(signed.sns(said)).encode()),
        (ses(), {}, body),
    ]
    for reader, headers, request in requests:
        try:
            told = reader.read(headers, request, now=NOW)
        except OutreachError:
            continue
        assert all(notice.key and notice.report.by for notice in told.notices)
