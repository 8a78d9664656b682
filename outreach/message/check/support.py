"""Which programs that mail is read with lack what?  Facts for `clients`, which knows how features are recognised.

Source: Can I email (caniemail.com, MIT licence), its data as of 2025-09-09. Condensed by hand into this form: of each
feature that a mail may use, and whose lack a reader would notice, the latest test of each client that many people
have; a client stands here where that test says "no" (for an app: on iOS or Android), and not where it says "partly".
Decoration that simply falls away (round corners, shadows, animation, opacity, hyphens) is left out on purpose, and so
are features that all of them have.
"""

from __future__ import annotations

#: How a client is called in a sentence.
CLIENTS = {
    "gmail-web": "Gmail on the web",
    "gmail-apps": "the Gmail apps",
    "gmail-phone-web": "Gmail in a phone's browser",
    "outlook-windows": "Outlook for Windows",
    "outlook-mac": "Outlook for Mac",
    "outlook-web": "Outlook on the web",
    "outlook-apps": "the Outlook apps",
    "apple-mac": "Apple Mail on a Mac",
    "apple-ios": "Apple Mail on an iPhone",
    "yahoo-web": "Yahoo on the web",
    "yahoo-apps": "the Yahoo apps",
    "samsung": "Samsung Email",
    "thunderbird": "Thunderbird",
    "gmx": "GMX",
    "web.de": "WEB.DE",
}

