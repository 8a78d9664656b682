"""The labelled corpus: messages that came back, and what a person says of each. Its form: corpus/README.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"


@dataclass(frozen=True)
class Case:
    """One message and its truth."""

    name: str
    #: Kind, enhanced status code and reader; `-` stands for none.
    truth: tuple[str, str, str]
    message: bytes
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def crlf(self) -> bytes:
        """The message with the line ends of SMTP."""
        return self.message.replace(b"\n", b"\r\n")


def cases() -> list[Case]:
    """All of them, in the order of their files."""
    return [
        _case(f"{file.stem}/{block.partition(chr(10))[0].strip()}", block)
        for file in sorted(FOLDER.glob("*.mails"))
        for block in _blocks(file.read_text("utf-8"))
    ]


def _blocks(text: str) -> list[str]:
    """Each message with its lines of truth: a line `%% name` begins one, `%% fact: value` does not."""
    blocks: list[list[str]] = []
    for line in text.split("\n"):
        if line.startswith("%% ") and ": " not in line:
            blocks.append([line[3:]])
        else:
            blocks[-1].append(line)
    return ["\n".join(block) for block in blocks]


def _case(name: str, block: str) -> Case:
    facts, message = {}, []
    for line in block.split("\n")[1:]:
        if line.startswith("%% "):
            fact, _, value = line[3:].partition(": ")
            facts[fact] = value
        else:
            message.append(line)
    kind, status, by = facts["is"].split()
    data = "\n".join(message).encode(facts.get("written", "utf-8"))
    return Case(name, (kind, status, by), data, facts)
