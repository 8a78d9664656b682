"""What is in a message that anybody may have sent? Its header and its parts, at a cost that its size alone decides.

The standard library's parser goes as deep as a message asks it to and takes quadratic time for some fields; this reader
opens what comes in from strangers, so size, depth, parts and fields have a limit, and what lies beyond is not there.
The mail that a report encloses (message/rfc822) is not taken apart: it is what the report is about, not what it says.
"""

from __future__ import annotations

import binascii
import html
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr

#: How much of a message is read, in bytes. A report says what it has to say first and encloses the mail last.
LARGEST = 256 * 1024
#: How deep parts may lie in parts.
DEEPEST = 8
#: How many parts are read, all of them together.
MOST_PARTS = 100
#: How many fields of one header are read, and how many bytes of one field.
MOST_FIELDS = 300
LONGEST_FIELD = 4000
#: How much of a part's text is read, in characters.
LONGEST_TEXT = 64 * 1024

_END_OF_HEADER = re.compile(rb"\r?\n[ \t]*\r?\n")
_FIELD = re.compile(rb"([!-9;-~]{1,80})[ \t]*:[ \t]*(.*)", re.DOTALL)
_FOLD = re.compile(rb"\r?\n[ \t]+")
_LINE_END = re.compile(rb"\r?\n(?![ \t])")
_TAG = re.compile(r"<[^<>]*>")
_HIDDEN = re.compile(r"<(style|script|title)\b[^<>]*>[^<]*</\1>", re.IGNORECASE)
_BREAK = re.compile(r"<(?:br|/?p|/?div|/?tr|/?h\d|/?li|/?table)\b[^<>]*>", re.IGNORECASE)
#: What Python takes for a charset and mail does not; some take quadratic time.
_NO_CHARSETS = {"punycode", "idna", "unicode_escape", "unicode-escape", "raw_unicode_escape", "raw-unicode-escape"}
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

#: Types whose body is a mail of its own, or the header of one.
ENCLOSED = (
    *("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"),
    *("message/global", "message/global-headers"),
)


class Header:
    """The fields of a header, in order, under any spelling of their names."""

    __slots__ = ("_fields",)

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._fields = fields

    def __bool__(self) -> bool:
        return bool(self._fields)

    def __contains__(self, name: str) -> bool:
        return any(each == name for each, _ in self._fields)

    def get(self, name: str) -> str:
        """The first field of that name (in lower case), on one line; "" where there is none."""
        return next((value for each, value in self._fields if each == name), "")

    def all(self, name: str) -> list[str]:
        """All fields of that name."""
        return [value for each, value in self._fields if each == name]

    def words(self, name: str) -> str:
        """A field that people read, its encoded words decoded (RFC 2047)."""
        value = self.get(name)
        try:
            return one_line(str(make_header(decode_header(value))))
        except (ValueError, LookupError, MessageError):
            return one_line(value)

    def address(self, name: str) -> str:
        """The address in a field such as From, in lower case; "" where it holds none."""
        return parseaddr(self.get(name))[1].lower()


@dataclass(frozen=True, slots=True)
class Part:
    """A message, or a part of one."""

    header: Header
    #: In lower case, such as `text/plain`.
    type: str
    #: The bytes of a part without parts, decoded from base64 or quoted-printable.
    body: bytes = b""
    parts: tuple[Part, ...] = ()
    #: Of its type.
    charset: str = ""
    report_type: str = ""

    def walk(self) -> Iterator[Part]:
        """This part, then those within it."""
        yield self
        for part in self.parts:
            yield from part.walk()

    def first(self, *types: str) -> Part | None:
        """The first part of one of these types."""
        return next((part for part in self.walk() if part.type in types), None)

    @property
    def letter(self) -> str:
        """What people read of it."""
        part = self.first("text/plain") or self.first("text/html")
        return part.text if part else ""

    @property
    def text(self) -> str:
        """The text of this part alone; of HTML the words, block by block."""
        text = decoded(self.body[:LONGEST_TEXT], self.charset)
        if self.type != "text/html":
            return text
        return html.unescape(_TAG.sub("", _BREAK.sub("\n", _HIDDEN.sub("", text))))


