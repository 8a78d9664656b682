"""Who runs the mailbox behind an address? The large providers by their domains; a domain not listed is its own."""

from __future__ import annotations

from functools import lru_cache

#: provider -> the domains whose mailboxes it runs. One provider counts what it gets for all of its domains together.
PROVIDERS: dict[str, tuple[str, ...]] = {
    "google": ("gmail.com", "googlemail.com"),
    "microsoft": (
        *("outlook.com", "outlook.de", "outlook.fr", "outlook.it", "outlook.es", "outlook.at", "outlook.jp"),
        *("outlook.com.br", "outlook.com.tr", "outlook.com.au", "outlook.co.th", "outlook.in", "outlook.pt"),
        *("hotmail.com", "hotmail.co.uk", "hotmail.de", "hotmail.fr", "hotmail.it", "hotmail.es", "hotmail.nl"),
        *("hotmail.be", "hotmail.se", "hotmail.ca", "hotmail.com.br", "hotmail.com.tr", "hotmail.co.jp"),
        *("live.com", "live.co.uk", "live.de", "live.fr", "live.it", "live.nl", "live.be", "live.se", "live.dk"),
        *("live.no", "live.ca", "live.com.au", "live.at", "live.jp", "live.cn", "msn.com", "passport.com"),
    ),
    "yahoo": (
        *("yahoo.com", "yahoo.co.uk", "yahoo.de", "yahoo.fr", "yahoo.it", "yahoo.es", "yahoo.gr", "yahoo.se"),
        *("yahoo.ca", "yahoo.com.br", "yahoo.com.ar", "yahoo.com.mx", "yahoo.com.au", "yahoo.co.in", "yahoo.in"),
        *("yahoo.co.id", "yahoo.com.ph", "yahoo.com.sg", "yahoo.com.vn", "yahoo.com.hk", "yahoo.com.tw"),
        *("ymail.com", "rocketmail.com", "myyahoo.com"),
        *("aol.com", "aol.de", "aol.fr", "aol.it", "aol.co.uk", "aim.com", "netscape.net", "verizon.net"),
    ),
    "yahoo-japan": ("yahoo.co.jp", "ymail.ne.jp"),
    "apple": ("icloud.com", "me.com", "mac.com"),
    "gmx": (
        *("gmx.de", "gmx.net", "gmx.at", "gmx.ch", "gmx.com", "gmx.eu", "gmx.org", "gmx.fr", "gmx.co.uk"),
        *("web.de", "mail.com", "email.de"),
    ),
    "telekom": ("t-online.de", "magenta.de"),
    "freenet": ("freenet.de",),
    "proton": ("proton.me", "protonmail.com", "protonmail.ch", "pm.me"),
    "zoho": ("zoho.com", "zohomail.com", "zoho.eu", "zohomail.eu"),
    "fastmail": ("fastmail.com", "fastmail.fm"),
    "yandex": ("yandex.ru", "yandex.com", "yandex.by", "yandex.kz", "ya.ru"),
    "mail.ru": ("mail.ru", "inbox.ru", "list.ru", "bk.ru", "internet.ru"),
    "orange": ("orange.fr", "wanadoo.fr"),
    "free": ("free.fr",),
    "laposte": ("laposte.net",),
    "sfr": ("sfr.fr", "neuf.fr", "club-internet.fr"),
    "libero": ("libero.it", "virgilio.it", "iol.it", "inwind.it", "giallo.it", "blu.it"),
    "seznam": ("seznam.cz", "email.cz", "post.cz"),
    "wp": ("wp.pl", "o2.pl", "tlen.pl"),
    "onet": ("onet.pl", "op.pl", "poczta.onet.pl", "vp.pl", "onet.eu"),
    "bluewin": ("bluewin.ch",),
    "comcast": ("comcast.net",),
    "att": ("att.net", "sbcglobal.net", "bellsouth.net"),
    "charter": ("charter.net", "rr.com", "spectrum.net"),
    "cox": ("cox.net",),
    "bt": ("btinternet.com", "btopenworld.com", "talk21.com"),
    "tencent": ("qq.com", "foxmail.com"),
    "netease": ("163.com", "126.com", "yeah.net"),
    "naver": ("naver.com",),
    "uol": ("uol.com.br", "bol.com.br"),
}

_BY_DOMAIN = {domain: provider for provider, domains in PROVIDERS.items() for domain in domains}


def of_domain(domain: str) -> str:
    """The provider of a domain's mailboxes: one of `PROVIDERS`, or the domain itself."""
    lower = domain.lower()
    return _BY_DOMAIN.get(lower, lower)


def of_address(email: str) -> str:
    """The provider of an address's mailbox."""
    return _of_written(email.rpartition("@")[2])


#: Most of a list is of few domains, asked for once a message.
_of_written = lru_cache(maxsize=4096)(of_domain)
