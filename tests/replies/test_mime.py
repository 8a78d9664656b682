"""Messages of strangers are taken apart as the standard library does it, up to limits that it does not know."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.replies import mime
from tests.replies.corpus import Case, cases


def _leaves(message: bytes) -> list[tuple[str, bytes]]:
    """Type and content of the parts that the standard library finds, as far as both readers go."""
    found = []
    open_parts = [email.message_from_bytes(message, policy=email.policy.compat32)]
    while open_parts:
        part = open_parts.pop(0)
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            open_parts[:0] = part.get_payload()  # type: ignore[arg-type]
        elif part.get_content_maintype() == "text":
            found.append((part.get_content_type(), part.get_payload(decode=True)))
        else:
            found.append((part.get_content_type(), b""))
    return found  # type: ignore[return-value]


@pytest.mark.parametrize("case", [case for case in cases() if "boundary" not in case.name], ids=lambda case: case.name)
def test_parts_are_those_that_the_standard_library_finds(case: Case) -> None:
    ours = [
        (part.type, part.body.strip() if part.type.startswith("text/") else b"")
        for part in mime.opened(case.message).walk()
        if not part.parts
    ]
    assert ours == [(kind, body.strip()) for kind, body in _leaves(case.message)]


@given(
    st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=300),
    st.sampled_from(["base64", "quoted-printable"]),
)
def test_text_is_decoded(text: str, encoding: str) -> None:
    message = EmailMessage()
    message.set_content(text, cte=encoding)
    assert mime.opened(message.as_bytes()).text.rstrip("\n") == text.rstrip("\n")


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        (b"Gr\xfc\xdfe", "iso-8859-1", "Grüße"),
        (b"Gr\xfc\xdfe", "", "Grüße"),
        (b"Gr\xfc\xdfe", "us-ascii", "Grüße"),
        (b"Gr\xfc\xdfe", "klingon", "Grüße"),
        ("Grüße".encode(), "us-ascii", "Grüße"),
        ("Grüße".encode(), "zlib", "Grüße"),
        ("Grüße".encode("utf-16"), "utf-16", "Grüße"),
        (b"a-b", "punycode", "a-b"),
    ],
)
def test_charsets_may_be_wrong(data: bytes, charset: str, text: str) -> None:
    assert mime.decoded(data, charset) == text


def test_of_html_the_words_remain() -> None:
    page = b"<html><style>p {}</style><p>a &lt;b@example.com&gt;<br>c</p><script>x</script></html>"
    assert mime.opened(b"Content-Type: text/html\n\n" + page).text.split() == ["a", "<b@example.com>", "c"]


def test_what_lies_too_deep_is_not_there() -> None:
    deep = b"Content-Type: text/plain\n\nhello\n"
    for n in range(mime.DEEPEST + 2):
        deep = f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n".encode() + deep + f"\n--b{n}--\n".encode()
    assert mime.opened(deep).first("text/plain") is None


def test_parts_have_a_limit_whichever_way_they_lie() -> None:
    many = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nhello\n" * 500
    assert len(mime.opened(many).parts) == mime.MOST_PARTS
    wide = b"--c\n\n" * 50
    wide = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"".join(
        b"--b\nContent-Type: multipart/mixed; boundary=c\n\n" + wide for _ in range(50)
    )
    assert sum(1 for _ in mime.opened(wide).walk()) == mime.MOST_PARTS + 1


def test_fields_are_unfolded_decoded_and_found_under_any_spelling() -> None:
    header = mime.opened(
        b"SUBJECT: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n =?utf-8?q?_dir?=\r\nFrom: A <A@Example.com>\r\n\r\n"
    ).header
    assert header.words("subject") == "Grüße dir"
    assert header.address("from") == "a@example.com"
