"""What of a mail's HTML and CSS do the programs lack that people read mail with?  Told once a feature, with who.

Looked at is what holds for everybody: attributes, style attributes, and rules of `<style>` outside of `@media` and
`@supports`. What stands inside those, or under a state such as `:hover`, is an improvement for those who have it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import lxml.html

from outreach.message.check import sheet, styles
from outreach.message.check.fault import Fault, warning
from outreach.message.check.mail import Mail
from outreach.message.check.sheet import Declaration
from outreach.message.check.support import CLIENTS, LACKING

#: Values that leave an element as it would be anyway.
_NOTHING = {"static", "none", "normal", "auto", "initial", "visible", "unset", "0", "0px", "inherit", "fill"}


@dataclass(frozen=True)
class Loss:
    """How a feature is recognised, and what a reader meets who lacks it."""

    #: Property or properties; the longhands of one that ends in a hyphen count too.
    names: str
    loss: str
    #: What the value must hold, besides being one that does something.
    value: str = ""


_DECLARED = {
    "position": Loss("position", "what it places elsewhere stays in its line"),
    "float": Loss("float", "what should stand beside stands below"),
    "display: flex": Loss("display", "what should stand in a row stands one below the other", r"\b(?:inline-)?flex\b"),
    "display: grid": Loss("display", "what should stand in a grid stands one below the other", r"\b(?:inline-)?grid\b"),
    "column-count": Loss("column-count columns", "the columns are one"),
    "transform": Loss("transform rotate scale translate", "it stays as it was"),
    "object-fit": Loss("object-fit", "the picture is squeezed"),
    "margin-inline": Loss("margin-inline margin-block", "the room is missing"),
    "margin-inline-start": Loss("margin-inline-start margin-inline-end", "the room is missing"),
    "margin-block-start": Loss("margin-block-start margin-block-end", "the room is missing"),
    "padding-inline": Loss("padding-inline padding-block", "the room is missing"),
    "padding-inline-start": Loss("padding-inline-start padding-inline-end", "the room is missing"),
    "padding-block-start": Loss("padding-block-start padding-block-end", "the room is missing"),
    "inset": Loss("inset inset-inline inset-block", "it stays in its line"),
    "inline-size": Loss("inline-size", "the width is another"),
    "block-size": Loss("block-size", "the height is another"),
    "visibility": Loss("visibility", "what should be hidden shows", r"hidden|collapse"),
    "writing-mode": Loss("writing-mode", "the words run level"),
    "list-style-image": Loss("list-style-image", "the marks of the list are plain"),
    "clip-path": Loss("clip-path", "it shows whole"),
    "filter": Loss("filter", "the picture shows as it is"),
    "mix-blend-mode": Loss("mix-blend-mode", "it covers what is below"),
    "border-image": Loss("border-image border-image-source", "the border is plain or missing"),
    "var()": Loss("*", "the whole declaration is dropped", r"\bvar\("),
    "calc()": Loss("*", "the whole declaration is dropped", r"\bcalc\("),
    "clamp()": Loss("*", "the whole declaration is dropped", r"\bclamp\("),
    "min()": Loss("*", "the whole declaration is dropped", r"(?<!-)\bmin\("),
    "max()": Loss("*", "the whole declaration is dropped", r"(?<!-)\bmax\("),
    "light-dark()": Loss("*", "the whole declaration is dropped", r"\blight-dark\("),
    "rgba()": Loss("color background background-color border-", "the colour is dropped", r"\brgba\(|\bhsla\("),
    "modern colour": Loss("*", "the colour is dropped", r"\b(?:lab|lch|oklab|oklch|color|color-mix|hwb)\("),
    "linear-gradient()": Loss("background background-image", "the ground is plain", r"linear-gradient\("),
    "radial-gradient()": Loss("background background-image", "the ground is plain", r"radial-gradient\("),
    "conic-gradient()": Loss("background background-image", "the ground is plain", r"conic-gradient\("),
    "rem": Loss("*", "the size is another", r"\drem\b"),
    "ch": Loss("*", "the size is another", r"\dch\b"),
    "vw": Loss("*", "the size is another", r"\dvw\b"),
    "vh": Loss("*", "the size is another", r"\dvh\b"),
    "vmin": Loss("*", "the size is another", r"\dvmin\b"),
    "vmax": Loss("*", "the size is another", r"\dvmax\b"),
}
_ELEMENTS = {
    "<input>": ("input", "it cannot be filled in"),
    "<select>": ("select", "nothing can be chosen"),
    "<textarea>": ("textarea", "it cannot be filled in"),
    "<button>": ("button", "pressing it does nothing: use a link"),
    "<dialog>": ("dialog", "it shows, or not at all"),
    "<marquee>": ("marquee", "the words stand still"),
    "<meter>": ("meter", "it is missing"),
    "<progress>": ("progress", "it is missing"),
}
_PICTURES = {
    ".svg": (r"\.svgz?(?:$|[?#])|^data:image/svg", "the picture is missing: use PNG"),
    ".webp": (r"\.webp(?:$|[?#])", "the picture is missing: use PNG or JPEG"),
    ".avif": (r"\.avif(?:$|[?#])", "the picture is missing: use PNG or JPEG"),
    ".heif": (r"\.hei[cf](?:$|[?#])", "the picture is missing: use JPEG"),
    ".tiff": (r"\.tiff?(?:$|[?#])", "the picture is missing: use PNG or JPEG"),
    ".mp4": (r"\.(?:mp4|m4v|mov)(?:$|[?#])", "the picture is missing: use GIF or a still"),
    "data:": (r"^data:", "the picture is missing: serve it under /media/"),
}


def support(mail: Mail) -> Iterator[Fault]:
    """Each feature that some of the main clients lack, and whose lack a reader would notice."""
    found: dict[str, str] = {}
    for declared in _declarations(mail.document):
        _note(found, declared)
    for feature, (tag, loss) in _ELEMENTS.items():
        if next(mail.document.iter(tag), None) is not None:
            found[feature] = loss
    for picture in mail.document.iter("img"):
        source = str(picture.get("src") or "")
        found |= {
            feature: loss for feature, (there, loss) in _PICTURES.items() if re.search(there, source, re.IGNORECASE)
        }
    if mail.document.xpath("//*[@hidden]"):
        found["hidden"] = "what should be hidden shows"
    found |= dict(_of_sheets(mail.document))
    for feature, loss in found.items():
        yield warning(
            "client-support", f"{feature} is unknown to {_listed(LACKING[feature].split())}; without it {loss}."
        )


def _note(found: dict[str, str], declared: dict[str, Declaration]) -> None:
    """The features that the declarations of one element or rule use."""
    for feature, loss in _DECLARED.items():
        if feature not in found and any(_uses(each, loss, declared) for each in declared.values()):
            found[feature] = loss.loss
    picture = declared.get("background-image") or declared.get("background")
    if picture and "url(" in picture.value.lower() and not _has_ground(declared):
        found.setdefault("background-image", "the ground is missing: give a background-color too")


def _uses(each: Declaration, loss: Loss, around: dict[str, Declaration]) -> bool:
    names = loss.names.split()
    named = "*" in names or each.name in names or any(n.endswith("-") and each.name.startswith(n) for n in names)
    value = re.sub(r"url\([^)]*\)|\"[^\"]*\"|'[^']*'", "", each.value.lower())
    if not named or value in _NOTHING or each.name.startswith(("mso-", "-")):
        return False
    if loss.value and not re.search(loss.value, value):
        return False
    # A ground that is plain where it cannot be a gradient is what a careful layout gives.
    return not ("gradient(" in value and _has_ground(around)) and not (value == "relative" and not _moved(around))


def _has_ground(declared: dict[str, Declaration]) -> bool:
    return "background-color" in declared


def _moved(declared: dict[str, Declaration]) -> bool:
    return any(name in declared for name in ("top", "left", "right", "bottom", "inset"))


def _declarations(document: lxml.html.HtmlElement) -> Iterator[dict[str, Declaration]]:
    """Declarations that hold for everybody, together as they stand; those of hidden elements too."""
    for element in document.iter():
        written = element.get("style") if isinstance(element.tag, str) else None
        if written:
            yield {each.name: each for each in sheet.declarations(written)}
    for rule in styles.sheets(document):
        if not rule.conditions and not rule.prelude.startswith("@") and ":" not in rule.prelude:
            yield {each.name: each for each in rule.declarations}


def _of_sheets(document: lxml.html.HtmlElement) -> Iterator[tuple[str, str]]:
    for rule in styles.sheets(document):
        if rule.prelude.lower().startswith("@import"):
            yield "@import", "the sheet is missing"
        for mark in ("::before", "::after"):
            says = [
                each for each in rule.declarations if each.name == "content" and re.search(r"[\"'].*\w", each.value)
            ]
            if not rule.conditions and says and re.search(rf"::?{mark[2:]}\b", rule.prelude):
                yield mark, "what it says is missing"


def _listed(clients: list[str]) -> str:
    """Clients as a person lists them; many of them shortened."""
    names = [CLIENTS[client] for client in clients]
    if len(names) > 4:
        return f"{', '.join(names[:4])} and {len(names) - 4} more of the main {len(CLIENTS)}"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
