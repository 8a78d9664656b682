"""What is a campaign once the work that is the same for everybody is done? Bytes, with slots between them."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from outreach.errors import CompileError
from outreach.message.links import TrackedLink
from outreach.message.scene import Scene
from outreach.message.slots import Click, Context, Own, Slot, Value, What, Worked

#: The version of `Compiled.to_bytes`: others refuse what they do not know.
FORMAT = 1
_MAGIC = b"outreach compiled\n"
_HEAD = struct.Struct(">HI")


class Field(StrEnum):
    """Header fields that every delivery has of its own."""

    TO = "To"
    MESSAGE_ID = "Message-ID"
    LIST_UNSUBSCRIBE = "List-Unsubscribe"
    FEEDBACK_ID = "Feedback-ID"


class Part(StrEnum):
    """Parts that are rendered for each recipient, because a template looks into values."""

    SUBJECT = "subject"
    HTML = "html"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class SubjectLine:
    """A subject that prints values; it is encoded as a whole."""

    pieces: tuple[str | What, ...]


Piece = bytes | Slot | Field | SubjectLine | Part


@dataclass(frozen=True)
class Compiled:
    """A compiled campaign; `splice.message` makes a recipient's message of it."""

    #: The tracked links, by number; empty when links are plain.
    links: tuple[TrackedLink, ...]
    #: Fields that are printed without a fallback: nobody of the list may lack them.
    required: frozenset[str]
    #: About how many bytes a message has at most (every value counted with 200 bytes); for SIZE.
    size_bound: int
    #: The message from its first byte to its last.
    pieces: tuple[Piece, ...]
    #: What parts that are rendered for each recipient are made of; None where there are none.
    scene: Scene | None = None
    #: What splicing has worked out about it; never stored.
    memo: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_dotless(self) -> bool:
        """Whether no line of any message of it can begin with a dot (RFC 5321 4.5.2), so that nobody has to look.

        Values never do (`quoted.value`), nor do header fields; of parts that are rendered for each recipient it is
        not known beforehand.
        """
        static = [piece for piece in self.pieces if isinstance(piece, bytes)]
        return self.scene is None and not any(piece.startswith(b".") or b"\n." in piece for piece in static)

    def to_bytes(self) -> bytes:
        """The whole as bytes, for the database: a JSON document that describes the pieces, then the static bytes."""
        document = {
            "links": [asdict(link) for link in self.links],
            "required": sorted(self.required),
            "size_bound": self.size_bound,
            "pieces": [_described(piece) for piece in self.pieces],
            "scene": self.scene and self.scene.as_dict(),
        }
        head = json.dumps(document, separators=(",", ":")).encode()
        static = b"".join(piece for piece in self.pieces if isinstance(piece, bytes))
        return _MAGIC + _HEAD.pack(FORMAT, len(head)) + head + static

    @classmethod
    def from_bytes(cls, data: bytes) -> Compiled:
        """Back from `to_bytes`; raises CompileError for what another version wrote."""
        start = len(_MAGIC) + _HEAD.size
        if not data.startswith(_MAGIC) or len(data) < start:
            raise CompileError("what is stored is no compiled campaign")
        version, size = _HEAD.unpack_from(data, len(_MAGIC))
        if version != FORMAT:
            raise CompileError(
                f"the campaign was compiled by another version of outreach (format {version}, not {FORMAT})",
                hint="Run the version that launched it, or launch a new campaign.",
            )
        document = json.loads(data[start : start + size])
        return cls(
            links=tuple(TrackedLink(**link) for link in document["links"]),
            required=frozenset(document["required"]),
            size_bound=document["size_bound"],
            pieces=tuple(_pieces(document["pieces"], data[start + size :])),
            scene=document["scene"] and Scene.from_dict(document["scene"]),
        )


def merged(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """The same pieces, with neighbouring static bytes in one."""
    done: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, bytes) and done and isinstance(done[-1], bytes):
            done[-1] += piece
        elif piece != b"":
            done.append(piece)
    return tuple(done)


def _described(piece: Piece) -> Any:
    match piece:
        case bytes():
            return len(piece)
        case Slot():
            return {"what": _what(piece.what), "in": piece.context.value}
        case SubjectLine():
            return {"line": [part if isinstance(part, str) else _what(part) for part in piece.pieces]}
        case Field():
            return {"field": piece.value}
    return {"part": piece.value}


def _pieces(described: list[Any], static: bytes) -> list[Piece]:
    pieces: list[Piece] = []
    start = 0
    for item in described:
        if isinstance(item, int):
            pieces.append(static[start : start + item])
            start += item
        else:
            pieces.append(_piece(item))
    return pieces


def _piece(item: dict[str, Any]) -> Piece:
    if "what" in item:
        return Slot(_thing(item["what"]), Context(item["in"]))
    if "line" in item:
        return SubjectLine(tuple(part if isinstance(part, str) else _thing(part) for part in item["line"]))
    return Field(item["field"]) if "field" in item else Part(item["part"])


def _what(what: What) -> dict[str, Any]:
    match what:
        case Value():
            return {"fields": list(what.fields), "fallback": what.fallback}
        case Own():
            return {"own": what.value}
        case Click():
            return {"click": what.number}
    return {"worked": what.index}


def _thing(item: dict[str, Any]) -> What:
    if "fields" in item:
        return Value(tuple(item["fields"]), item["fallback"])
    if "own" in item:
        return Own(item["own"])
    return Click(item["click"]) if "click" in item else Worked(item["worked"])
