"""The garbage collector of a process that sends; looked at in a process of its own, since it is set for all of one."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc
from outreach.engine import collector
collector.spare()
known = gc.get_freeze_count()
collector.spare()
assert gc.get_freeze_count() == known > 0
before = gc.get_stats()[0]["collections"]
kept = [[] for _ in range(15_000)]
assert gc.get_stats()[0]["collections"] == before, "thousands of young objects were looked through"
class Node: pass
for _ in range(30_000):
    one, other = Node(), Node()
    one.other, other.one = other, one
    del one, other
assert sum(isinstance(found, Node) for found in gc.get_objects()) < 30_000, "circles are never freed"
"""


def test_young_objects_are_looked_through_rarely_and_circles_still_freed() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)
