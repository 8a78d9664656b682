"""How do article and layout become a campaign that costs microseconds a recipient?  The pipeline, top to bottom."""

from __future__ import annotations

import mimetypes
from base64 import encodebytes
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from outreach.errors import CompileError, TemplateError
from outreach.language import SOURCE, Language
from outreach.message import article as articles
from outreach.message import explore, headers, links, parts, variants
from outreach.message.article import Article
from outreach.message.compiled import Compiled, Field, Part, Piece, SubjectLine, merged
from outreach.message.headers import Identity
from outreach.message.links import Place, Table
from outreach.message.opaque import Noticed
from outreach.message.reading import Blind
from outreach.message.scene import BODY, PREHEADER, SUBJECT, TEXT, Scene, Stage
from outreach.message.slots import Marks, Slot
from outreach.message.template import Layout, Templates

__all__ = ["Compiled", "Identity", "Layout", "campaign"]

#: What a layout speaks where nothing else is said.
ENGLISH = Language(SOURCE)

#: What a value is counted with in `Compiled.size_bound`.
VALUE_SIZE = 200


def campaign(
    article: Article,
    layout: Layout,
    identity: Identity,
    *,
    date: datetime,
    tracked: bool = True,
    images: Mapping[str, bytes] = MappingProxyType({}),
    language: Language = ENGLISH,
) -> Compiled:
    """Compile a campaign.

    `date` becomes the Date header; `tracked` says whether links are counted; `images` (file name -> content) travel
    inside the mail; `language` is what the layout itself speaks. Raises TemplateError or CompileError with the place.
    """
    if article.dead_roles:
        raise links.dead_role(article.dead_roles[0])
    scene = Scene.of(article, layout, identity, tracked=tracked, images=images, language=language)
    try:
        draft = _draft(scene)
    except TemplateError as error:
        raise _placed(error, article, layout) from error
    pieces = merged([*_head(scene, identity, date, draft), *_body(scene, draft, images)])
    return Compiled(
        links=tuple(draft.table.links),
        required=frozenset(draft.required),
        size_bound=_size(pieces, draft.varying),
        pieces=pieces,
        scene=scene if draft.varying else None,
    )


@dataclass
class _Draft:
    """The campaign while it is made; a part that stays None is rendered for each recipient."""

    table: Table
    subject: list[str | Slot] | None = None
    html: tuple[bytes | Slot, ...] | None = None
    text: tuple[bytes | Slot, ...] | None = None
    required: set[str] = field(default_factory=set)
    #: How large the parts are that are rendered for each recipient.
    varying: int = 0


def _draft(scene: Scene) -> _Draft:
    """Render for nobody in particular; what cannot be, is explored."""
    marks = scene.marks()
    blind = Blind(marks)
    stage = Stage(scene, Templates(scene.sources, scene.token), blind)
    draft = _Draft(Table(scene.roles))
    target = links.table_place(draft.table, marks) if scene.tracked else variants.plain
    subject = _unless_noticed(stage.subject)
    draft.subject = None if subject is None else marks.split(subject, html=False)
    html = _unless_noticed(stage.html)
    if html is not None:
        both = parts.lay_out(html, scene.css, marks, target)
        draft.html, draft.text = both.html, both.text
    if TEXT in scene.sources:
        draft.text = _own_text(stage, marks, target)
    draft.required |= blind.required
    if None in (draft.subject, draft.html, draft.text):
        found = explore.campaign(scene, draft.table)
        draft.required |= found.required
        draft.varying = found.size
    return draft


def _own_text(stage: Stage, marks: Marks, target: Place) -> tuple[bytes | Slot, ...] | None:
    text = _unless_noticed(lambda: variants.own_text(stage, marks, target))
    return None if text is None else parts.encoded(marks.split(text, html=False))


def _unless_noticed(render: Callable[[], str]) -> str | None:
    try:
        return render()
    except Noticed:
        return None


def _head(scene: Scene, identity: Identity, date: datetime, draft: _Draft) -> list[Piece]:
    """The header fields that tell who sends what to whom."""
    sender, reply_to = identity.sender, identity.reply_to
    name = headers.require_one_line("the sender's name", sender.name)
    fields: list[str | Piece] = [
        headers.mailbox("From", name, str(sender.address)),
        Field.TO,
        _subject(draft),
        headers.date(date),
        Field.MESSAGE_ID,
        headers.mailbox("Reply-To", reply_to.name, str(reply_to.address)) if reply_to else "",
        headers.list_id(identity.list_title, identity.list_name, scene.domain),
        Field.LIST_UNSUBSCRIBE,
        headers.ONE_CLICK,
        Field.FEEDBACK_ID,
        "MIME-Version: 1.0\r\n",
    ]
    return [item.encode() if type(item) is str else item for item in fields]  # type: ignore[misc]


def _subject(draft: _Draft) -> str | Piece:
    if draft.subject is None:
        return Part.SUBJECT
    if any(isinstance(piece, Slot) for piece in draft.subject):
        return SubjectLine(tuple(piece.what if isinstance(piece, Slot) else piece for piece in draft.subject))
    return headers.subject("".join(str(piece) for piece in draft.subject))


def _body(scene: Scene, draft: _Draft, images: Mapping[str, bytes]) -> list[Piece]:
    """The parts, least faithful first (RFC 2046, 5.1.4), each in quoted-printable."""
    alternative, related = f"=_{scene.token}_alternative", f"=_{scene.token}_related"
    html = [*_part_head("text/html"), *(draft.html or [Part.HTML])]
    if images:
        html = [_multipart("related", related), _between(related), *html]
        html += [piece for name, data in images.items() for piece in (_between(related), _image(scene, name, data))]
        html.append(_end(related))
    return [
        _multipart("alternative", alternative),
        _between(alternative),
        *_part_head("text/plain"),
        *(draft.text or [Part.TEXT]),
        _between(alternative),
        *html,
        _end(alternative),
    ]


def _multipart(kind: str, boundary: str) -> bytes:
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n'.encode()


def _between(boundary: str) -> bytes:
    return f"\r\n--{boundary}\r\n".encode()


def _end(boundary: str) -> bytes:
    return f"\r\n--{boundary}--\r\n".encode()


def _part_head(kind: str) -> list[Piece]:
    head = f"Content-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    return [head.encode()]


def _image(scene: Scene, name: str, data: bytes) -> bytes:
    kind = mimetypes.guess_type(name)[0] or ""
    if not kind.startswith("image/"):
        raise CompileError(f"{name!r} is no picture that a mail can hold", hint="Use PNG, JPEG or GIF.")
    head = (
        f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-ID: <{scene.content_id(name)}>\r\nContent-Disposition: inline\r\n\r\n"
    )
    return head.encode() + encodebytes(data).replace(b"\n", b"\r\n")


def _size(pieces: tuple[Piece, ...], varying: int) -> int:
    return varying + sum(len(piece) if isinstance(piece, bytes) else VALUE_SIZE for piece in pieces)


def _placed(error: TemplateError, article: Article, layout: Layout) -> TemplateError:
    """The error with the file that a person wrote, and the line there."""
    where = error.file
    if where is None:
        return error
    message = error.message.removeprefix(f"{where}, line {error.line}: ").removeprefix(f"{where}: ")
    file, line = f"{layout.name}/{where}", error.line
    if where in {SUBJECT, PREHEADER, BODY}:
        file = article.file or f"{article.name}.md"
        line = articles.line_at(article, line) if where == BODY and line else None
    if where in {SUBJECT, PREHEADER}:
        message = f"in the {where.partition(':')[2]}: {message}"
    return type(error)(message, file=file, line=line, hint=error.hint)
