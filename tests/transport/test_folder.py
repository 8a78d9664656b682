"""The folder holds every message as it would have left, whole, with its envelope beside it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from outreach.errors import TransportError
from outreach.transport.folder import FolderTransport
from tests.transport.relays import Stock, letter, letters


def test_each_message_is_a_file_and_its_envelope_another(tmp_path: Path) -> None:
    stock = Stock(letters(3, message=b"Message-ID: <Tok-en_1@clinic.example>\r\n\r\nGood day.\r\n"))
    stock.held_back = {2}
    folder = FolderTransport(tmp_path / "out")
    asyncio.run(folder.run(stock, stock.begin, stock.outcomes.append))
    assert stock.answers() == {1: "body 250", 2: "data -", 3: "body 250"}
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        f"0000000{number}-Tok-en_1.{kind}" for number in (1, 3) for kind in ("eml", "json")
    ]
    assert (tmp_path / "out" / "00000001-Tok-en_1.eml").read_bytes().endswith(b"\r\n\r\nGood day.\r\n")
    assert json.loads((tmp_path / "out" / "00000003-Tok-en_1.json").read_text()) == {
        "delivery": 3, "mail_from": "bounces@clinic.example", "rcpt_to": "p3@example.org", "smtputf8": False,
    }  # fmt: skip


def test_a_message_id_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    outgoing = letter(message=b"Message-ID: <../../evil@x>\r\n\r\nhi\r\n")
    asyncio.run(FolderTransport(tmp_path / "out").send_one(outgoing))
    assert [file.parent for file in tmp_path.rglob("*.eml")] == [tmp_path / "out"]


def test_a_folder_that_cannot_be_made_is_one_clear_refusal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    stock = Stock(letters(2))
    with pytest.raises(TransportError, match="cannot be written"):
        asyncio.run(FolderTransport(tmp_path / "file").run(stock, stock.begin, stock.outcomes.append, patience=1))
    assert (len(stock.left), stock.outcomes) == (2, [])
    with pytest.raises(TransportError):
        asyncio.run(FolderTransport(tmp_path / "file").probe())
