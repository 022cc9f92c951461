"""What every benchmark shares: alternating runs, fresh processes, and the row of the table that comes out."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass
class Row:
    """One comparison. `value` is what the goal is about: by default a ratio, ours to the peer's."""

    name: str
    ours: str
    peer: str
    value: float | None  # None: could not be measured, and `peer` says why
    goal: float
    more_is_better: bool = False
    unit: str = "x"

    @property
    def reached(self) -> bool | None:
        if self.value is None:
            return None
        return self.value >= self.goal if self.more_is_better else self.value <= self.goal


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternate(ours: Callable[[], float], peer: Callable[[], float], runs: int) -> tuple[float, float, float]:
    """Measure both by turns, each first every other time: the medians, and the median of the ratios of neighbours.

    Neighbours meet the same machine, so what else it does at the time disturbs their ratio least.
    """
    pairs = []
    for run in range(runs):
        first = ours() if run % 2 == 0 else None
        theirs = peer()
        pairs.append((ours() if first is None else first, theirs))
    mine, others = zip(*pairs, strict=True)
    return statistics.median(mine), statistics.median(others), statistics.median(a / b for a, b in pairs)


def in_fresh_python(*arguments: str) -> float:
    """Run Python with these arguments in a process of its own; the number that it prints last."""
    result = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"python {' '.join(arguments)} failed:\n{result.stderr}")
    return float(result.stdout.split()[-1])
