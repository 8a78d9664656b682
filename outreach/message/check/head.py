"""What do inboxes show before a mail is opened: who writes, about what, and the line beside it?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from outreach.message.check.fault import Fault, Severity, error, shortened, warning
from outreach.message.check.mail import Mail, is_loopback, split

#: Longer subjects are cut off by every reader; this long they are most often a mistake.
LONGEST_SUBJECT = 150
#: A subject with so many letters, of which more than this share are capitals, shouts.
SHOUTED_LETTERS, SHOUTED_SHARE = 8, 0.7

#: Domains whose mailboxes are for persons, and the hosts through which their provider itself sends. Their owners ask
#: receivers by DMARC to put away, or refuse, what comes from elsewhere in their name.
FREE_MAIL = {
    "gmail.com googlemail.com": "gmail.com google.com googlemail.com",
    "yahoo.com yahoo.co.uk yahoo.co.jp yahoo.co.in yahoo.de yahoo.fr yahoo.it yahoo.es yahoo.ca yahoo.com.br "
    "ymail.com rocketmail.com aol.com aol.de": "yahoo.com aol.com yahoo.co.jp",
    "outlook.com outlook.de hotmail.com hotmail.de hotmail.co.uk hotmail.fr live.com live.de msn.com": "office365.com "
    "outlook.com hotmail.com live.com",
    "icloud.com me.com mac.com": "me.com icloud.com",
    "gmx.de gmx.net gmx.at gmx.ch gmx.com mail.com": "gmx.net gmx.com mail.com",
    "web.de": "web.de",
    "t-online.de": "t-online.de",
    "freenet.de": "freenet.de",
    "proton.me protonmail.com pm.me": "proton.me protonmail.com protonmail.ch",
    "mail.ru inbox.ru list.ru bk.ru": "mail.ru",
    "yandex.ru yandex.com ya.ru": "yandex.ru yandex.com",
    "qq.com foxmail.com": "qq.com",
    "163.com 126.com yeah.net": "163.com 126.com yeah.net",
    "naver.com": "naver.com",
    "orange.fr wanadoo.fr": "orange.fr",
    "free.fr": "free.fr",
    "laposte.net": "laposte.net",
    "libero.it": "libero.it",
    "comcast.net": "comcast.net",
    "zoho.com zohomail.com": "zoho.com zoho.eu",
    "rediffmail.com": "rediffmail.com",
}
_RELAYS = {domain: relays.split() for domains, relays in FREE_MAIL.items() for domain in domains.split()}

_NO_REPLY = re.compile(
    r"(?:^|[._+-])(?:(?:do[._-]?)?(?:no|not)[._-]?(?:reply|answer|respond)|keine?[._-]?antwort)", re.IGNORECASE
)
#: "Re:" and "Fwd:" as mail programs of several languages write them.
_ANSWER = re.compile(r"\s*(?:re|fwd?|aw|wg|antw|tr|rif|sv|vs|odp|回复|转发)\s*(?:\[\d+\])?\s*[:：]", re.IGNORECASE)
_SHOUTS = re.compile(r"[!?！？¡¿]\s*[!?！？]|\${2,}|€{2,}")
#: What layouts fill the rest of the inbox's line with.
_FILLER = "\u034f\u200b\u200c\u200d\u2007\u00ad\ufeff"


def subject(mail: Mail) -> Iterator[Fault]:
    """Its length, and words that shout or deceive."""
    written = mail.subject.strip()
    if not written:
        yield error("no-subject", "The subject is empty.")
    if len(written) > LONGEST_SUBJECT:
        yield error(
            "long-subject", f"The subject has {len(written)} characters; {LONGEST_SUBJECT} is the most we send."
        )
    cased = [letter for letter in written if letter.isupper() or letter.islower()]
    if len(cased) >= SHOUTED_LETTERS and sum(map(str.isupper, cased)) > SHOUTED_SHARE * len(cased):
        yield warning(
            "subject-shouts", f"The subject {shortened(written)} is in capitals: filters and readers take it for spam."
        )
    if _SHOUTS.search(written):
        yield warning(
            "subject-shouts", f"The subject {shortened(written)} shouts with its marks: one “!” or “?” is enough."
        )
    if _ANSWER.match(written):
        yield warning(
            "subject-pretends",
            f"The subject {shortened(written)} begins like an answer or a forwarded mail, which this is not: readers "
            "feel deceived, and some laws (CAN-SPAM) forbid it.",
        )


def sender(mail: Mail) -> Iterator[Fault]:
    """Whether receivers will believe who it is from, and readers can answer."""
    domain = mail.sender.rpartition("@")[2].lower()
    if domain in _RELAYS:
        yield _free_mail(mail, domain)
    local, answers = mail.sender.rpartition("@")[0], mail.reply_to or mail.sender
    if answers and _NO_REPLY.search(answers.rpartition("@")[0]):
        yield warning(
            "no-reply",
            f"Answers go to {answers}, which nobody reads by its name: readers who cannot answer complain instead. "
            "Set OUTREACH_REPLY_TO.",
        )
    elif local and _NO_REPLY.search(local):
        yield warning(
            "no-reply", f"The sender {mail.sender} says that nobody reads answers, though {answers} gets them."
        )


def _free_mail(mail: Mail, domain: str) -> Fault:
    """An error where we know that the provider's own servers do not send it; a smart host here may well reach them."""
    theirs = _RELAYS[domain]
    elsewhere = [
        host
        for host in mail.relays
        if "." in host and not is_loopback(host) and not any(host == own or host.endswith(f".{own}") for own in theirs)
    ]
    message = (
        f"The sender is at {domain}, a provider of personal mailboxes: mail that others send in its name is refused "
        "or put into spam (DMARC). Set OUTREACH_FROM to an address at a domain of your own."
    )
    return Fault(Severity.ERROR if elsewhere else Severity.WARNING, "free-mail-sender", message)


def preheader(mail: Mail) -> Iterator[Fault]:
    """The line that inboxes show beside the subject: hidden text before all other."""
    for element in mail.document.iter():
        if not isinstance(element.tag, str) or element.tag in {"style", "script", "title", "head"}:
            continue
        text = "".join(letter for letter in (element.text or "") if letter not in _FILLER).strip()
        if text:
            if not mail.is_hidden(element):
                break
            return
    else:
        return
    yield warning(
        "no-preheader",
        f"There is no preheader, so inboxes show {shortened(text, 40)} beside the subject: "
        "write preheader: in the article.",
    )


def publisher(mail: Mail) -> Iterator[Fault]:
    """The postal address, and whether links can be read on the way."""
    if not mail.postal_address.strip():
        yield warning(
            "no-postal-address", "There is no postal address: set OUTREACH_POSTAL_ADDRESS (the law asks for it)."
        )
    url = split(mail.public_url)
    if url is not None and url.scheme != "https" and not is_loopback(url.hostname or ""):
        yield warning(
            "public-url-not-https", f"The public URL {mail.public_url} is not https: links can be read on the way."
        )
