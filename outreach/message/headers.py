"""What do the header fields of a message say, and how are they written so that every server reads the same?

They are written here and not by `email.message`: that loses a space in some long subjects, encodes a long
List-Unsubscribe so that nobody finds its URL, and writes an international domain as an encoded-word.
Every function returns a whole field: name, folded value, CRLF.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime

from outreach.address import Mailbox
from outreach.errors import CompileError
from outreach.message.recipient import one_line

#: Lines that hold encoded-words have at most 76 characters (RFC 2047, 2).
LONGEST = 76

_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\\\"@\x00-\x1f\x7f-\x9f]+@[A-Za-z0-9.-]+")
_ONE_TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class Identity:
    """Who sends, and about what: an option beats the article's front matter, which beats the setting."""

    sender: Mailbox
    reply_to: Mailbox | None
    #: Jinja source, like the article's.
    subject: str
    #: For the footer; may be empty.
    postal_address: str
    list_name: str
    list_title: str
    #: The start of every link of ours, without a slash at its end.
    public_url: str


def mailbox(field: str, name: str, address: str) -> str:
    """A field that holds one mailbox: From, To, Reply-To (RFC 5322, 3.4).

    A name that is not plain ASCII, or long, becomes encoded-words; an address with a local part beyond ASCII is
    written as it is (RFC 6532), which needs a relay that speaks SMTPUTF8. Raises CompileError for an address that
    would break the field.
    """
    if not _ADDRESS.fullmatch(address):
        raise CompileError(f"{address!r} cannot stand in {field}: it is no address")
    name = one_line(name).strip()
    if not name:
        return f"{field}: {address}\r\n"
    return _beside(field, phrase(name, len(field) + 2), f"<{address}>")


def phrase(text: str, column: int) -> str:
    """A display name that begins at a column: as it is, quoted, or in encoded-words (folded)."""
    if len(text) <= LONGEST - column - 2 and text.isascii() and "=?" not in text and "  " not in text:
        if _PHRASE.fullmatch(text):
            return text
        quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        if len(quoted) <= LONGEST - column:
            return quoted
    return _encoded_words(text, LONGEST - column)


def subject(text: str) -> str:
    """Subject, of any length; a line break or another control character in it becomes a space."""
    text = one_line(text)
    plain = text.isascii() and "=?" not in text and text == text.strip() and len(text) + 9 <= LONGEST
    return f"Subject: {text if plain else _unstructured('Subject', text)}\r\n"


def date(moment: datetime) -> str:
    """Date, in UTC where the moment is; raises ValueError for a moment without zone."""
    if moment.tzinfo is None:
        raise ValueError("the Date of a message needs a zone")
    return f"Date: {format_datetime(moment)}\r\n"


def message_id(value: str, handles: Sequence[str] = ()) -> str:
    """Message-ID; `value` is given without its angle brackets.

    `handles` are further fields that say the same ("{}" in them) to providers which send under a Message-ID of their
    own and hand back what such a field says, of which 80 characters are sure to come through.
    """
    own = f"Message-ID: <{_token('Message-ID', value)}>\r\n"
    return own + "".join(f"{handle.format(value[:80])}\r\n" for handle in handles) if handles else own


def list_id(title: str, name: str, domain: str) -> str:
    """List-ID: the list's title for people, and a name under our domain for machines (RFC 2919)."""
    title = require_one_line("the title of the list", title).strip()
    number = f"<{_token('List-ID', name)}.{domain}>"
    if not title:
        return f"List-ID: {number}\r\n"
    return _beside("List-ID", phrase(title, 9), number)


def list_unsubscribe(url: str, address: str = "") -> str:
    """List-Unsubscribe (RFC 2369), never encoded or folded: receivers look for it as it is (RFC 8058).

    The URL comes first; an address that takes mail to leave may follow.
    """
    by_mail = f", <mailto:{_token('List-Unsubscribe', address)}>" if address else ""
    return f"List-Unsubscribe: <{_token('List-Unsubscribe', url)}>{by_mail}\r\n"


#: What makes a POST to that URL enough, without another question (RFC 8058, 3.1).
ONE_CLICK = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"


def feedback_id(value: str | None) -> str:
    """Feedback-ID, by which Gmail tells complaint rates; nothing where there is none."""
    return "" if value is None else f"Feedback-ID: {_token('Feedback-ID', value)}\r\n"


def require_one_line(what: str, text: str) -> str:
    """The text, which must hold no line break (it would begin a new field); raises CompileError naming what has one."""
    if any(character in text for character in "\r\n\0"):
        raise CompileError(f"{what} holds a line break: {text!r}")
    return text


_FOLD = "\r\n "


def _beside(field: str, written: str, end: str) -> str:
    """A field that ends in something in angle brackets, which goes to a line of its own where there is no room."""
    start = f"{field}: {written}"
    room = LONGEST - (len(start) - start.rfind("\n") - 1)
    return f"{start}{' ' if len(end) < room else _FOLD}{end}\r\n"


def _token(field: str, value: str) -> str:
    if not _ONE_TOKEN.fullmatch(value) or "<" in value or ">" in value:
        raise CompileError(f"{field} cannot hold {value!r}")
    return value


def _unstructured(field: str, text: str) -> str:
    return Header(text, "utf-8", header_name=field, maxlinelen=LONGEST).encode(linesep="\r\n")


def _encoded_words(text: str, room: int) -> str:
    """RFC 2047, 4.1: base64, no character torn apart; the first word fits into `room`."""
    limit = _octets(room)
    if len(whole := text.encode()) <= limit:
        return _word(whole)
    words: list[str] = []
    chunk = b""
    for character in text:
        octets = character.encode()
        if len(chunk) + len(octets) > limit:
            words.append(_word(chunk))
            chunk, limit = b"", _octets(LONGEST - 1)
        chunk += octets
    return _FOLD.join([*words, _word(chunk)])


def _octets(room: int) -> int:
    return (min(room, 75) - len("=?utf-8?b??=")) // 4 * 3


def _word(octets: bytes) -> str:
    return f"=?utf-8?b?{b64encode(octets).decode()}?="
