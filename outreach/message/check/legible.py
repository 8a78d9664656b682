"""Can everybody read the words: large enough, clear from their ground in light and in dark, and buttons to press?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import lxml.html

from outreach.message.check import styles
from outreach.message.check.fault import Fault, shortened, warning
from outreach.message.check.mail import INLINE, Mail, words
from outreach.message.check.styles import Screen, Style

#: What words must stand out from their ground by, and large ones (WCAG 2.2, 1.4.3).
ENOUGH, ENOUGH_IF_LARGE = 4.5, 3.0
#: Pixels: what a text of some length should have, and what nobody can read without a lens.
BODY_SIZE, TINY = 16.0, 12.0
#: A text of so many characters is no small print any more.
RUNNING = 80


def contrast(mail: Mail) -> Iterator[Fault]:
    """The same for everybody's light, everybody's dark, and Outlook's own dark mode."""
    told: set[tuple[str, str]] = set()
    yield from _contrast(mail, mail.light, "", told)
    if styles.knows_dark(mail.document):
        yield from _contrast(mail, styles.computed(mail.document, Screen(dark=True)), " in dark mode", told)
    if styles.knows_outlook(mail.document):
        outlook = styles.computed(mail.document, Screen(outlook=True))
        # What the sheet leaves open, Outlook decides.
        given = {each: style for each, style in outlook.items() if style.outlook_colour and style.outlook_ground}
        yield from _contrast(mail, given, " in Outlook's dark mode", told)


def size(mail: Mail) -> Iterator[Fault]:
    """On a phone, where it matters most."""
    tiny: dict[float, str] = {}
    small: dict[tuple[lxml.html.HtmlElement, float], str] = {}
    for element, piece in mail.written():
        pixels = mail.phone[element].size
        if pixels < TINY and any(letter.isalnum() for letter in piece):
            tiny.setdefault(pixels, piece)
        elif pixels < BODY_SIZE and not _is_small_print(element, mail):
            block = _block(element)
            small[block, pixels] = small.get((block, pixels), "") + piece
    for pixels, piece in tiny.items():
        yield warning("tiny-text", f"{shortened(piece)} is set in {pixels:g} pixels: nobody can read that.")
    for pixels in sorted({pixels for (_, pixels), text in small.items() if len(text) >= RUNNING}):
        text = next(text for (_, each), text in small.items() if each == pixels and len(text) >= RUNNING)
        yield warning(
            "small-text", f"{shortened(text)} is set in {pixels:g} pixels: text to be read should have {BODY_SIZE:g}."
        )


def hidden(mail: Mail) -> Iterator[Fault]:
    """Words that nobody sees, but for the preheader: filters take them for a trick."""
    seen = False
    told: set[lxml.html.HtmlElement] = set()
    for element in mail.document.iter():
        if not isinstance(element.tag, str) or element.tag in {"head", "title", "style", "script"}:
            continue
        text = (element.text or "").strip()
        if not mail.is_hidden(element):
            seen = seen or bool(text)
            continue
        top = next(each for each in (element, *element.iterancestors()) if not _above_is_hidden(each, mail))
        if seen and text and top not in told:
            told.add(top)
            yield warning("hidden-text", f"{shortened(words(top))} is hidden from everybody: take it out, or show it.")


def buttons(mail: Mail) -> Iterator[Fault]:
    """A button is a padded cell with a link in it: Outlook gives a link no padding."""
    for link in mail.document.iter("a"):
        above = link.getparent()
        if above is None or not link.get("href") or mail.is_hidden(link):
            continue
        cell = next(link.iterancestors("td"), None)
        grounded = mail.light[link].ground != mail.light[above].ground
        if grounded and (cell is None or not cell.get("bgcolor")):
            yield warning(
                "button-not-a-cell",
                f"The button {shortened(words(link))} is coloured by its link: Outlook gives it no room around its "
                "words. Colour and pad a table cell around it (<td bgcolor>).",
            )


def _contrast(
    mail: Mail, shown: Mapping[lxml.html.HtmlElement, Style], where: str, told: set[tuple[str, str]]
) -> Iterator[Fault]:
    """Each pair of colours that does not do, once, with the first words that have it."""
    for element, piece in mail.written():
        style = shown.get(element)
        if style is None or style.hidden or not any(letter.isalnum() for letter in piece):
            continue
        wanted = ENOUGH_IF_LARGE if style.large else ENOUGH
        pair = (str(style.colour.over(style.ground)), str(style.ground))
        if style.contrast < wanted and pair not in told:
            told.add(pair)
            yield warning(
                "low-contrast",
                f"{shortened(piece, 40)} is {pair[0]} on {pair[1]}{where}: they differ by {_ratio(style.contrast)}, "
                f"and {wanted:g} is needed to be read.",
            )


def _ratio(contrast: float) -> str:
    return f"{int(contrast * 100) / 100:g}"


def _block(element: lxml.html.HtmlElement) -> lxml.html.HtmlElement:
    return next(each for each in (element, *element.iterancestors()) if each.tag not in INLINE)


def _is_small_print(element: lxml.html.HtmlElement, mail: Mail) -> bool:
    """Whether it belongs to the footer: by its role, or because the link to leave stands in the same cell."""
    for each in (element, *element.iterancestors()):
        if each.get("role") == "contentinfo" or each.tag == "footer":
            return True
        if each.tag in {"td", "div", "p"} and any(link.get("href") == mail.unsubscribe for link in each.iter("a")):
            return each.find(".//h1") is None
    return False


def _above_is_hidden(element: lxml.html.HtmlElement, mail: Mail) -> bool:
    above = element.getparent()
    return above is not None and mail.is_hidden(above)
