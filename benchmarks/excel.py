"""Writing workbooks of live formulas, side by side with openpyxl writing the same cells without their values.

Each measurement is a process of its own (`python -m benchmarks.excel WRITER WHAT`). Time (of the processor) and memory are
those of writing alone: the network has run and the sheet is planned before, and memory is the peak above what was held then.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import torch
from torch import nn

from benchmarks.measure import ROOT, Row
from course_utils.excel.layout import plan_sheet
from course_utils.excel.manifest import manifest_of
from course_utils.excel.plan import Formula, Item, Plan
from course_utils.excel.writer import PIXEL, _headings, _rows, write_workbook
from course_utils.networks import drawn_seven, edge_network
from course_utils.tracing.fuse import fuse_relu
from course_utils.tracing.steps import Trace
from course_utils.tracing.trace import trace_model

REPEATS = 3


def network(formulas: int) -> tuple[nn.Module, torch.Tensor]:
    """A convolutional network with about this many formulas: two convolutions of 4 channels, ReLU, max pool."""
    side = max(8, round((formulas / 17) ** 0.5))  # per pixel: 4 conv, 4 ReLU, 4 conv, 4 ReLU, 1 pool
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers), torch.rand(1, side, side)


def prepared(what: str) -> tuple[Plan, Trace]:
    """The plan of `conv_example` or of a network with so many formulas."""
    if what == "conv_example":
        trace = fuse_relu(trace_model(edge_network(), drawn_seven()))
    else:
        trace = trace_model(*network(int(what)))
    return plan_sheet(trace, "benchmark"), trace


def write_openpyxl(plan: Plan, path: Path) -> None:
    """The same cells, formats, widths and formulas of both sheets; openpyxl cannot store the values beside the formulas."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
    from openpyxl.utils import get_column_letter

    book = Workbook()
    book.remove(book.active)
    thin, dotted = Side("thin", color="A6A6A6"), Side("hair", color="D0D0D0")
    text, number, blue = Font("Arial", 9), Font("Arial", 7), Font("Arial", 7, color="1F4E9E")
    middle, fill, unlocked = (
        Alignment("center", "center", shrink_to_fit=True),
        PatternFill("solid", "DCE6F1"),
        Protection(locked=False),
    )
    borders = [
        Border(
            top=thin if edge & 1 else dotted,
            bottom=thin if edge & 2 else dotted,
            left=thin if edge & 4 else dotted,
            right=thin if edge & 8 else dotted,
        )
        for edge in range(16)
    ]
    for name, with_formulas in (("Network", True), ("PyTorch", False)):
        sheet = book.create_sheet(name)
        for col in range(1, plan.last_col + 2):
            sheet.column_dimensions[get_column_letter(col)].width = PIXEL / 7
        for row, cells in _rows([*plan.items, *_headings(plan)], plan.areas, formulas=with_formulas):
            for item in cells:
                if isinstance(item, Item):
                    content = item.content
                    made = sheet.cell(row + 1, item.col + 1, "=" + content.text if isinstance(content, Formula) else content)
                    made.font = text
                    if item.style in ("name", "shape", "words"):
                        made.fill = fill
                    continue
                col, content, area, y, x = item
                made = sheet.cell(row + 1, col + 1, "=" + content.text if isinstance(content, Formula) else float(content))
                made.font = number if area.formula else blue
                made.alignment = middle
                made.number_format = "0.00;-0.00;0"
                rect = area.rect
                if with_formulas:
                    made.border = borders[(y == 0) + 2 * (y == rect.height - 1) + 4 * (x == 0) + 8 * (x == rect.width - 1)]
                    if not area.formula:
                        made.protection = unlocked
    book.save(path)


def peak() -> int:
    """The largest memory this process has held since it was last reset, in bytes (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise OSError("no VmHWM in /proc/self/status")


def measure(writer: str, what: str) -> dict[str, float]:
    """Write once, in this process."""
    plan, trace = prepared(what)
    manifest = manifest_of(plan, trace)
    small, small_trace = prepared("500")  # so that no import is counted
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "book.xlsx"
        if writer == "ours":
            write_workbook(small, path, manifest_of(small, small_trace))
        else:
            write_openpyxl(small, path)
        Path("/proc/self/clear_refs").write_text("5")  # from here on the peak is counted anew
        before, start = peak(), time.process_time()
        if writer == "ours":
            write_workbook(plan, path, manifest)
        else:
            write_openpyxl(plan, path)
        seconds = time.process_time() - start  # of this process, whatever else the machine does
        return {
            "seconds": seconds,
            "bytes": peak() - before,
            "whole": peak(),
            "size": path.stat().st_size,
            "formulas": plan.formulas,
        }


def in_process(writer: str, what: str) -> dict[str, float]:
    """Write once, in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.excel", writer, what]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def rows(quick: bool = False) -> list[Row]:
    """Time and peak memory beside openpyxl's, medians of alternating runs; then how the time for a formula grows."""
    table = []
    for what in ("conv_example", "5000" if quick else "60000"):
        runs = [(in_process("ours", what), in_process("openpyxl", what)) for _ in range(1 if quick else REPEATS)]
        ours, theirs = ({key: median(run[side][key] for run in runs) for key in runs[0][0]} for side in (0, 1))
        name = f"workbook of {ours['formulas']:,.0f} formulas"
        time_ratio, memory_ratio = ours["seconds"] / theirs["seconds"], ours["bytes"] / max(1, theirs["bytes"])
        table.append(Row(f"{name}: time / openpyxl", _s(ours), _s(theirs), time_ratio, 1.2))
        table.append(Row(f"{name}: peak memory / openpyxl", _mb(ours), _mb(theirs), memory_ratio, 0.6))
    first, *more = (in_process("ours", what) for what in (("1000", "5000") if quick else ("10000", "100000", "500000")))
    for run in more:
        ratio = run["seconds"] / run["formulas"] / (first["seconds"] / first["formulas"])
        name = f"time per formula, {run['formulas']:,.0f} formulas / {first['formulas']:,.0f}"
        table.append(Row(name, _s(run), _s(first), ratio, 1.3))
    return table


def _s(run: dict[str, float]) -> str:
    return f"{run['seconds']:.2f} s"


def _mb(run: dict[str, float]) -> str:
    return f"{run['bytes'] / 1e6:.1f} MB"


if __name__ == "__main__":
    print(json.dumps(measure(*sys.argv[1:])))
