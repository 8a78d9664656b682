"""Is a request really Amazon SNS's, and about our topic? By the signature of a certificate from its own host."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from outreach.errors import NoticeForged, SettingsError
from outreach.replies.hooks.notice import require_fresh

#: What is signed, in this order, where the message has it.
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}

_HASHES: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303 - its version 1
#: The parts of a topic's ARN that tell the host of its region.
_ARN = re.compile(r"arn:aws(?P<china>-cn)?[a-z-]*:sns:(?P<region>[a-z0-9-]+):")
#: Where its certificates lie. Whoever could have any file of that host taken for one could sign anything.
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9A-Za-z]{1,80}\.pem")
#: Certificates that are kept; each region has one at a time.
_KEPT = 8


class Sns:
    """Verifies requests of one topic; certificates are fetched once."""

    def __init__(self, topic: str, fetch: Callable[[str], bytes]) -> None:
        self._topic = topic
        self._host = host_of(topic)
        self._fetch = fetch
        self._certificates: OrderedDict[str, x509.Certificate] = OrderedDict()

    def verify(self, envelope: Any, *, now: datetime) -> dict[str, str]:
        """The fields of an envelope that is SNS's; raises NoticeForged, or what `fetch` raises."""
        if not isinstance(envelope, dict):
            raise NoticeForged("The request is no message of SNS.")
        # What is no text, such as the attributes of a message, is neither signed nor read.
        fields = {str(name): value for name, value in envelope.items() if isinstance(value, str)}
        names, algorithm = SIGNED.get(fields.get("Type", "")), _HASHES.get(fields.get("SignatureVersion", ""))
        if fields.get("TopicArn") != self._topic:
            raise NoticeForged("The request is about another topic than OUTREACH_WEBHOOK_SES_TOPIC.")
        if names is None or algorithm is None:
            raise NoticeForged("The request is signed in a way that is not known.")
        require_fresh(_seconds(fields.get("Timestamp", "")), now)
        said = "".join(f"{name}\n{fields[name]}\n" for name in names if name in fields)
        certificate = self._certificate(fields.get("SigningCertURL", ""), now)
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            raise NoticeForged("The certificate is none of SNS.")
        try:
            key.verify(b64decode(fields.get("Signature", ""), validate=True), said.encode(), PKCS1v15(), algorithm)
        except (InvalidSignature, ValueError, binascii.Error) as error:
            raise NoticeForged("The signature is not that of SNS.") from error
        return fields

    def confirmation(self, fields: dict[str, str]) -> str:
        """The address of verified fields that confirms the subscription of our topic; raises NoticeForged."""
        url = fields.get("SubscribeURL", "")
        asked = parse_qs(self._own(url).query)
        if asked.get("Action") != ["ConfirmSubscription"] or asked.get("TopicArn") != [self._topic]:
            raise NoticeForged("The request names an address that does not confirm our topic.")
        return url

    def _certificate(self, url: str, now: datetime) -> x509.Certificate:
        parts = self._own(url)
        if not _CERTIFICATE.fullmatch(parts.path) or parts.query:
            raise NoticeForged("The request names a certificate that is none of SNS.")
        certificate = self._certificates.get(url)
        if certificate is None:
            try:
                certificate = x509.load_pem_x509_certificate(self._fetch(url))
            except ValueError as error:
                raise NoticeForged("The certificate of the signature cannot be read.") from error
            self._certificates[url] = certificate
            if len(self._certificates) > _KEPT:
                self._certificates.popitem(last=False)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise NoticeForged("The certificate of the signature is not valid now.")
        return certificate

    def _own(self, url: str) -> SplitResult:
        """The parts of a URL, which must be of the topic's own host, by https; raises NoticeForged."""
        try:
            parts = urlsplit(url)
            plain = parts.scheme == "https" and parts.netloc in {self._host, f"{self._host}:443"}
        except ValueError:
            plain = False
        if not plain:
            raise NoticeForged("The request names an address that is none of SNS.")
        return parts


def host_of(topic: str) -> str:
    """The host of SNS in the region of a topic (its ARN); raises SettingsError."""
    found = _ARN.match(topic)
    if found is None:
        raise SettingsError(f"{topic!r} is no ARN of an SNS topic.")
    return f"sns.{found['region']}.amazonaws.com{'.cn' if found['china'] else ''}"


def _seconds(timestamp: str) -> str:
    try:
        return str(datetime.fromisoformat(timestamp).timestamp())
    except ValueError as error:
        raise NoticeForged("The time of the signature cannot be read.") from error
