"""How does a style sheet reach a mail client that reads only style attributes?  premailer, kept off the network.

What no attribute can say (media queries, dark mode, ``[data-ogsc]``, ``:hover``) stays word for word in one ``<style>``
in the head; everything else goes into ``style`` attributes and is not written twice. An inlined declaration beats the
sheet, so declarations that stay must say ``!important`` themselves.

The document is written by a serialiser of our own: lxml's percent-encodes URLs, and a link must arrive as it was given.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

import lxml.html
from lxml import etree
from lxml.cssselect import CSSSelector, SelectorError

from outreach.errors import TemplateError

#: Selectors that only a client can judge: states of an element, and the marks that Outlook sets in dark mode.
CLIENT_ONLY = re.compile(r"\[data-ogs[cb]\]|:(?!(?:first|last)-child\b)", re.IGNORECASE)

VOID = frozenset(("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"))
RAW_TEXT = frozenset(("style", "script"))

# a comment, a string, or one of the three characters that give a sheet its structure
_TOKEN = re.compile(r"/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|[{};]", re.DOTALL)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_DECLARATION = re.compile(r"\s*[-\w*]+\s*:\s*\S.*", re.DOTALL)


@dataclass(frozen=True)
class Rule:
    """One top-level rule of a style sheet, as it is written."""

    prelude: str
    #: What stands between the braces; empty for a statement such as ``@import``.
    block: str
    text: str
    line: int

    def parted(self) -> tuple[str, str]:
        """The rule for the selectors that can be inlined, and for those that only the client can judge."""
        if self.prelude.startswith("@"):
            return "", self.text
        whole = "(" in self.prelude  # a comma may stand inside :is() or :not()
        selectors = [self.prelude] if whole else [part.strip() for part in self.prelude.split(",")]
        stay = [selector for selector in selectors if CLIENT_ONLY.search(selector)]
        if len(stay) == len(selectors):
            return "", self.text
        go = ", ".join(selector for selector in selectors if selector not in stay)
        return f"{go} {{{self.block}}}", f"{', '.join(stay)} {{{self.block}}}" if stay else ""


def inline(html: str, css: str) -> str:
    """``html`` with ``css``, and the ``<style>`` elements that it holds, moved into style attributes.

    Comments (Outlook's conditional ones too), the doctype, ``&nbsp;`` and every URL stay as they are. Class names that
    nothing refers to any more are dropped. Raises TemplateError when the sheet is broken, with its line.
    """
    root = lxml.html.document_fromstring(html)
    rules = _rules(css)
    for style in list(root.iter("style")):
        rules += _rules(style.text or "", file="<style>")
        assert isinstance(style, lxml.html.HtmlElement)
        style.drop_tree()
    parted = [rule.parted() for rule in rules]
    kept = "\n".join(stays for _, stays in parted if stays)
    _apply(root, "\n".join(goes for goes, _ in parted if goes))
    if kept:
        _keep(root, kept)
    _drop_unused_classes(root, kept)
    return write(root, like=html)


def write(root: etree._Element, *, like: str) -> str:
    """A document as text again, every URL exactly as its attribute has it; the doctype is that of ``like``."""
    return _doctype(like, root) + "".join(_document(root)) + "\n"


def _apply(root: etree._Element, css: str) -> None:
    # Here, since it takes 0.15 s with what it brings, and most commands inline nothing.
    from premailer import Premailer  # noqa: PLC0415

    worker = Premailer(
        root,
        css_text=css,
        allow_network=False,
        disable_validation=True,  # mso-* and friends are no mistakes
        disable_basic_attributes=["align", "valign", "bgcolor", "width", "height"],  # a layout writes its own
        align_floating_images=False,
        cssutils_logging_level=logging.CRITICAL,  # what is wrong with the sheet was told already
    )
    worker.transform()


def _keep(root: etree._Element, css: str) -> None:
    head = root.find("head")
    if head is None:
        head = etree.Element("head")
        root.insert(0, head)
    style = etree.SubElement(head, "style")
    style.text = f"\n{css}\n"
    style.tail = "\n"


def _drop_unused_classes(root: etree._Element, kept: str) -> None:
    """Drop what only the inlined rules used; classes of kept rules and of Outlook's comments stay."""
    used = set(re.findall(r"\.([A-Za-z_][\w-]*)", kept))
    for comment in root.iter(etree.Comment):
        used |= set(re.findall(r"\.([A-Za-z_][\w-]*)", comment.text or ""))
    for element in root.iter(etree.Element):
        names = element.get("class")
        if names is None:
            continue
        left = [name for name in names.split() if name in used]
        if left:
            element.set("class", " ".join(left))
        else:
            del element.attrib["class"]


def _rules(css: str, *, file: str = "layout.css") -> list[Rule]:
    """The top-level rules of a sheet; raises TemplateError where its braces or declarations do not fit."""
    rules: list[Rule] = []
    depth = start = opened = 0
    for token in _TOKEN.finditer(css):
        mark = token.group()
        if mark == "{":
            depth += 1
            opened = token.start() if depth == 1 else opened
        elif mark == "}":
            depth -= 1
            if depth < 0:
                raise TemplateError("a } without its {.", file=file, line=_line(css, token.start()))
        if (mark == "}" and depth == 0) or (mark == ";" and depth == 0):
            rules.append(_rule(css, start, opened if mark == "}" else token.start(), token.end(), file))
            start = token.end()
    if depth:
        raise TemplateError("a { without its }.", file=file, line=_line(css, opened))
    if rest := _COMMENT.sub("", css[start:]).strip():
        raise TemplateError(f"{rest.splitlines()[0]!r} is no rule.", file=file, line=_line(css, css.index(rest, start)))
    return [rule for rule in rules if rule.prelude]


def _rule(css: str, start: int, opened: int, end: int, file: str) -> Rule:
    bare = _COMMENT.sub(lambda found: " " * len(found.group()), css[start:end])
    written = bare.strip()
    line = _line(css, start + bare.index(written) if written else start)
    prelude, block = bare[: opened - start].strip(), bare[opened - start + 1 : -1]
    rule = Rule(prelude=prelude, block=block, text=_COMMENT.sub("", css[start:end]).strip(), line=line)
    if css[end - 1] == "}" and not prelude:
        raise TemplateError("a rule without a selector.", file=file, line=line)
    if prelude.lower().startswith(("@import", "@charset")):
        raise TemplateError(
            f"{prelude.split()[0]} loads a sheet from elsewhere; write the rules here.", file=file, line=line
        )
    if not prelude.startswith("@"):
        _check_selectors(rule, file)
        _check_declarations(rule, file, line + bare[bare.index(written) : opened - start].count("\n"))
    return rule


def _check_selectors(rule: Rule, file: str) -> None:
    for selector in rule.prelude.split(",") if "(" not in rule.prelude else [rule.prelude]:
        try:
            if not CLIENT_ONLY.search(selector):
                CSSSelector(selector.strip())
        except SelectorError as error:
            raise TemplateError(f"{selector.strip()!r} is no selector.", file=file, line=rule.line) from error


def _check_declarations(rule: Rule, file: str, line: int) -> None:
    for declaration in _pieces(rule.block):
        wrong = declaration.strip()
        if wrong and not _DECLARATION.fullmatch(declaration):
            at = line + rule.block[: rule.block.index(wrong)].count("\n")
            raise TemplateError(f"{rule.prelude!r} holds {wrong!r}, which is no declaration.", file=file, line=at)


def _pieces(block: str) -> Iterator[str]:
    """The declarations of a block; a semicolon inside a string does not end one."""
    start = 0
    for token in _TOKEN.finditer(block):
        if token.group() == ";":
            yield block[start : token.start()]
            start = token.end()
    yield block[start:]


def _line(css: str, offset: int) -> int:
    return css.count("\n", 0, offset) + 1


def _doctype(html: str, root: etree._Element) -> str:
    """The doctype as it was; where there was none, lxml makes one up that puts browsers into their quirks mode."""
    if "<!doctype" not in html[:1000].lower():
        return "<!DOCTYPE html>\n"
    return f"{root.getroottree().docinfo.doctype}\n"  # type: ignore[attr-defined]


def _document(root: etree._Element) -> Iterator[str]:
    for before in reversed(list(root.itersiblings(preceding=True))):
        yield f"<!--{before.text or ''}-->\n"
    yield from _element(root)


def _element(element: etree._Element) -> Iterator[str]:
    if isinstance(element, etree._Comment):
        yield f"<!--{element.text or ''}-->{_text(element.tail)}"
        return
    if isinstance(element, etree._ProcessingInstruction):  # a processing instruction: no client wants one
        yield _text(element.tail)
        return
    yield f"<{element.tag}{''.join(_attributes(element))}>"
    if element.tag not in VOID:
        yield (element.text or "") if element.tag in RAW_TEXT else _text(element.text)
        for child in element:
            yield from _element(child)
        yield f"</{element.tag}>"
    yield _text(element.tail)


def _attributes(element: etree._Element) -> Iterator[str]:
    for name, value in element.items():
        yield f' {name!s}="{_text(str(value)).replace(chr(34), "&quot;")}"'


def _text(text: str | None) -> str:
    return escape(text or "", quote=False).replace("\N{NO-BREAK SPACE}", "&nbsp;")