#: Feature -> who lacks it.
LACKING = {
    "position": "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-apps",
    "float": "outlook-windows",
    "display: flex": "outlook-windows gmx web.de",
    "display: grid": "gmail-web gmail-apps outlook-windows outlook-apps yahoo-web yahoo-apps gmx web.de",
    "column-count": "gmail-phone-web outlook-windows yahoo-web yahoo-apps gmx web.de",
    "transform": (
        "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-mac outlook-web outlook-apps yahoo-web "
        "yahoo-apps gmx web.de"
    ),
    "object-fit": "gmail-phone-web outlook-windows yahoo-web yahoo-apps gmx web.de",
    "background-image": "outlook-windows",
    "linear-gradient()": "outlook-windows outlook-mac outlook-web outlook-apps yahoo-web yahoo-apps gmx web.de",
    "radial-gradient()": "outlook-windows outlook-mac outlook-web outlook-apps yahoo-web yahoo-apps gmx web.de",
    "conic-gradient()": (
        "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-mac outlook-web outlook-apps yahoo-web yahoo-apps"
    ),
    "margin-inline": (
        "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-mac outlook-web outlook-apps yahoo-web "
        "yahoo-apps samsung gmx web.de"
    ),
    "margin-inline-start": (
        "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-mac outlook-web outlook-apps yahoo-web "
        "yahoo-apps gmx web.de"
    ),
    "margin-block-start": (
        "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-mac outlook-web outlook-apps yahoo-web "
        "yahoo-apps gmx web.de"
    ),
    "padding-inline": (
        "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-mac outlook-web outlook-apps yahoo-web "
        "yahoo-apps samsung gmx web.de"
    ),
    "padding-inline-start": (
        "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-mac outlook-web outlook-apps yahoo-web "
        "yahoo-apps gmx web.de"
    ),
    "padding-block-start": (
        "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-mac outlook-web outlook-apps yahoo-web "
        "yahoo-apps gmx web.de"
    ),
    "inset": (
        "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-mac outlook-web outlook-apps yahoo-web "
        "yahoo-apps samsung gmx web.de"
    ),
    "inline-size": (
        "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-mac outlook-web outlook-apps apple-mac "
        "apple-ios yahoo-web yahoo-apps gmx web.de"
    ),
    "block-size": (
        "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-mac outlook-web outlook-apps yahoo-web "
        "yahoo-apps gmx web.de"
    ),
    "visibility": "gmail-web gmail-apps gmail-phone-web outlook-windows",
    "writing-mode": "outlook-windows yahoo-web yahoo-apps gmx web.de",
    "list-style-image": (
        "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-mac outlook-web outlook-apps yahoo-web yahoo-apps"
    ),
    "clip-path": (
        "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-mac outlook-web outlook-apps yahoo-web "
        "yahoo-apps gmx web.de"
    ),
    "filter": (
        "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-mac outlook-web outlook-apps yahoo-web "
        "yahoo-apps gmx web.de"
    ),
    "mix-blend-mode": "gmail-phone-web outlook-windows yahoo-web yahoo-apps gmx web.de",
    "border-image": (
        "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-mac outlook-web outlook-apps yahoo-web "
        "yahoo-apps gmx web.de"
    ),
    "var()": (
        "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-mac outlook-web outlook-apps yahoo-web "
        "yahoo-apps gmx web.de"
    ),
    "calc()": "outlook-windows outlook-mac outlook-web outlook-apps yahoo-web yahoo-apps gmx web.de",
    "clamp()": "outlook-windows outlook-mac outlook-web outlook-apps yahoo-web yahoo-apps samsung gmx web.de",
    "min()": "outlook-windows outlook-mac outlook-web outlook-apps yahoo-web yahoo-apps samsung gmx web.de",
    "max()": "outlook-windows outlook-mac outlook-web outlook-apps yahoo-web yahoo-apps samsung gmx web.de",
    "light-dark()": (
        "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-mac outlook-web outlook-apps yahoo-web "
        "yahoo-apps gmx"
    ),
    "rgba()": "outlook-windows gmx web.de",
    "modern colour": (
        "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-mac outlook-web outlook-apps yahoo-web "
        "yahoo-apps samsung thunderbird"
    ),
    "rem": "outlook-windows yahoo-web yahoo-apps gmx web.de",
    "ch": "outlook-windows yahoo-web yahoo-apps gmx web.de",
    "vw": "outlook-windows gmx web.de",
    "vh": "outlook-windows gmx web.de",
    "vmin": "outlook-windows yahoo-web yahoo-apps gmx web.de",
    "vmax": "outlook-windows yahoo-web yahoo-apps gmx web.de",
    "::before": "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-apps yahoo-web yahoo-apps gmx web.de",
    "::after": "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-apps yahoo-web yahoo-apps gmx web.de",
    "@import": (
        "gmail-web gmail-apps gmail-phone-web outlook-mac outlook-web outlook-apps yahoo-web yahoo-apps samsung "
        "thunderbird gmx web.de"
    ),
    "<input>": "outlook-windows outlook-apps yahoo-apps samsung gmx web.de",
    "<select>": "outlook-windows yahoo-apps gmx web.de",
    "<textarea>": "outlook-windows outlook-apps yahoo-apps samsung gmx web.de",
    "<button>": "outlook-windows outlook-mac outlook-web outlook-apps yahoo-apps gmx web.de",
    "<dialog>": (
        "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-mac outlook-web outlook-apps yahoo-web "
        "yahoo-apps gmx web.de"
    ),
    "<marquee>": "gmail-web gmail-apps gmail-phone-web outlook-windows gmx web.de",
    "<meter>": "gmail-web gmail-apps gmail-phone-web outlook-windows yahoo-web yahoo-apps gmx web.de",
    "<progress>": (
        "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-mac outlook-web outlook-apps yahoo-web "
        "yahoo-apps gmx web.de"
    ),
    "hidden": (
        "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-mac outlook-web outlook-apps yahoo-web "
        "yahoo-apps gmx web.de"
    ),
    ".svg": "gmail-web gmail-phone-web",
    ".webp": "outlook-windows",
    ".avif": "outlook-windows gmx web.de",
    ".heif": "outlook-windows outlook-web outlook-apps yahoo-apps samsung thunderbird gmx web.de",
    ".tiff": "outlook-windows outlook-web outlook-apps yahoo-web yahoo-apps samsung thunderbird gmx web.de",
    ".mp4": (
        "gmail-web gmail-apps gmail-phone-web outlook-windows outlook-mac outlook-apps yahoo-apps samsung "
        "thunderbird gmx web.de"
    ),
    "data:": "gmail-web gmail-apps gmail-phone-web",
}