def opened(message: bytes) -> Part:
    """A message taken apart; whatever the bytes are, something comes out, be it empty."""
    return _part(message[:LARGEST].lstrip(b"\r\n"), 0, iter(range(MOST_PARTS)))


def header_of(part: Part | None) -> Header:
    """The header of the mail that a part encloses."""
    return _header(_split(part.body.lstrip(b"\r\n"))[0]) if part else Header([])


def groups(body: bytes) -> list[Header]:
    """Blocks of fields with blank lines between them, as reports have them (RFC 3464, 2.1)."""
    blocks = _END_OF_HEADER.split(body.strip(), maxsplit=MOST_PARTS)
    return [header for block in blocks[:MOST_PARTS] if (header := _header(block.strip()))]


def decoded(data: bytes, charset: str = "") -> str:
    """Text of any charset, also of one that is wrong or that nobody knows; never raises."""
    for name in (charset, "utf-8"):
        if name and name not in _NO_CHARSETS:
            try:
                return data.decode(name)
            except (LookupError, ValueError):
                continue
    return data.decode("latin-1")


def one_line(text: str, longest: int = 500) -> str:
    """Text without line ends and other controls, cut to a length."""
    line = " ".join(_CONTROLS.sub(" ", text[: 4 * longest]).split())[:longest]
    return line.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair is no text that can be stored


def _part(data: bytes, depth: int, room: Iterator[int]) -> Part:
    head, body = _split(data)
    header = _header(head)
    kind = Message()
    kind["Content-Type"] = one_line(header.get("content-type"), 1000)
    boundary = kind.get_boundary()
    if kind.get_content_maintype() == "multipart" and boundary and depth < DEEPEST:
        inner = tuple(_part(each, depth + 1, room) for each, _ in zip(_between(body, boundary), room, strict=False))
        return Part(header, kind.get_content_type(), parts=inner, report_type=_parameter(kind, "report-type"))
    body = _unencoded(body, header.get("content-transfer-encoding"))
    return Part(header, kind.get_content_type(), body, (), _parameter(kind, "charset"), _parameter(kind, "report-type"))


def _split(data: bytes) -> tuple[bytes, bytes]:
    if data[:1] == b"\n" or data[:2] == b"\r\n":  # no header at all, as parts may have it
        return b"", data.lstrip(b"\r\n")
    found = _END_OF_HEADER.search(data)
    return (data[: found.start()], data[found.end() :]) if found else (data, b"")


def _header(head: bytes) -> Header:
    fields: list[tuple[str, str]] = []
    for line in _LINE_END.split(head, maxsplit=MOST_FIELDS)[:MOST_FIELDS]:
        if found := _FIELD.match(line[:LONGEST_FIELD]):
            fields.append((found[1].decode("ascii").lower(), decoded(_FOLD.sub(b" ", found[2])).strip()))
    return Header(fields)


def _parameter(kind: Message, name: str) -> str:
    value = kind.get_param(name, "")
    return value.strip().lower() if isinstance(value, str) else ""


def _between(body: bytes, boundary: str) -> list[bytes]:
    """What stands between the lines of a boundary (RFC 2046, 5.1.1), up to its last, or to the end without one."""
    line = re.escape(boundary[:200].encode("utf-8", "replace"))
    cuts = re.compile(rb"(?:\A|\r?\n)--" + line + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    found: list[bytes] = []
    start = None
    for cut in cuts.finditer(body):
        if start is not None:
            found.append(_content(body[start : cut.start()]))
        start = cut.end()
        if cut[1] or len(found) >= MOST_PARTS:
            return found
    if start is not None:
        found.append(_content(body[start:]))
    return found


def _content(part: bytes) -> bytes:
    """Without the line end that belongs to the boundary's line before it."""
    return part[2:] if part[:2] == b"\r\n" else part[1:]


def _unencoded(body: bytes, encoding: str) -> bytes:
    encoding = encoding.strip().lower()
    if encoding == "base64":
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
        return binascii.a2b_base64(letters[: len(letters) // 4 * 4] + _padded(letters[len(letters) // 4 * 4 :]))
    return quopri.decodestring(body) if encoding == "quoted-printable" else body


def _padded(rest: bytes) -> bytes:
    return rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""
