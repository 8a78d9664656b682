"""`outreach campaign status | report`: where a campaign stands, and what became of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from outreach.actions import recount as recounting
from outreach.actions import report as made_report
from outreach.actions.recount import Recounted
from outreach.cli import open as opened
from outreach.cli import show
from outreach.errors import OutreachError
from outreach.store import campaigns, figures
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.deliveries import DeliveryState
from outreach.tracking.robot import Judgement
from outreach.web import report_page
from outreach.web.pages import Pages
from outreach.wiring import House

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The campaign's name.")]

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
#: The status, its campaign, and how the clicks are judged.
_Look = tuple[dict[str, Any], Campaign, dict[str, int]]

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
    with opened.house() as house:
        looks = _looks(house, name) if watch else iter([_look(house, name)])
        if as_json:
            *_, (document, _campaign, _clicks) = looks
            show.document(document)
        elif watch:
            _watch(looks)
        else:
            show.out().print(_status_table(*next(looks)))


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
            _tell(recounting.campaign(house.store, name, now=now))
        document, campaign = made_report.campaign(house.store, name, now=now)
        if html is not None:
            pages = Pages(house.settings.template_folders("pages"), sheet="report.css")
            _write(html, report_page.html(document, pages, made_at=now))
    if as_json:
        show.document({key: value for key, value in document.items() if key not in figures.BESIDES})
    elif html is not None:
        show.line(f"Wrote {html}.")
    else:
        show.out().print(report_table(document, campaign))


def _tell(done: Recounted) -> None:
    """What came of judging anew, beside the report."""
    kept = f"; of {done.without_client:,} the client's data is gone already: they keep what was seen then"
    show.note(f"Judged {done.hits:,} clicks anew, {done.changed:,} otherwise{kept if done.without_client else ''}.")


def report_table(document: dict[str, Any], campaign: Campaign) -> RenderableType:
    """The report for a terminal."""
    return Group(_status_table(document, campaign), *_outcome(document))


def _look(house: House, name: str) -> _Look:
    with house.store.reading() as session:
        campaign = campaigns.by_name(session, name)
        return figures.status(session, campaign), campaign, figures.clicks(session, campaign)


def _looks(house: House, name: str) -> Iterator[_Look]:
    while True:
        look = _look(house, name)
        yield look
        if look[0]["state"] in _ENDS:
            return
        time.sleep(PAUSE)


def _watch(looks: Iterator[_Look]) -> None:
    """A table that is drawn anew; where stdout is no terminal, the last one alone. Ctrl-C ends the watching."""
    console = show.out()
    last: RenderableType = ""
    try:
        with Live(console=console, auto_refresh=False, transient=not console.is_terminal) as live:
            for look in looks:
                last = _status_table(*look)
                if console.is_terminal:
                    live.update(last, refresh=True)
    except KeyboardInterrupt:
        pass
    if not console.is_terminal:
        console.print(last)


def _status_table(document: dict[str, Any], campaign: Campaign, clicks: dict[str, int] | None = None) -> RenderableType:
    lines: list[RenderableType] = [Text.assemble((document["name"], "bold"), f"  {document['state']}")]
    if campaign.reason:
        lines.append(Text(campaign.reason, style="yellow"))
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
    if clicks and any(clicks.values()):
        grid.add_row("", "", "")
        for each, colour in _JUDGED.items():
            grid.add_row(f"clicks, {each.value}", Text(f"{clicks[each.value]:,}", style=colour), "")
    return Group(*lines, grid)


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
