"""Database and secret key belong together, and a pair that does not is refused."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from outreach import config, materials, wiring
from outreach.errors import ArticleError, DatabaseNotReady, DatabaseUnavailable, KeyMismatch, NotFound, SettingsError
from outreach.house import open_house, prepare
from outreach.replies.toll import StopRule


def test_preparing_makes_a_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    house, before, _, made = prepare(config.load())
    house.close()
    key = tmp_path / "home" / "secret.key"
    assert before is None
    assert made
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(key.read_text().strip()) >= 32


def test_preparing_again_keeps_key_and_data(tmp_path: Path) -> None:
    prepare(config.load())[0].close()
    key = (tmp_path / "home" / "secret.key").read_text()
    house, before, after, made = prepare(config.load())
    house.close()
    assert (before, made) == (after, False)
    assert (tmp_path / "home" / "secret.key").read_text() == key


def test_a_host_with_another_key_is_refused(tmp_path: Path) -> None:
    prepare(config.load())[0].close()
    (tmp_path / "home" / "secret.key").write_text("x" * 64)
    with pytest.raises(KeyMismatch) as refusal:
        open_house(config.load())
    assert "outreach init" in (refusal.value.hint or "")
    with pytest.raises(KeyMismatch):
        prepare(config.load())


def test_a_lost_key_file_is_not_replaced_behind_ones_back(tmp_path: Path) -> None:
    prepare(config.load())[0].close()
    (tmp_path / "home" / "secret.key").unlink()
    with pytest.raises(SettingsError, match="secret key cannot be read"):
        open_house(config.load())


def test_init_after_the_key_was_lost_leaves_no_wrong_key_behind(tmp_path: Path) -> None:
    prepare(config.load())[0].close()
    key = tmp_path / "home" / "secret.key"
    key.unlink()
    with pytest.raises(KeyMismatch):
        prepare(config.load())
    assert not key.exists()


def test_init_on_a_full_disk_leaves_no_empty_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(SettingsError, match="No space left"):
            prepare(config.load())
    assert list((tmp_path / "home").iterdir()) == []
    prepare(config.load())[0].close()


def test_a_home_that_cannot_be_reached_is_refused_and_no_fault_of_outreach(tmp_path: Path) -> None:
    settings = config.load(home=tmp_path / ("x" * 300))
    with pytest.raises(DatabaseUnavailable, match="cannot be reached"):
        open_house(settings)
    with pytest.raises(SettingsError, match="cannot be made"):
        prepare(settings)


def test_a_database_where_no_folder_can_be_made_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_DATABASE_URL", "sqlite:////proc/nowhere/outreach.db")
    with pytest.raises(DatabaseUnavailable, match="cannot be reached"):
        prepare(config.load())


def test_an_article_whose_path_cannot_be_looked_at_is_refused() -> None:
    with pytest.raises(ArticleError, match="cannot be read"):
        materials.article(config.load(), "x" * 300)


def test_a_database_in_memory_is_refused_since_nothing_would_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_DATABASE_URL", "sqlite://")
    with pytest.raises(SettingsError, match="in memory"):
        prepare(config.load())


def test_the_key_never_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_SECRET_KEY", "k" * 40)
    house = prepare(config.load())[0]
    house.close()
    assert "kkkk" not in repr(house)


def test_opening_before_init_says_so() -> None:
    with pytest.raises(DatabaseNotReady):
        open_house(config.load())


def test_an_article_is_found_by_path_and_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "templates" / "articles"
    own.mkdir(parents=True)
    (own / "spring-news.md").write_text("\ufeff# Spring", encoding="utf-8")
    monkeypatch.setenv("OUTREACH_TEMPLATES", str(tmp_path / "templates"))
    settings = config.load()
    assert materials.article(settings, "spring-news") == ("spring-news", "# Spring")
    assert materials.article(settings, str(own / "spring-news.md")) == ("spring-news", "# Spring")
    with pytest.raises(NotFound) as refusal:
        materials.article(settings, "spring-newz")
    assert "spring-news" in (refusal.value.hint or "")
    with pytest.raises(NotFound, match=r"no-such-file\.md"):
        materials.article(settings, str(tmp_path / "no-such-file.md"))


def test_an_article_that_is_not_text_is_refused_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "picture.md").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(ArticleError, match=r"picture\.md: it is not UTF-8 text"):
        materials.article(config.load(), str(tmp_path / "picture.md"))


def test_a_layout_comes_with_all_its_files_and_ones_own_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = materials.layout(config.load(), "default")
    assert {"layout.html", "layout.css"} <= set(shipped.sources)
    own = tmp_path / "templates" / "email" / "default"
    (own / "parts").mkdir(parents=True)
    (own / "layout.html").write_text("own")
    (own / "parts" / "foot.html").write_text("foot")
    monkeypatch.setenv("OUTREACH_TEMPLATES", str(tmp_path / "templates"))
    assert materials.layout(config.load(), "default").sources == {"layout.html": "own", "parts/foot.html": "foot"}
    with pytest.raises(NotFound) as refusal:
        materials.layout(config.load(), "defualt")
    assert "default" in (refusal.value.hint or "")


def dkim_settings(monkeypatch: pytest.MonkeyPatch, file: Path) -> config.Settings:
    monkeypatch.setenv("OUTREACH_DKIM_DOMAIN", "news.example.org")
    monkeypatch.setenv("OUTREACH_DKIM_SELECTOR", "s2026")
    monkeypatch.setenv("OUTREACH_DKIM_KEY", str(file))
    return config.load()


def pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey, word: bytes = b"") -> bytes:
    lock = serialization.BestAvailableEncryption(word) if word else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)


def test_nothing_signs_where_no_key_is_set() -> None:
    assert materials.signer(config.load()) is None
    assert materials.sign(config.load())(b"From: a@example.org\r\n\r\n") == b"From: a@example.org\r\n\r\n"


def test_what_signs_is_made_of_the_key_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "dkim.pem"
    file.write_bytes(pem(rsa.generate_private_key(65537, 2048)))
    settings = dkim_settings(monkeypatch, file)
    signer = materials.signer(settings)
    assert signer is not None
    (record,) = signer.records
    assert record.name == "s2026._domainkey.news.example.org"
    assert record.value.startswith("v=DKIM1; k=rsa; p=")
    assert repr(signer) == "Signer(domain='news.example.org', keys=(DkimKey(selector='s2026'),))"
    assert materials.sign(settings)(b"From: a@example.org\r\n\r\n").startswith(b"DKIM-Signature: v=1; a=rsa-sha256;")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "it cannot be read: No such file or directory"),
        (b"", "it holds no private key in PEM form"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "it holds no private key in PEM form"),
        (
            rsa.generate_private_key(65537, 2048)
            .public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
            "it holds no private key in PEM form",
        ),
        (pem(rsa.generate_private_key(65537, 1024)), "its 1024 bits are too few, 2048 are needed"),
        (pem(rsa.generate_private_key(65537, 2048), b"open"), "it is locked with a passphrase"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "it holds a key that is not for RSA"),
    ],
    ids=["absent", "empty", "garbled", "public", "short", "locked", "elliptic"],
)
def test_a_key_file_that_cannot_sign_is_refused_with_its_name_and_the_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    file = tmp_path / "dkim.pem"
    if content is not None:
        file.write_bytes(content)
    settings = dkim_settings(monkeypatch, file)
    with pytest.raises(SettingsError) as refusal:
        materials.signer(settings)
    assert refusal.value.message == f"OUTREACH_DKIM_KEY is {str(file)!r}: {reason}."
    assert refusal.value.hint


def test_an_ed25519_key_signs_only_beside_one_for_rsa(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, key in (
        ("s1", rsa.generate_private_key(65537, 2048)),
        ("s2", rsa.generate_private_key(65537, 2048)),
        ("e1", ed25519.Ed25519PrivateKey.generate()),
    ):
        (tmp_path / name).write_bytes(pem(key))
    monkeypatch.setenv("OUTREACH_DKIM_DOMAIN", "news.example.org")
    monkeypatch.setenv("OUTREACH_DKIM_KEYS", f"e1={tmp_path / 'e1'}")
    with pytest.raises(SettingsError, match="signs only beside an RSA key"):
        materials.signer(config.load())
    monkeypatch.setenv("OUTREACH_DKIM_KEYS", ",".join(f"{name}={tmp_path / name}" for name in ("e1", "s1", "s2")))
    signer = materials.signer(config.load())
    assert signer is not None
    assert [key.selector for key in signer.signing] == ["s1", "e1"]
    assert [record.name.partition(".")[0] for record in signer.records] == ["e1", "s1", "s2"]
    monkeypatch.setenv("OUTREACH_DKIM_KEYS", f"s1={tmp_path / 's1'},s2={tmp_path / 'absent'}")
    with pytest.raises(SettingsError, match=r"OUTREACH_DKIM_KEYS, s2=.*absent: it cannot be read"):
        materials.signer(config.load())


def test_when_a_campaign_stops_itself_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wiring.stop_rule(config.load()) == StopRule(share=0.1, complaints=0.003, after=500)
    for name, value in (("SHARE", "2.5 %"), ("COMPLAINTS", "0.1%"), ("AFTER", "50")):
        monkeypatch.setenv(f"OUTREACH_STOP_{name}", value)
    assert wiring.stop_rule(config.load()) == StopRule(share=0.025, complaints=0.001, after=50)
    monkeypatch.setenv("OUTREACH_STOP_SHARE", "0.1")
    with pytest.raises(SettingsError, match="write a percentage"):
        config.load()
