"""In which encoding is this file, and what are its lines? Told from the bytes, since no CSV file says it.

A byte order mark decides; NUL bytes on one side of every pair mean UTF-16; what is valid UTF-8 is UTF-8 (chance does
not make it); the rest is Windows-1252, called Latin-1 as long as nothing tells the two apart.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain

from outreach.errors import ListFileError

#: How many bytes are looked at before anything is decoded.
HEAD = 65_536

#: Byte order marks; the longer ones first, since one begins with the other.
MARKS: tuple[tuple[bytes, str, str], ...] = (
    (b"\xff\xfe\x00\x00", "utf-32", "UTF-32"),
    (b"\x00\x00\xfe\xff", "utf-32", "UTF-32"),
    (b"\xef\xbb\xbf", "utf-8-sig", "UTF-8 with a byte order mark"),
    (b"\xff\xfe", "utf-16", "UTF-16"),
    (b"\xfe\xff", "utf-16", "UTF-16"),
)

#: Files that are no text, by how they begin -> what to do.
FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a workbook or an archive; save the sheet as CSV (UTF-8)"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save the sheet as CSV (UTF-8)"),
    (b"\x1f\x8b", "compressed; unpack it first"),
    (b"%PDF", "a PDF; a CSV file is wanted"),
    (b"SQLite format 3\x00", "a database; a CSV file is wanted"),
)

#: The bytes that are printable in Windows-1252 and control characters in Latin-1.
_WINDOWS_ONLY = bytes(range(0x80, 0xA0))


class Text:
    """The text of a file, decoded as it is read; `encoding` is final once the blocks are used up."""

    def __init__(self, chunks: Iterable[bytes], *, encoding: str | None = None) -> None:
        """Look at the head; raises ListFileError for what is no text and for an encoding that does not exist."""
        source = iter(chunks)
        head = b""
        while len(head) < HEAD and (more := next(source, b"")):
            head += more
        self._chunks = chain([head] if head else [], source)
        for begin, kind in FOREIGN:
            if head.startswith(begin):
                raise ListFileError(f"this is {kind}")
        codec, self.encoding = (_named(encoding), encoding) if encoding else _guessed(head)
        self._decoder = codecs.getincrementaldecoder(codec)()
        self._may_be_latin = codec == "utf-8" and not encoding
        self._line = 1

    def blocks(self) -> Iterator[str]:
        """The text in pieces that end where a line ends (the last one where the file does)."""
        tail = ""
        for chunk in self._chunks:
            text = tail + self._decoded(chunk)
            end = _last_line_end(text)
            tail = text[end:]
            if end:
                yield text[:end]
                self._line += text.count("\n", 0, end)
        tail += self._decoded(b"", final=True)
        if tail:
            yield tail

    def _decoded(self, chunk: bytes, *, final: bool = False) -> str:
        if (
            self.encoding == "Latin-1"
            and not chunk.isascii()
            and len(chunk.translate(None, _WINDOWS_ONLY)) < len(chunk)
        ):
            self.encoding = "Windows-1252"
        pending = self._decoder.getstate()[0]
        try:
            text = self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            if not self._may_be_latin or not error.object[: error.start].isascii():
                raise self._undecodable(error) from None
            return self._as_latin(pending + chunk, final=final)
        self._may_be_latin = self._may_be_latin and text.isascii()
        return text

    def _as_latin(self, chunk: bytes, *, final: bool) -> str:
        """Everything so far was ASCII and this is not UTF-8: the whole file is in the Western one-byte encoding."""
        self._may_be_latin = False
        self.encoding = "Latin-1"
        self._decoder = codecs.getincrementaldecoder("cp1252")()
        return self._decoded(chunk, final=final)

    def _undecodable(self, error: UnicodeDecodeError) -> ListFileError:
        line = self._line + error.object[: error.start].count(b"\n")
        byte = error.object[error.start]
        return ListFileError(
            f"the byte 0x{byte:02x} does not belong to {self.encoding}",
            line=line,
            hint="Save the file as UTF-8, or name its encoding with --encoding (for example cp1251).",
        )


def _named(name: str) -> str:
    try:
        codec = codecs.lookup(name)
    except LookupError:
        raise ListFileError(
            f"there is no encoding named {name!r}", hint="Try utf-8, cp1252, cp1251, gb18030."
        ) from None
    if not codec._is_text_encoding:
        raise ListFileError(f"{name!r} is no encoding of text", hint="Try utf-8, cp1252, cp1251, gb18030.")
    return codec.name


def _guessed(head: bytes) -> tuple[str, str]:
    for mark, codec, said in MARKS:
        if head.startswith(mark):
            return codec, said
    return _sixteen_bits(head) or ("utf-8", "UTF-8")


def _sixteen_bits(head: bytes) -> tuple[str, str] | None:
    """UTF-16 without its mark: in addresses every other byte is NUL, and always on the same side."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > 8 * even and odd * 8 > len(head):
        return "utf-16-le", "UTF-16 (little endian, without a mark)"
    if even > 8 * odd and even * 8 > len(head):
        return "utf-16-be", "UTF-16 (big endian, without a mark)"
    return None


def _last_line_end(text: str) -> int:
    """Behind the last line end; a CR that closes the text may be half of a CR LF and does not count."""
    newline = text.rfind("\n")
    return newline + 1 if newline >= 0 else text.rfind("\r", 0, max(len(text) - 1, 0)) + 1
