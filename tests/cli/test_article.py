"""`outreach article import`: a file goes in, an article comes out, and what was lost is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from outreach.message import article
from tests.cli.line import outreach

SEED = Path(__file__).parents[1] / "message" / "seed"
SOURCE = str(SEED / "hip-article.txt")


def refused(*arguments: str) -> str:
    """The one sentence (and hint) that a refusal says."""
    result = outreach("article", *arguments)
    assert result.code == 1, result
    assert result.out == ""
    assert result.err.startswith("Error: ")
    assert "Traceback" not in result.err
    return result.err


def test_a_scraped_text_becomes_an_article(tmp_path: Path) -> None:
    out = tmp_path / "hip.md"
    result = outreach("article", "import", SOURCE, "--out", str(out))
    assert result.code == 0, result.err
    assert result.out.strip() == str(out)
    made = article.parse(out.read_text(encoding="utf-8"), file=str(out))
    assert made.title == "Getting Back on Your Feet: Life After a Hip Replacement"
    for told in ("Line 2: left out", "Line 6: left out", "Line 1: a call", "Line 34: a call", "Line 32: a sentence"):
        assert told in result.err
    assert "Line 36: a link without a usable target: here; it leads to the link role accreditation." in result.err


@pytest.mark.parametrize("options", [(), ("--force",)])
def test_an_article_that_cannot_be_written_is_refused_and_no_fault_of_outreach(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    told = refused("import", SOURCE, "--out", str(tmp_path / ("x" * 300)), *options)
    assert "cannot be written" in told
    assert list(tmp_path.iterdir()) == []


def test_json_is_one_document_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "hip.md"
    result = outreach("article", "import", SOURCE, "--out", str(out), "--json")
    assert result.code == 0, result.err
    told = result.document
    assert list(told) == ["out", "title", "headings", "calls", "missing_links", "cut_off", "dropped"]
    assert told["out"] == str(out)
    assert [link["role"] for link in told["missing_links"]] == ["quote", "quote", "accreditation"]
    assert [cut["line"] for cut in told["cut_off"]] == [32]
    assert result.err == ""


def test_the_real_shape_can_be_forced(tmp_path: Path) -> None:
    source = tmp_path / "page.txt"
    source.write_text("A Title\n\nA sentence that says <p>nothing</p> <p>of</p> <p>note</p> about tags.")
    out = tmp_path / "a.md"
    assert outreach("article", "import", str(source), "--out", str(out), "--as", "text").code == 0
    assert "\\<p\\>nothing" in out.read_text()


def test_a_file_that_is_there_is_only_replaced_by_force(tmp_path: Path) -> None:
    out = tmp_path / "hip.md"
    out.write_text("mine")
    assert "--force" in refused("import", SOURCE, "--out", str(out))
    assert out.read_text() == "mine"
    assert outreach("article", "import", SOURCE, "--out", str(out), "--force").code == 0
    assert out.read_text(encoding="utf-8").startswith("---\ntitle:")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "cannot be read"),
        (b"", "is empty"),
        (b"\0\1\2\3" * 100, "does not hold text"),
        (b"Just one sentence that has no title and is not short enough to be taken for one.", "--title"),
        (b"A Title\n\nA Title\n", "no article under the title"),
    ],
)
def test_a_source_that_is_none_is_one_clear_sentence(tmp_path: Path, data: bytes | None, words: str) -> None:
    source, out = tmp_path / "a.txt", tmp_path / "a.md"
    if data is not None:
        source.write_bytes(data)
    assert words in refused("import", str(source), "--out", str(out))
    assert not list(tmp_path.glob("*.md"))


def test_a_folder_is_no_article(tmp_path: Path) -> None:
    assert "cannot be read" in refused("import", str(tmp_path), "--out", str(tmp_path / "a.md"))


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    assert "cannot be written" in refused("import", SOURCE, "--out", str(tmp_path / "missing" / "a.md"))


def test_without_out_it_is_wrong_usage() -> None:
    assert outreach("article", "import", SOURCE).code == 2
