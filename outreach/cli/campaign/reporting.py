"""`outreach campaign status | report`: where a campaign stands, and what became of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from outreach.actions import recount as recounting
from outreach.actions import report as made_report
from outreach.cli import holding, show
from outreach.cli import open as opened
from outreach.cli.campaign import NameArgument
from outreach.errors import OutreachError
from outreach.house import House
from outreach.store import campaigns, figures, overview
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.deliveries import DeliveryState
from outreach.timing import duration, progress
from outreach.timing.progress import Look
from outreach.tracking.robot import Judgement

#: Seconds between two looks of `--watch`.
PAUSE = 1.0
#: States that nothing follows by itself.
_ENDS = {CampaignState.FINISHED.value, CampaignState.CANCELLED.value}
_COLOURS = {
    DeliveryState.SENT: "green",
    DeliveryState.FAILED: "red",
    DeliveryState.BOUNCED: "red",
    DeliveryState.UNKNOWN: "magenta",
    DeliveryState.DEFERRED: "yellow",
    DeliveryState.EXCLUDED: "bright_black",
    DeliveryState.CANCELLED: "bright_black",
}
#: Where a delivery has come to its end by being tried.
_SETTLED = (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.BOUNCED, DeliveryState.UNKNOWN)
#: What is told of each link.
_COUNTED = ("people", "human", "suspect", "machine")
_JUDGED = {Judgement.HUMAN: "green", Judgement.SUSPECT: "yellow", Judgement.MACHINE: "bright_black"}


def status(
    name: NameArgument,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every second until it has ended.")] = False,
    as_json: show.JsonOption = False,
) -> None:
    """Show how many deliveries are in which state; with --watch and --json, the last word alone."""
    clicked: list[RenderableType] = []
    with opened.house() as house:
        if not watch:
            document, campaign = _look(house, name)
            clicked = _clicked(house, campaign)
        elif as_json:
            *_, (document, campaign) = _looks(house, name)
        else:
            _watch(house, name)
            return
        held = holding.lines(house, name)
    if as_json:
        show.document(document)
        return
    show.out().print(Group(_status_table(document, campaign), *clicked))
    for line in held:
        show.note(line)


def report(
    name: NameArgument,
    *,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write it as a page with charts.")] = None,
    recount: Annotated[bool, typer.Option("--recount", help="Judge every click anew, from what is kept.")] = False,
    as_json: show.JsonOption = False,
) -> None:
    """Show what became of a campaign: deliveries, clicks by people and machines, who left."""
    now = datetime.now(UTC)
    with opened.house() as house:
        if recount:
            show.note(recounting.campaign(house.store, name, now=now).words)
        document, campaign = made_report.campaign(house.store, name, now=now)
        if html is not None:
            # Here, since they bring templates and the web with them, and only a page needs those.
            from outreach.web import report_page  # noqa: PLC0415
            from outreach.web.pages import Pages  # noqa: PLC0415

            pages = Pages(house.settings.template_folders("pages"), sheet="report.css")
            _write(html, report_page.html(document, pages, made_at=now))
    if as_json:
        show.document({key: value for key, value in document.items() if key not in figures.BESIDES})
    elif html is not None:
        show.line(f"Wrote {html}.")
    else:
        show.out().print(report_table(document, campaign))


def report_table(document: dict[str, Any], campaign: Campaign) -> RenderableType:
    """The report for a terminal."""
    return Group(_status_table(document, campaign), *_outcome(document))


def _look(house: House, name: str) -> tuple[dict[str, Any], Campaign]:
    with house.store.reading() as session:
        campaign = campaigns.by_name(session, name)
        return figures.status(session, campaign), campaign


def _looks(house: House, name: str) -> Iterator[tuple[dict[str, Any], Campaign]]:
    while True:
        look = _look(house, name)
        yield look
        if look[0]["state"] in _ENDS:
            return
        time.sleep(PAUSE)


def _watch(house: House, name: str) -> None:
    """A table that is drawn anew; where stdout is no terminal, the last one alone. Ctrl-C ends the watching."""
    console = show.out()
    last: RenderableType = ""
    looks: tuple[Look, ...] = ()
    try:
        with Live(console=console, auto_refresh=False, transient=not console.is_terminal) as live:
            for document, campaign in _looks(house, name):
                seen = _seen(document)
                looks = progress.trail(looks, seen)
                going = _going(house, campaign, seen, looks)
                last = Group(_status_table(document, campaign), *_clicked(house, campaign), *going)
                if console.is_terminal:
                    live.update(last, refresh=True)
    except KeyboardInterrupt:
        pass
    if not console.is_terminal:
        console.print(last)


def _clicked(house: House, campaign: Campaign) -> list[RenderableType]:
    """Clicks of people, of machines, and of who may be either; nothing where nobody clicked."""
    with house.store.reading() as session:
        clicks = figures.clicks(session, campaign)
    shown = (f"{clicks[each.value]:,} {each.value}" for each in Judgement)
    return [Text(f"clicks: {', '.join(shown)}")] if any(clicks.values()) else []


def _seen(document: dict[str, Any]) -> Look:
    return Look(
        at=time.monotonic(),
        sending=document["state"] == CampaignState.SENDING.value,
        settled=sum(document[state.value] for state in _SETTLED),
        queued=document["queued"],
        claimed=document["claimed"],
        deferred=document["deferred"],
    )


def _going(house: House, campaign: Campaign, seen: Look, looks: tuple[Look, ...]) -> Iterator[RenderableType]:
    """How fast it goes, how long it will take, and why it goes no faster; nothing for a campaign that does not send."""
    if not seen.sending:
        return
    found = progress.forecast(looks)
    if found.rate is not None and seen.waiting:
        left = f", {duration.words(found.left)} left" if found.left is not None else ""
        yield Text(f"{progress.rate_words(found.rate)}{left}", style="bold")
    limit = house.settings.rate
    why = progress.explanation(
        seen, found, next_retry=_next_retry(house, campaign), limit=limit.spread if limit else None
    )
    if why:
        yield _wrapped(why)


def _next_retry(house: House, campaign: Campaign) -> timedelta | None:
    assert campaign.id is not None
    with house.store.reading() as session:
        due = overview.next_retry(session, campaign.id)
    return due - datetime.now(UTC) if due else None


def _status_table(document: dict[str, Any], campaign: Campaign) -> RenderableType:
    lines: list[RenderableType] = [Text.assemble((document["name"], "bold"), f"  {document['state']}")]
    if campaign.reason:
        lines.append(_wrapped(campaign.reason))
    if campaign.due_at is not None and campaign.state is CampaignState.SCHEDULED:
        lines.append(Text(f"due {campaign.due_at:%Y-%m-%d %H:%M:%S} UTC"))
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(no_wrap=True)
    audience = document["audience"]
    cells = min(24, show.out().width - len(f"excluded  {audience:,}   100.0%"))
    for state in DeliveryState:
        count = document[state.value]
        if count or state is DeliveryState.SENT:
            grid.add_row(state.value, f"{count:,}", _bar(count, audience, cells, _COLOURS.get(state, "cyan")))
    grid.add_row("audience", Text(f"{audience:,}", style="bold"), "")
    return Group(*lines, grid)


def _wrapped(words: str) -> RenderableType:
    """Words that may be longer than the terminal is wide."""
    console = show.out()
    return Group(*Text(words, style="yellow").wrap(console, console.width))


def _bar(part: int, whole: int, cells: int, colour: str) -> Text:
    """A bar of up to so many cells, and the share; the share alone where there is no room for a bar."""
    if not part:
        return Text("")
    full, rest = divmod(max(round(part / whole * cells * 8), 1), 8)
    drawn = "█" * full + " ▏▎▍▌▋▊▉"[rest].strip() + " "
    return Text.assemble((drawn if cells >= 6 else "", colour), f"{part / whole:.1%}")


def _outcome(document: dict[str, Any]) -> Iterator[RenderableType]:
    if document["excluded_by"]:
        yield Text("\nLeft out", style="bold")
        yield _pairs((reason, f"{n:,}") for reason, n in document["excluded_by"].items())
    quote = document["quote"]
    yield Text("\nQuote link", style="bold")
    yield Text(f"{quote['people']:,} of {document['sent']:,} readers clicked ({quote['rate']:.1%} of sent)")
    yield _pairs((Text(each.value, style=colour), f"{quote[each.value]:,}") for each, colour in _JUDGED.items())
    if document["links"]:
        yield Text("\nLinks", style="bold")
        yield _links(document["links"])
    yield Text("\nAfterwards", style="bold")
    yield _pairs((words, f"{document[words]:,}") for words in ("unsubscribed", "complaints"))
    if document["runs"]:
        yield Text("\nRuns (each has a report of its own)", style="bold")
        yield Text("\n".join(document["runs"]))


def _pairs(rows: Iterator[tuple[RenderableType, str]]) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column()
    grid.add_column(justify="right")
    for row in rows:
        grid.add_row(*row)
    return grid


def _links(links: list[dict[str, Any]]) -> RenderableType:
    """A table; on a narrow terminal, a few lines a link."""
    if show.out().width < 64:
        return Group(*(line for link in links for line in _link_lines(link)))
    grid = Table(box=None, pad_edge=False, header_style="bold")
    grid.add_column("link", overflow="fold", ratio=1)
    for header in _COUNTED:
        grid.add_column(header, justify="right", no_wrap=True)
    for link in links:
        grid.add_row(_label(link), *(f"{link[each]:,}" for each in _COUNTED))
    return grid


def _link_lines(link: dict[str, Any]) -> Iterator[RenderableType]:
    yield _label(link)
    yield _pairs((Text(f"  {each}"), f"{link[each]:,}") for each in _COUNTED)


def _label(link: dict[str, Any]) -> Text:
    label = Text(link["label"] or link["url"])
    return label.append(f" ({link['role']})", style="bright_black") if link["role"] else label


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutreachError(
            f"The report cannot be written to {file}: {error.strerror}.", hint="Name a file in a folder that exists."
        ) from error
