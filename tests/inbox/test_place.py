"""Where mail waits on a server: what can be written, and what is refused."""

from __future__ import annotations

import pytest

from outreach.inbox.place import Place, Tls, parse


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("imaps://u:p@mail.example.org", Place("mail.example.org", 993, Tls.IMPLICIT, "u", "p")),
        ("imap://u%40x:p%2Fq@mail.example.org/Reports",
         Place("mail.example.org", 143, Tls.REQUIRED, "u@x", "p/q", "Reports")),
        ("imap://u:p@127.0.0.1:1143/a/b?tls=off&handled=delete",
         Place("127.0.0.1", 1143, Tls.OFF, "u", "p", "a/b", None)),
        ("imaps://u:p@mail.example.org/INBOX?handled=Done%20with",
         Place("mail.example.org", 993, Tls.IMPLICIT, "u", "p", "INBOX", "Done with")),
    ],
)  # fmt: skip
def test_a_place_is_read(url: str, place: Place) -> None:
    assert parse(url) == place
    assert "password" not in repr(place)


@pytest.mark.parametrize(
    "url",
    [
        "pop3://u:hunter2@example.org",
        "imaps://example.org",
        "imaps://u@example.org",
        "imaps://u:hunter2@",
        "imaps://u:hunter2@example.org:99999",
        "imap://u:hunter2@mail.example.org?tls=off",
        "imaps://u:hunter2@127.0.0.1?tls=off",
        "imaps://u:hunter2@example.org?handled=",
        "imaps://u:hunter2@example.org?folder=x",
        "imaps://u:hunter2@example.org/Outreach",
        "imaps://u:hunter2@example.org/B%C3%BCcher",
        "imaps://u:hunter2@example.org/a%0d%0ab",
    ],
)
def test_what_cannot_be_is_refused_without_the_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as refused:
        parse(url)
    assert "hunter2" not in str(refused.value)
