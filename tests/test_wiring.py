"""Database and secret key belong together, and a pair that does not is refused."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from outreach import config, wiring
from outreach.errors import ArticleError, DatabaseNotReady, KeyMismatch, NotFound, SettingsError


def test_preparing_makes_a_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    house, before, _, made = wiring.prepare(config.load())
    house.close()
    key = tmp_path / "home" / "secret.key"
    assert before is None
    assert made
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(key.read_text().strip()) >= 32


def test_preparing_again_keeps_key_and_data(tmp_path: Path) -> None:
    wiring.prepare(config.load())[0].close()
    key = (tmp_path / "home" / "secret.key").read_text()
    house, before, after, made = wiring.prepare(config.load())
    house.close()
    assert (before, made) == (after, False)
    assert (tmp_path / "home" / "secret.key").read_text() == key


def test_a_host_with_another_key_is_refused(tmp_path: Path) -> None:
    wiring.prepare(config.load())[0].close()
    (tmp_path / "home" / "secret.key").write_text("x" * 64)
    with pytest.raises(KeyMismatch) as refusal:
        wiring.open_house(config.load())
    assert "outreach init" in (refusal.value.hint or "")
    with pytest.raises(KeyMismatch):
        wiring.prepare(config.load())


def test_a_lost_key_file_is_not_replaced_behind_ones_back(tmp_path: Path) -> None:
    wiring.prepare(config.load())[0].close()
    (tmp_path / "home" / "secret.key").unlink()
    with pytest.raises(SettingsError, match="secret key cannot be read"):
        wiring.open_house(config.load())


def test_the_key_never_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_SECRET_KEY", "k" * 40)
    house = wiring.prepare(config.load())[0]
    house.close()
    assert "kkkk" not in repr(house)


def test_opening_before_init_says_so() -> None:
    with pytest.raises(DatabaseNotReady):
        wiring.open_house(config.load())


def test_an_article_is_found_by_path_and_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "templates" / "articles"
    own.mkdir(parents=True)
    (own / "spring-news.md").write_text("\ufeff# Spring", encoding="utf-8")
    monkeypatch.setenv("OUTREACH_TEMPLATES", str(tmp_path / "templates"))
    settings = config.load()
    assert wiring.article(settings, "spring-news") == ("spring-news", "# Spring")
    assert wiring.article(settings, str(own / "spring-news.md")) == ("spring-news", "# Spring")
    with pytest.raises(NotFound) as refusal:
        wiring.article(settings, "spring-newz")
    assert "spring-news" in (refusal.value.hint or "")
    with pytest.raises(NotFound, match=r"no-such-file\.md"):
        wiring.article(settings, str(tmp_path / "no-such-file.md"))


def test_an_article_that_is_not_text_is_refused_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "picture.md").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(ArticleError, match=r"picture\.md: it is not UTF-8 text"):
        wiring.article(config.load(), str(tmp_path / "picture.md"))


def test_a_layout_comes_with_all_its_files_and_ones_own_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = wiring.layout(config.load(), "default")
    assert {"layout.html", "layout.css"} <= set(shipped.sources)
    own = tmp_path / "templates" / "email" / "default"
    (own / "parts").mkdir(parents=True)
    (own / "layout.html").write_text("own")
    (own / "parts" / "foot.html").write_text("foot")
    monkeypatch.setenv("OUTREACH_TEMPLATES", str(tmp_path / "templates"))
    assert wiring.layout(config.load(), "default").sources == {"layout.html": "own", "parts/foot.html": "foot"}
    with pytest.raises(NotFound) as refusal:
        wiring.layout(config.load(), "defualt")
    assert "default" in (refusal.value.hint or "")
