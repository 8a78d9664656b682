"""Is a request really Amazon SNS's, and about our topic? By the signature of its certificate, from its own host only."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from outreach.errors import NoticeForged, OutreachError
from outreach.replies.hooks.notice import require_fresh

#: What is signed, in this order, where the message has it.
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}

_HASHES: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303  its version 1
_HOST = re.compile(r"sns\.[a-z0-9-]{1,40}\.amazonaws\.com(?:\.cn)?")
#: Certificates that are kept; each region has one at a time.
_KEPT = 8


class Sns:
    """Verifies requests of one topic; certificates are fetched once."""

    def __init__(self, topic: str, fetch: Callable[[str], bytes]) -> None:
        self._topic = topic
        self._fetch = fetch
        self._certificates: dict[str, x509.Certificate] = {}

    def verify(self, envelope: Any, *, now: datetime) -> dict[str, str]:
        """The fields of an envelope that is SNS's; raises NoticeForged."""
        if not isinstance(envelope, dict) or not all(isinstance(value, str) for value in envelope.values()):
            raise NoticeForged("The request is no message of SNS.")
        fields: dict[str, str] = envelope
        names, algorithm = SIGNED.get(fields.get("Type", "")), _HASHES.get(fields.get("SignatureVersion", ""))
        if fields.get("TopicArn") != self._topic:
            raise NoticeForged("The request is about another topic than OUTREACH_WEBHOOK_SES_TOPIC.")
        if names is None or algorithm is None:
            raise NoticeForged("The request is signed in a way that is not known.")
        said = "".join(f"{name}\n{fields[name]}\n" for name in names if name in fields)
        certificate = self._certificate(fields.get("SigningCertURL", ""), now)
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            raise NoticeForged("The certificate is none of SNS.")
        try:
            key.verify(b64decode(fields.get("Signature", ""), validate=True), said.encode(), PKCS1v15(), algorithm)
        except (InvalidSignature, ValueError, binascii.Error) as error:
            raise NoticeForged("The signature is not that of SNS.") from error
        require_fresh(_seconds(fields.get("Timestamp", "")), now)
        return fields

    def _certificate(self, url: str, now: datetime) -> x509.Certificate:
        require_sns(url)
        if url not in self._certificates:
            try:
                found = x509.load_pem_x509_certificate(self._fetch(url))
            except (ValueError, OutreachError) as error:
                raise NoticeForged("The certificate of the signature cannot be had.") from error
            while len(self._certificates) >= _KEPT:
                del self._certificates[next(iter(self._certificates))]
            self._certificates[url] = found
        certificate = self._certificates[url]
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise NoticeForged("The certificate of the signature is not valid now.")
        return certificate


def require_sns(url: str) -> str:
    """The URL, which must be of an SNS host, by https; raises NoticeForged."""
    try:
        parts = urlsplit(url)
        plain = parts.port in {None, 443} and parts.username is None
    except ValueError:
        plain = False
    if not plain or parts.scheme != "https" or not _HOST.fullmatch(parts.hostname or ""):
        raise NoticeForged("The request names an address that is none of SNS.")
    return url


def _seconds(timestamp: str) -> str:
    try:
        return str(datetime.fromisoformat(timestamp).timestamp())
    except ValueError as error:
        raise NoticeForged("The time of the signature cannot be read.") from error
