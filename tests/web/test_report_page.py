"""The report as a page: true to the figures, complete in itself, and safe with hostile words."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import lxml.html
import pytest

from outreach import config
from outreach.store.deliveries import DeliveryState
from outreach.web import report_page
from outreach.web.pages import Pages

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def pages() -> Pages:
    """The shipped pages."""
    return Pages((config.shipped("templates") / "pages",), sheet="report.css")


def figures(**changes: Any) -> dict[str, Any]:
    """A report as `figures.report` makes it."""
    states = {state.value: 0 for state in DeliveryState} | {"sent": 45, "excluded": 5, "bounced": 1}
    return {
        "name": "car-t",
        "state": "finished",
        "audience": 51,
        **states,
        "excluded_by": {"unsubscribed": 4, "suppressed": 1},
        "quote": {"human": 3, "suspect": 1, "machine": 4, "people": 2, "rate": 0.0444},
        "links": [
            {"role": "quote", "label": "Receive <b>a</b> quote", "url": "https://clinic.example/?a=1&b='2'",
             "human": 3, "suspect": 1, "machine": 4, "people": 2},
            {"role": "", "label": "", "url": "https://clinic.example/", "human": 0, "suspect": 0, "machine": 0,
             "people": 0},
        ],
        "unsubscribed": 1,
        "complaints": 0,
        "reason": None,
        "launched_at": "2026-03-02T09:00:00Z",
        "finished_at": None,
        "quote_over_time": {
            "step": "hour",
            "points": [
                {"at": "2026-03-02T09:00:00Z", "human": 2, "suspect": 0, "machine": 4},
                {"at": "2026-03-02T11:00:00Z", "human": 1, "suspect": 1, "machine": 0},
            ],
        },
        "runs": [],
        **changes,
    }  # fmt: skip


def numbers(text: str) -> list[float]:
    """Every number of a percentage."""
    return [float(number) for number in re.findall(r"[\d.]+", text)]


def test_the_page_asks_for_nothing(pages: Pages) -> None:
    html = report_page.html(figures(), pages, made_at=NOON)
    tree = lxml.html.fromstring(html)
    assert tree.xpath("//script | //link | //img | //iframe | //@onclick | //@style") == []
    assert "url(" not in html
    assert "@import" not in html
    assert {element.get("src") or element.get("href") for element in tree.iter()} == {None}


def test_what_a_publisher_wrote_is_text(pages: Pages) -> None:
    tree = lxml.html.fromstring(report_page.html(figures(name="<script>x</script>"), pages, made_at=NOON))
    assert tree.xpath("string(//h1)") == "<script>x</script>"
    assert "Receive <b>a</b> quote" in tree.xpath("string(//section[@aria-labelledby='links'])")


def test_the_state_bar_is_whole(pages: Pages) -> None:
    tree = lxml.html.fromstring(report_page.html(figures(), pages, made_at=NOON))
    pieces = tree.xpath("//svg[@class='state-bar']/rect")
    assert [piece.get("class") for piece in pieces] == ["sent", "bounced", "excluded"]
    assert sum(numbers(piece.get("width"))[0] for piece in pieces) == pytest.approx(100, abs=0.01)


def test_a_quiet_hour_shows_as_a_gap(pages: Pages) -> None:
    tree = lxml.html.fromstring(report_page.html(figures(), pages, made_at=NOON))
    pieces = tree.xpath("//svg[@class='columns']/rect")
    assert [piece.xpath("string(title)") for piece in pieces] == [
        "02 Mar 09:00: 2 human", "02 Mar 09:00: 4 machine", "02 Mar 11:00: 1 human", "02 Mar 11:00: 1 suspect",
    ]  # fmt: skip
    assert [float(piece.get("x")) for piece in pieces] == pytest.approx([0, 0, 100 / 6, 100 / 6], abs=0.01)
    tops = [(float(piece.get("y")), float(piece.get("height"))) for piece in pieces]
    assert tops[1] == pytest.approx((0, 66.667), abs=0.01)
    assert tops[0] == pytest.approx((66.667, 33.333), abs=0.01)


def test_every_chart_has_its_figures_as_a_table_and_a_name(pages: Pages) -> None:
    tree = lxml.html.fromstring(report_page.html(figures(), pages, made_at=NOON))
    assert len(tree.xpath("//figure")) == len(tree.xpath("//figure//table")) == 3
    assert all(svg.get("role") == "img" and svg.get("aria-label") for svg in tree.xpath("//svg"))
    assert tree.xpath("//th[not(@scope)]") == []
    assert [cell for cell in tree.xpath("//th") if not cell.text_content().strip()] == []


def test_failed_and_bounced_are_told_apart_by_their_colours(pages: Pages) -> None:
    html = report_page.html(figures(), pages, made_at=NOON)
    coloured = dict(re.findall(r"\.(\w+) \{ fill: var\((--\w+)\)", html))
    assert coloured["failed"] != coloured["bounced"]


def test_a_campaign_without_anything_has_a_page_too(pages: Pages) -> None:
    nothing = {state.value: 0 for state in DeliveryState}
    empty = figures(
        **nothing, audience=0, excluded_by={}, links=[], launched_at=None, runs=["car-t-20260302-0900"],
        quote_over_time={"step": "minute", "points": []}, reason="The schedule was missed.",
    )  # fmt: skip
    text = lxml.html.fromstring(report_page.html(empty, pages, made_at=NOON)).text_content()
    assert "Nothing was sent yet: each run" in text
    assert "Nobody has opened the quote link yet" in text
    assert "The schedule was missed." in text
    assert "car-t-20260302-0900" in text


def test_years_of_clicks_stay_a_drawing(pages: Pages) -> None:
    points = [{"at": f"{year}-03-02T00:00:00Z", "human": 1, "suspect": 0, "machine": 0} for year in (2020, 2026)]
    page = report_page.html(figures(quote_over_time={"step": "day", "points": points}), pages, made_at=NOON)
    assert len(lxml.html.fromstring(page).xpath("//svg[@class='columns']/rect")) == 2
