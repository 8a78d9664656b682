"""What does a large campaign cost while it leaves? Launch, memory over time, answers to `status`, CPU a message."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from outgoing import outbox
from outgoing.outbox import Way

from outreach.store import campaigns, figures
from outreach.store.database import Store

#: The small campaigns that the large one is compared with: what both have alike is the start.
SMALL, SMALLER = 10_000, 1_000


def measured(folder: Path, port: int, rows: int) -> dict[str, Any]:
    """Small campaigns, then one to everybody on the same list, and small ones again: machines change their pace."""
    store = Store(f"sqlite:///{folder}/million.db")
    print(f"filling with {rows:,} people", file=sys.stderr)
    outbox.fill(store, rows)
    way = Way(store.url.render_as_string(hide_password=False), port, folder / "journals")
    before = {n: _cheapest(way, store, n) for n in (SMALLER, SMALL)}
    number, launch_seconds = outbox.launched(store)
    processes = outbox.senders(way, number)
    outbox.begin(processes)
    samples = _watched(processes[0], store, number)
    told = outbox.ended(processes)
    after = {n: _cheapest(way, store, n) for n in (SMALLER, SMALL)}
    cpu = {n: (before[n] + after[n]) / 2 for n in before}
    store.close()
    small = (cpu[SMALL] - cpu[SMALLER]) / (SMALL - SMALLER)
    large = (told["cpu"] - cpu[SMALLER]) / (rows - SMALLER)
    slow = sorted(sample["status_ms"] for sample in samples)
    return {
        "rows": rows,
        "deliveries": told["deliveries"],
        "launch_seconds": round(launch_seconds, 2),
        "seconds": round(told["seconds"], 1),
        "per_second": round(rows / told["seconds"]),
        "cpu_us_per_message": {f"{SMALL}": round(small * 1e6, 1), f"{rows}": round(large * 1e6, 1)},
        "cpu_large_against_small": round(large / small, 3),
        "peak_mb": told["peak_mb"],
        "memory_mb": [sample["memory_mb"] for sample in samples[:: max(1, len(samples) // 20)]],
        "status_ms": {"median": round(statistics.median(slow), 1), "p99": slow[len(slow) * 99 // 100], "max": slow[-1]},
    }


def _cheapest(way: Way, store: Store, rows: int) -> float:
    """The CPU seconds of a campaign to so few, the least of three."""
    return min(outbox.drained(way, outbox.launched(store, most=rows)[0])["cpu"] for _ in range(3))


def _watched(process: subprocess.Popen[str], store: Store, campaign: int) -> list[dict[str, float]]:
    """Memory of the sender and the time that `status` takes, once a second until it ends."""
    samples: list[dict[str, float]] = []
    while process.poll() is None:
        begun = time.perf_counter()
        with store.reading() as session:
            status = figures.status(session, campaigns.by_id(session, campaign))
        took = time.perf_counter() - begun
        samples.append({"status_ms": round(took * 1000, 1), "memory_mb": _memory(process.pid)})
        if len(samples) % 20 == 1:
            print(f"{status['sent']:,} sent, {samples[-1]}", file=sys.stderr)
        time.sleep(1)
    return samples


def _memory(pid: int) -> float:
    """Resident megabytes of a process; 0 where it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((round(int(line.split()[1]) / 1024, 1) for line in lines if line.startswith("VmRSS")), 0.0)
