"""What do templates see?  The article, the links, who sends: all but the recipient, as values that can be stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from outreach.errors import CompileError
from outreach.language import SOURCE, Language, direction, spoken
from outreach.message import article as articles
from outreach.message.article import Article
from outreach.message.environment import Subscriber, View
from outreach.message.headers import Identity, require_one_line
from outreach.message.links import dead_role
from outreach.message.opaque import Opaque, Reading
from outreach.message.slots import Marks, Own
from outreach.message.template import Layout, Templates

#: The templates that come from the article; a layout's files cannot be called like this.
SUBJECT, PREHEADER, BODY = "article:subject", "article:preheader", "article:body"
HTML, TEXT, SHEET = "layout.html", "layout.txt", "layout.css"


@dataclass(frozen=True)
class Scene:
    """Everything that a campaign's templates are rendered from; plain values, so that senders can do it too."""

    #: Template name -> source.
    sources: Mapping[str, str]
    #: What the article says apart from its templates: title, language, direction and further front matter.
    article: Mapping[str, str]
    #: Link role -> URL.
    roles: Mapping[str, str]
    publisher: Mapping[str, str]
    mailing_list: Mapping[str, str]
    postal_address: str
    public_url: str
    #: Pictures that travel inside the mail.
    images: tuple[str, ...] = ()
    #: Whether links are counted.
    tracked: bool = True
    #: The language of what the layout says of itself, and its words; as they were at launch.
    spoken: str = SOURCE
    words: Mapping[str, str] = field(default_factory=dict)
    #: The word that marks begin with.
    token: str = field(default="")

    @classmethod
    def of(
        cls,
        article: Article,
        layout: Layout,
        identity: Identity,
        *,
        tracked: bool,
        images: Mapping[str, bytes],
        language: Language,
    ) -> Scene:
        """The scene for a campaign; raises ArticleError, or CompileError for a line break in what becomes a header."""
        if HTML not in layout.sources:
            raise CompileError(f"the layout {layout.name!r} has no {HTML}")
        subject = require_one_line("the subject", identity.subject)
        sources = {SUBJECT: subject, PREHEADER: article.preheader, BODY: articles.render_html(article)}
        scene = cls(
            sources={**layout.sources, **sources},
            article={
                "title": article.title,
                "language": article.language,
                "direction": article.direction,
                **article.extra,
            },
            roles=dict(article.links),
            publisher={"name": identity.sender.name, "address": str(identity.sender.address)},
            mailing_list={"name": identity.list_name, "title": identity.list_title},
            postal_address=identity.postal_address,
            public_url=identity.public_url,
            images=tuple(images),
            tracked=tracked,
            spoken=language.tag,
            words=dict(language.words),
        )
        return cls(**{**scene.as_dict(), "token": _token(scene)})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Scene:
        """Back from `as_dict`."""
        return cls(**{**values, "images": tuple(values["images"])})

    def as_dict(self) -> dict[str, Any]:
        """The scene as JSON can hold it."""
        return asdict(self)

    @property
    def domain(self) -> str:
        """The domain that the mail is from."""
        return self.publisher["address"].rpartition("@")[2]

    @property
    def css(self) -> str:
        """The layout's style sheet."""
        return self.sources.get(SHEET, "")

    def marks(self) -> Marks:
        """Fresh marks for one rendering."""
        return Marks(self.token)

    def content_id(self, image: str) -> str:
        """The Content-ID, without angle brackets, of an embedded picture (RFC 2392)."""
        return f"{quote(image, safe='.-_')}@{self.domain}"


class Stage:
    """One rendering of a scene by one reading; what the article says is rendered when it is first asked for."""

    def __init__(self, scene: Scene, templates: Templates, reading: Reading) -> None:
        self.scene = scene
        self.reading = reading
        self._templates = templates
        self._rendered: dict[str, str] = {}
        self._scope = self._make_scope()

    def subject(self) -> str:
        """The subject line, with marks."""
        return self._once(SUBJECT)

    def html(self) -> str:
        """The HTML before anything is inlined, with marks."""
        return self._templates.render(HTML, self._scope, self.reading)

    def text(self, *, body: Callable[[], str], links: Mapping[str, str]) -> str:
        """A text part that the layout lays out itself, with the body as text and the roles' URLs."""
        article = View("article", {**self._article(), "body": lambda: self._opaque(body())})
        scope = {**self._scope, "article": article, "links": self._links(links)}
        return self._templates.render(TEXT, scope, self.reading)

    def body(self) -> str:
        """The article's body as HTML, with marks."""
        return self._once(BODY)

    def _once(self, name: str) -> str:
        if name not in self._rendered:
            self._rendered[name] = self._templates.render(name, self._scope, self.reading)
        return self._rendered[name]

    def _make_scope(self) -> dict[str, Any]:
        scene = self.scene
        return {
            "article": View("article", self._article()),
            "links": self._links(scene.roles),
            "publisher": View("publisher", scene.publisher),
            "mailing_list": View("mailing_list", scene.mailing_list),
            "postal_address": scene.postal_address,
            "image": partial(_image, scene),
            "subscriber": Subscriber(),
            "spoken": View("spoken", {"language": scene.spoken, "direction": direction(scene.spoken)}),
            "_": partial(spoken, scene.words),
        }

    def _article(self) -> dict[str, str | Callable[[], Any]]:
        return {
            **self.scene.article,
            "subject": lambda: self._opaque(self._once(SUBJECT)),
            "preheader": lambda: self._opaque(self._once(PREHEADER)),
            "body": lambda: self._opaque(Markup(self._once(BODY))),  # noqa: S704 - it was rendered with escaping
        }

    def _links(self, roles: Mapping[str, str]) -> View:
        own: dict[str, Any] = {name.value: Opaque(self.reading, name) for name in Own}
        return View("links", {**{role: partial(_alive, role, url) for role, url in roles.items()}, **own})

    def _opaque(self, text: str) -> Any:
        return self._templates.opaque(text, self.reading)


def _alive(role: str, url: str) -> str:
    if not url:
        raise dead_role(role)
    return url


def _image(scene: Scene, name: str) -> str:
    if name in scene.images:
        return f"cid:{scene.content_id(name)}"
    return f"{scene.public_url}/media/{quote(name)}"


def _token(scene: Scene) -> str:
    """A word that stands nowhere in the scene: made of all that is in it, so that nobody can put it there."""
    whole = json.dumps(scene.as_dict(), sort_keys=True).encode()
    return "q" + hashlib.sha256(whole).hexdigest()[:11]
