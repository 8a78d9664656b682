"""How do the settings become a running house? The one place where parts are put together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette

from outreach import address, materials
from outreach.actions import collect, forget, record, stop, weigh
from outreach.actions.collect import Terms
from outreach.config import Settings
from outreach.engine import journal, replay
from outreach.engine.clock import Chore, Clock
from outreach.engine.crew import Crew, looping
from outreach.engine.desk import boot_clock
from outreach.engine.expiry import Expiry
from outreach.engine.gauges import Gauges, Watch
from outreach.engine.letters import Letters
from outreach.engine.postbox import Addresses, Postbox
from outreach.engine.rounds import Rounds
from outreach.engine.sender import Sender, SenderOptions
from outreach.engine.watermark import Watermark
from outreach.house import House
from outreach.inbox import fetch, place
from outreach.inbox.imap import Imap
from outreach.inbox.maildir import Maildir
from outreach.inbox.smtp import Listener
from outreach.replies.hooks import postmark, sendgrid
from outreach.replies.hooks.mailgun import Mailgun
from outreach.replies.hooks.notice import Hook, Notice
from outreach.replies.hooks.postmark import Postmark
from outreach.replies.hooks.sendgrid import SendGrid
from outreach.replies.toll import StopRule
from outreach.store import turn
from outreach.store.database import sqlite_file
from outreach.store.leader import Leadership
from outreach.timing.retry import RetryPlan
from outreach.timing.ways import Way, Ways
from outreach.tracking.token import TokenMaker
from outreach.transport.base import Transport
from outreach.transport.fleet import Fleet
from outreach.transport.folder import FolderTransport
from outreach.transport.relay import Folder, hello_name
from outreach.transport.smtp import SmtpTransport
from outreach.web import app, listen
from outreach.web import metrics as metrics_page
from outreach.web.app import Site
from outreach.web.health import Health
from outreach.web.hooks import Hooks
from outreach.web.joining import Desk
from outreach.web.readiness import Readiness
from outreach.web.traffic import Traffic


def secrets_of(house: House) -> frozenset[str]:
    """What must stand in no log: the keys, and the passwords of relay and database."""
    keys = (house.keys.current, *house.keys.old)
    return house.settings.passwords | {key.decode() for key in keys}


def transport(settings: Settings, board: Ways | None = None) -> Transport:
    """The way out that the settings name: one relay or several, or a folder of .eml files."""
    if isinstance(settings.ways_out, Folder):
        return FolderTransport(settings.ways_out.path)
    transports, board = relays(settings), board or _board(settings)
    return transports[0][1] if board is None else Fleet(transports, board, clock=boot_clock)


def relays(settings: Settings) -> list[tuple[Way, SmtpTransport]]:
    """Each relay that the settings name; none where they name a folder."""
    if isinstance(settings.ways_out, Folder):
        return []
    hello = hello_name(settings.public_url, settings.return_path, settings.sender)
    return [
        (relay.way, SmtpTransport(relay, hello=hello, connections=relay.connections or settings.connections))
        for relay in settings.ways_out
    ]


def _board(settings: Settings) -> Ways | None:
    """What several relays, or one that has a limit, tell the books; None where there is nothing to tell."""
    found = settings.ways
    return Ways(found) if len(found) > 1 or any(way.limit is not None for way in found) else None


def stop_rule(settings: Settings) -> StopRule:
    """When a campaign stops itself."""
    return StopRule(settings.stop_share, settings.stop_complaints, settings.stop_after)


def clock(house: House, gauges: Gauges | None = None) -> Clock:
    """The clock, with the chores that keep the database in order."""

    settings = house.settings
    expiry = Expiry(house.store)

    def tidy(now: datetime) -> None:
        replay.dead_senders(house.store, journals(settings), plan=plan(settings), now=now)
        expiry.look(now=now, at=boot_clock())

    rule = stop_rule(settings)
    chores = (
        Chore("leases", timedelta(seconds=15), tidy),
        # Senders look more often; complaints come when none is at work too.
        Chore("stops", timedelta(seconds=5), lambda now: stop.campaigns_gone_wrong(house.store, rule, now=now)),
        Chore(
            "soft bounces",
            timedelta(minutes=5),
            lambda now: weigh.refusals(house.store, most=settings.soft_bounces, now=now),
        ),
        Chore("bursts", timedelta(minutes=5), lambda now: record.fold(house.store, now=now)),
        Chore("pseudonyms", timedelta(hours=1), lambda now: record.forget_old_days(house.store, now=now)),
        Chore("retention", timedelta(days=1), lambda now: forget.old(house.store, retention(settings), now=now)),
    )
    guard = watermark(house).require
    return Clock(
        house.store, materials.defaults(settings), grace=settings.grace, chores=chores, guard=guard, gauges=gauges
    )


def retention(settings: Settings) -> forget.Plan:
    """How long what is kept of persons."""
    return forget.Plan(settings.keep_clients, settings.keep_personal, settings.keep_unconfirmed, settings.keep_reports)


def plan(settings: Settings) -> RetryPlan:
    """How patiently a message is retried."""
    return RetryPlan(first=settings.retry_first, deadline=settings.retry_deadline)


def journals(settings: Settings) -> Path:
    """Where the senders of this host keep their journals."""
    return settings.home / "journal"


def watermark(house: House) -> Watermark:
    """What this host remembers of the database, so that an older copy of it does not send again."""
    return Watermark(house.store, house.settings.home / "watermark")


def health(house: House, crew: Crew, *, sends: bool) -> Health:
    """What says whether this process lives and can work; where it sends, the data folder must have room too."""
    file = sqlite_file(house.store)
    folders = [file.parent] if file else []
    if sends:
        folders.append(house.settings.home)
    return Health(
        Readiness(house.store, fingerprint=house.keys.fingerprint, folders=[*dict.fromkeys(folders)]), crew.ailments
    )


def metrics(house: House, health: Health, gauges: Gauges) -> Starlette:
    """What is served on the address of the metrics."""
    return metrics_page.make(house.store, gauges.registry, health)


def web(house: House, health: Health | None = None, gauges: Gauges | None = None) -> Starlette:
    """The web part."""
    settings = house.settings
    site = Site(
        public_url=settings.public_url,
        pages=settings.template_folders("pages"),
        media=materials.media(settings),
        trusted_proxies=settings.trusted_proxies,
        languages=materials.languages(settings),
        brand=materials.brand(settings),
        keep_personal=settings.keep_personal,
        joining=_joining(house),
        hooks=hooks(house, gauges),
    )
    traffic = Traffic(gauges.registry) if gauges else None
    return app.make(house.store, TokenMaker(house.keys), site, health=health, traffic=traffic)


def hooks(house: House, gauges: Gauges | None = None) -> Hooks:
    """The providers that tell by webhook what became of mail; those whose setting is there."""
    settings = house.settings
    found: dict[str, Hook] = {}
    if settings.webhook_ses_topic:
        # Here, since certificates take a moment to load, and most installations need them not.
        from outreach.replies.hooks.ses import Ses  # noqa: PLC0415
        from outreach.replies.hooks.sns import Sns  # noqa: PLC0415

        found["ses"] = Ses(Sns(settings.webhook_ses_topic, fetch.document))
    if settings.webhook_sendgrid_key:
        found["sendgrid"] = SendGrid(sendgrid.read_key(settings.webhook_sendgrid_key))
    if settings.webhook_mailgun_key:
        found["mailgun"] = Mailgun(settings.webhook_mailgun_key.get_secret_value())
    if settings.webhook_postmark_secret:
        found["postmark"] = Postmark(settings.webhook_postmark_secret.get_secret_value())
    how = terms(house)

    def collected(name: str, told: Sequence[Notice]) -> None:
        for each in collect.notices(house.store, told, source=name, terms=how, now=datetime.now(UTC)):
            if gauges is not None:
                gauges.collected(each)

    return Hooks(found, collected, fetch.document)


def handles(settings: Settings) -> tuple[str, ...]:
    """Header fields by which providers hand our Message-ID back that would lose it otherwise."""
    known = {
        sendgrid.HANDLE: settings.webhook_sendgrid_key is not None,
        postmark.HANDLE: settings.webhook_postmark_secret is not None,
    }
    return tuple(handle for handle, wanted in known.items() if wanted)


def _joining(house: House) -> Desk | None:
    if house.settings.sender is None:
        return None
    keys = house.keys
    return Desk(materials.letter(house.settings), keys.derive("joining"), keys.readers("erasure"))


def terms(house: House) -> Terms:
    """By what reports are understood."""
    settings = house.settings
    path = address.parse(settings.return_path) if settings.return_path else None
    return Terms(TokenMaker(house.keys), path, settings.soft_bounces)


def mail_in(house: House, gauges: Gauges | None = None) -> Postbox:
    """What takes in whatever mail comes."""
    settings = house.settings
    leave, complaint = (
        address.parse(each) if each else None for each in (settings.leave_address, settings.complaint_address)
    )
    told = gauges.collected if gauges is not None else lambda _: None
    return Postbox(house.store, terms(house), Addresses(leave, complaint), now=lambda: datetime.now(UTC), told=told)


def inbox(house: House, mail: Postbox | None = None) -> Listener | None:
    """The listener for mail that comes in; None where the settings name none. Raises OutreachError for a taken port."""
    settings = house.settings
    if settings.inbox is None or not (settings.leave_address or settings.return_path or settings.complaint_address):
        return None
    where = urlsplit(settings.inbox)
    assert where.hostname is not None
    heard = (mail or mail_in(house)).reception
    return Listener(heard, listen.on(where.hostname, where.port or 0), lmtp=where.scheme == "lmtp")


def letters(house: House) -> Letters:
    """What writes the messages that a sender would send, without their signatures."""
    settings = house.settings
    return Letters(
        TokenMaker(house.keys),
        settings.public_url,
        return_path=settings.return_path,
        leave_by_mail=settings.leave_address,
        handles=handles(settings),
    )


def rounds(house: House, mail: Postbox) -> dict[str, Rounds]:
    """The mailboxes that are looked into, by name; of several hosts one looks into what lies on a server."""
    settings, found = house.settings, {}
    if settings.maildir is not None:
        found["maildir"] = Rounds(Maildir(settings.maildir), mail.read, every=5.0)
    if settings.imap_url is not None:
        there = Imap(place.parse(settings.imap_url.get_secret_value()))
        lead = Leadership(house.store, "mailbox", turn.MAILBOX)
        found["imap"] = Rounds(there, mail.read, every=60.0, leads=lead)
    return found


def sender(house: House, *, gauges: Gauges | None = None, watch: Watch | None = None) -> Sender:
    """A sender; all of them, on all hosts, keep the limits together."""
    settings = house.settings
    board = _board(settings)
    way_out = transport(settings, board)
    if gauges is not None and isinstance(way_out, SmtpTransport | Fleet):
        gauges.follow("outreach_relay_connections", "Connections to the relay that are open.", way_out.connected)
    options = SenderOptions(
        public_url=settings.public_url,
        return_path=settings.return_path,
        limits=settings.limits,
        ways=board,
        plan=plan(settings),
        leave_by_mail=settings.leave_address,
        handles=handles(settings),
        stop=stop_rule(settings),
        sign=materials.sign(settings),
        journals=journals(settings),
        watermark=watermark(house),
        watch=watch or Watch(gauges),
    )
    return Sender(house.store, way_out, TokenMaker(house.keys), options)


def man(
    crew: Crew, house: House, *, senders: int, clock: bool, inbox: bool = False, gauges: Gauges | None = None
) -> None:
    """Put clock, senders and inbox to work in a crew; raises OutreachError where they cannot be had."""
    mail = mail_in(house, gauges)
    listener = _inbox(house, mail) if inbox else None
    if listener is not None:
        crew.add("inbox", looping(listener.run))
    if clock:
        for name, going in rounds(house, mail).items():
            crew.add(name, going.run, pulse=going.pulse)
        keeper = _clock(house, gauges)
        crew.add("clock", keeper.run, pulse=keeper.pulse)
    if gauges is not None and senders:
        folder = journals(house.settings)
        gauges.follow("outreach_journal_bytes", "What the journals of this host take.", lambda: journal.size(folder))
    for number in range(senders):
        watch = Watch(gauges)
        work = sender(house, gauges=gauges, watch=watch).run
        crew.add(f"sender-{number + 1}", looping(work), pulse=watch.pulse)


_clock, _inbox = clock, inbox
