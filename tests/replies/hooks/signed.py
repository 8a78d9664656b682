"""Requests as providers send them, signed with keys of our own in the forms that they document."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.x509.oid import NameOID

from outreach.replies.hooks import sendgrid

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123.pem"
MAILGUN_KEY = "key-of-an-account-that-does-not-exist"
SECRET = "a secret of twenty characters"


def mailgun(event: dict[str, Any], *, at: datetime = NOW, key: str = MAILGUN_KEY, token: str = "a" * 50) -> bytes:
    """An event of Mailgun's."""
    seconds = str(int(at.timestamp()))
    signature = hmac.new(key.encode(), (seconds + token).encode(), hashlib.sha256).hexdigest()
    return json.dumps(
        {"signature": {"timestamp": seconds, "token": token, "signature": signature}, "event-data": event}
    ).encode()


def basic(secret: str = SECRET) -> dict[str, str]:
    """The header that carries Postmark's secret."""
    return {"authorization": "Basic " + b64encode(f"any:{secret}".encode()).decode()}


@cache
def sendgrid_key() -> ec.EllipticCurvePrivateKey:
    """SendGrid's key."""
    return ec.generate_private_key(ec.SECP256R1())


def verification_key() -> str:
    """What its settings page shows of it."""
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return b64encode(sendgrid_key().public_key().public_bytes(*form)).decode()


def sendgrid_headers(body: bytes, *, at: datetime = NOW) -> dict[str, str]:
    """The headers that SendGrid signs a body with."""
    seconds = str(int(at.timestamp()))
    signature = sendgrid_key().sign(seconds.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {sendgrid.SIGNATURE: b64encode(signature).decode(), sendgrid.TIMESTAMP: seconds}


@cache
def _sns_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def certificate(
    *,
    begins: datetime = NOW - timedelta(days=30),
    ends: datetime = NOW + timedelta(days=300),
    of: rsa.RSAPrivateKey | None = None,
) -> bytes:
    """The certificate of SNS, in PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key((of or _sns_key()).public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
    return made.sign(_sns_key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def sns(message: Any, *, version: str = "1", at: datetime = NOW, **more: str) -> dict[str, str]:
    """A message of SNS, signed by what it documents: name and value of each field on lines of their own."""
    fields = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE_URL,
        **more,
    }
    order = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    if fields["Type"] == "Notification":
        order.remove("SubscribeURL")
        order.remove("Token")
    said = "".join(f"{name}\n{fields[name]}\n" for name in order if name in fields)
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()
    fields["Signature"] = b64encode(_sns_key().sign(said.encode(), PKCS1v15(), algorithm)).decode()
    return fields


def bounce(
    *,
    kind: str = "Permanent",
    subtype: str = "General",
    status: str | None = "5.1.1",
    words: str | None = "smtp; 550 5.1.1 user unknown",
    source: str = "news@clinic.example",
    event: bool = False,
    headers: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """A bounce as SES tells it, as a notification or as an event of a configuration set."""
    who = {"emailAddress": "p1@example.org", "action": "failed", "status": status, "diagnosticCode": words}
    return {
        "eventType" if event else "notificationType": "Bounce",
        "bounce": {
            "bounceType": kind,
            "bounceSubType": subtype,
            "bouncedRecipients": [{name: value for name, value in who.items() if value is not None}],
            "timestamp": "2026-03-02T08:59:58.000Z",
            "feedbackId": "0100016f-bounce",
            "reportingMTA": "dsn; a8-50.smtp-out.amazonses.com",
        },
        "mail": {"source": source, "messageId": "0100016f", "headers": headers or []},
    }
