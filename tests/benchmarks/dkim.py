"""How many DKIM signatures a second does one core make, and do two threads make twice as many?

Signs the shipped mail with RSA of 2048 bits: with one thread, then with two that sign side by side while a third
splices, as a sender does. Rounds alternate; the best of each kind counts, since other work on the machine only slows.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from cryptography.hazmat.primitives.asymmetric import rsa

from outreach import config, materials
from outreach.address import parse_mailbox
from outreach.message import article, compile, splice
from outreach.message.dkim import Signer
from outreach.message.dkimkey import DkimKey
from outreach.message.headers import Identity
from outreach.message.recipient import Recipient, Stamp

#: Messages that a worker gets at once, so that handing over costs each of them little.
SLICE = 16


def main() -> None:
    options = _options()
    signer = Signer("news.example.org", (DkimKey("s2026", rsa.generate_private_key(65537, options.bits)),))
    mails = list(itertools.islice(_mails(), 256))
    kinds: dict[str, Callable[[], float]] = {
        "one_thread": lambda: _one_thread(signer, mails, options.rows),
        "two_threads": lambda: _pool(signer, itertools.cycle(mails), options.rows, 2),
        "spliced_one_thread": lambda: _one_thread(signer, _mails(), options.rows),
        "spliced_two_threads": lambda: _pool(signer, _mails(), options.rows, 2),
        "spliced_unsigned": lambda: _unsigned(_mails(), options.rows),
    }
    rounds = []
    for number in range(options.rounds):
        rounds.append({kind: round(options.rows / measure()) for kind, measure in kinds.items()})
        print(f"round {number + 1}: {rounds[-1]}", file=sys.stderr)
    best = {kind: max(each[kind] for each in rounds) for kind in kinds}
    document = {
        "signatures_per_second": best,
        "two_threads_against_one": round(best["two_threads"] / best["one_thread"], 2),
        "cores_that_two_threads_keep_busy": _cores(signer, mails, options.rows),
        "bits": options.bits,
        "message_bytes": len(mails[0]),
        "rounds": rounds,
    }
    print(json.dumps(document, indent=2))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=8_000, help="messages of a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bits", type=int, default=2048, help="length of the key")
    return parser.parse_args()


def _mails() -> Iterator[bytes]:
    """The shipped mail, for one reader after the other."""
    settings = config.load()
    name, text = materials.article(settings, "car-t-cell-therapy")
    letter = article.parse(text, file=name).with_links({"quote": "https://quote.example/ask"})
    identity = Identity(
        sender=parse_mailbox("Clinic News <news@example.org>"), reply_to=None, subject=letter.subject,
        postal_address="1 Elm Street", list_name="readers", list_title="Readers",
        public_url="https://news.example.org",
    )  # fmt: skip
    compiled = compile.campaign(letter, materials.layout(settings, "default"), identity, date=datetime.now(UTC))
    for number in itertools.count():
        stamp = Stamp(
            message_id=f"{number}@example.org", click=lambda link: f"https://news.example.org/l/{link:032}",
            unsubscribe=f"https://news.example.org/u/{number:032}", view=f"https://news.example.org/v/{number:032}",
            preferences=f"https://news.example.org/p/{number:032}", feedback_id="1:example",
        )  # fmt: skip
        yield splice.message(compiled, Recipient(f"reader{number}@example.com", f"Reader {number}"), stamp)


def _one_thread(signer: Signer, mails: list[bytes] | Iterator[bytes], rows: int) -> float:
    source = itertools.cycle(mails) if isinstance(mails, list) else mails
    next(source)  # compiles
    return _timed(lambda: _sign(signer, itertools.islice(source, rows)))[0]


def _unsigned(source: Iterator[bytes], rows: int) -> float:
    next(source)
    return _timed(lambda: sum(1 for _ in itertools.islice(source, rows)))[0]


def _pool(signer: Signer, source: Iterator[bytes], rows: int, threads: int) -> float:
    """Splice here, sign there, with a bounded number of slices on their way."""
    next(source)

    def work() -> None:
        waiting: list[Future[int]] = []
        done = 0
        for _ in range(0, rows, SLICE):
            waiting.append(pool.submit(_sign, signer, list(itertools.islice(source, SLICE))))
            if len(waiting) > 2 * threads:
                done += waiting.pop(0).result()
        done += sum(each.result() for each in waiting)
        assert done >= rows

    with ThreadPoolExecutor(threads) as pool:
        return _timed(work)[0]


def _sign(signer: Signer, mails: Iterator[bytes] | list[bytes]) -> int:
    return sum(1 for mail in mails if signer.sign(mail))


def _cores(signer: Signer, mails: list[bytes], rows: int) -> float:
    """1.0 where one thread keeps the others from signing."""
    wall, cpu = _timed(lambda: _pool(signer, itertools.cycle(mails), rows, 2))
    return round(cpu / wall, 2)


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    main()
