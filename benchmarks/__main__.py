"""`python -m benchmarks [NAME ...] [--quick]`: one table, each row beside what one would use instead."""

import argparse
import os
import platform
from importlib import import_module, metadata
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.measure import Row
from course_utils.vision.threads import usable_cpus

SUBJECTS = [
    "epoch",
    "loading",
    "precompute",
    "freezing",
    "labels",
    "resizing",
    "planet",
    "tabular",
    "durations",
    "scale",
    "shards",
    "imports",
    "memory",
    "excel",
    "frames",
]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Time and memory beside what one would use instead."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(SUBJECTS)}; by default all")
    parser.add_argument("--quick", action="store_true", help="few and small runs: whether it works, not how fast it is")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in SUBJECTS]:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(SUBJECTS)}")

    console, rows, failures = Console(), list[Row](), list[str]()
    if not console.is_terminal:
        console = Console(width=140)
    before = load()
    for name in options.names or SUBJECTS:
        with console.status(f"{name} ..."):
            try:
                rows += import_module(f"benchmarks.{name}").rows(options.quick)
            except Exception as error:  # one that fails must not cost the results of the others
                failures.append(f"{name} failed: {type(error).__name__}: {error}")
    console.print(
        table(rows),
        machine(),
        f"Load before: {before}; well above 0, other programs ran too. Seeds are fixed; the medians are of runs by turns.",
        sep="\n",
    )
    if options.quick:
        console.print("--quick: too few and too small runs for the figures to mean anything.")
    for failure in failures:
        console.print(failure, style="red", markup=False)


def table(rows: list[Row]) -> Table:
    table = Table("what / peer", "ours", "peer", "ratio", "goal", "reached", box=box.SIMPLE)
    for row in rows:
        digits = 0 if row.unit == " MB" else 1 if row.more_is_better else 2
        value = "-" if row.value is None else f"{row.value:,.{digits}f}{row.unit}"
        goal = f"{'>=' if row.more_is_better else '<='} {row.goal:,g}{row.unit}"
        table.add_row(row.name, row.ours, row.peer, value, goal, {True: "ok", False: "NO", None: "-"}[row.reached])
    return table


def machine() -> str:
    packages = ("torch", "torchvision", "fastai", "pillow", "numpy", "course-utils")
    return (
        f"{platform.system()} {platform.machine()}, {processor()}, {usable_cpus()} in use\nPython {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in packages)
    )


def processor() -> str:
    info = Path("/proc/cpuinfo")
    names = (
        [line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line] if info.exists() else []
    )
    return names[0] if names else platform.processor() or "unknown processor"


def version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


if __name__ == "__main__":
    main()
