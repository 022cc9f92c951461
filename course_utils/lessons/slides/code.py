"""The code of a cell on a slide: folded to what is being said."""

import ast
import math
import re
from collections.abc import Sequence

from course_utils.lessons.rendering import highlighted
from course_utils.lessons.slides.blocks import WIDTH, Block

DRAWING = {"plt", "axis", "axes", "ax", "figure", "fig", "bar", "colorbar"}  # what only lays out a figure
SETTINGS = ("%config", "%matplotlib", "%load_ext", "%autoreload", "%reload_ext")
MOST = 18  # lines on a slide
LARGEST, SMALLEST, BROKEN = 27, 17, 21  # of letters, in pixels; the last for lines that are broken in any case
WIDE = 0.602  # of a letter's size: how wide a letter of a monospaced font is
HIGH = 1.42  # and how high a line


def code_blocks(source: str, cell: str) -> list[Block]:
    """Give the code of a cell as blocks of at most a slide's height, without imports and without what only lays out a figure.

    A line at the end says how many were left out, but for imports; where nothing else is in a cell, there are no blocks.
    """
    lines = source.rstrip("\n").split("\n")
    kept = kept_lines(source)
    if not kept:
        return []
    coloured = highlighted("\n".join(lines)).split("\n")
    imports = {number for node in _statements(source) if _is_import(node) for number in _lines_of(node)}
    hidden = sum(bool(line.strip()) and number not in imports and number not in kept for number, line in enumerate(lines))
    runs = _runs(kept, lines, {node.lineno - 1 for node in _statements(source)})
    return [_block(run, lines, coloured, hidden if run is runs[-1] else 0, cell) for run in runs]


def _block(run: Sequence[int], lines: Sequence[str], coloured: Sequence[str], hidden: int, cell: str) -> Block:
    shown_lines = [lines[number] for number in run]
    size, height = size_of(shown_lines)
    style = letters_style(size, shown_lines)
    note = f'<p class="folded">{hidden} more line{"s" if hidden > 1 else ""}: press C</p>' if hidden else ""
    shown = "\n".join(coloured[number] for number in run)
    name = name_of(shown_lines)
    return Block(
        "code",
        f'<div class="code" style="{style}"><pre class="code"><code>{shown}</code></pre>{note}</div>',
        height + (24 if hidden else 0),
        name if len(name) <= 60 else f"{name[:59]}…",
        cell=cell,
        letters=size,
    )


def name_of(lines: Sequence[str]) -> str:
    """The line that says what code comes to: the last that begins a statement and does not only print.

    >>> name_of(["# a river", "river = next(", "    i for i in rows", ")", "show(river)", "print(river)"])
    'show(river)'
    """
    begin = [line for line in lines if line[:1].isidentifier() or (line[:1] in "%[({" and len(line) > 2)]
    told = [line for line in begin if not line.startswith("print(")]
    return next(iter(told[::-1] or begin[::-1] or [line.strip() for line in lines if line.strip()]), "")


def size_of(lines: Sequence[str]) -> tuple[float, float]:
    """How large the letters of monospaced lines can be, in pixels, and how high they stand then.

    Lines that would have to be broken even in the smallest letters are broken in larger ones.
    """
    fits = (WIDTH - 48) / (WIDE * max(map(len, lines), default=1))
    size = min(LARGEST, math.floor(fits)) if fits >= SMALLEST else BROKEN
    letters = (WIDTH - 48) / (WIDE * size)
    count = sum(max(1, math.ceil(len(line) / letters)) for line in lines)
    return size, count * size * HIGH + 32


def letters_style(size: float, lines: Sequence[str]) -> str:
    """How large monospaced lines are as CSS: in em of the slide's letters, and never so large that the longest line breaks."""
    most = (WIDTH - 50) / (0.606 * max(map(len, lines), default=1))
    return f"--letter:{size / 28:.3f};--most:{most if most >= SMALLEST else BROKEN:.1f}"


def kept_lines(source: str) -> list[int]:
    """The numbers, from 0, of the lines that say something: imports, and what only lays out a figure, do not.

    >>> kept_lines("import torch\\n\\nx = torch.ones(3)\\nfigure, axes = plt.subplots(2)\\naxes.set_title('x')\\nx.sum()")
    [2, 5]
    """
    lines = source.rstrip("\n").split("\n")
    kept = set(range(len(lines)))
    for statement in _statements(source):
        if _says_nothing(statement):
            kept -= set(_lines_of(statement))
    kept -= {number for number in kept if lines[number].startswith(SETTINGS)}
    for number in sorted(kept, reverse=True):  # what is said of a line that is left out goes with it
        if lines[number].startswith("#") and number + 1 < len(lines) and lines[number + 1].strip() and number + 1 not in kept:
            kept.remove(number)
    if all(lines[number].strip() == "" or lines[number].lstrip().startswith("#") for number in kept):
        return []
    return _without_edges(sorted(kept), lines)


def _statements(source: str) -> list[ast.stmt]:
    """The statements of a cell; none where it is not Python, also not without its lines for IPython."""
    try:
        return ast.parse(re.sub(r"^\s*[%!].*", "pass", source, flags=re.MULTILINE)).body
    except (SyntaxError, ValueError):
        return []


def _lines_of(node: ast.stmt) -> range:
    return range(node.lineno - 1, node.end_lineno or node.lineno)


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _says_nothing(node: ast.stmt) -> bool:
    if _is_import(node):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Name):
        return True  # what it shows is seen
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call) and _root(node.value) in DRAWING
    if isinstance(node, ast.Assign):
        return isinstance(node.value, ast.Call) and _root(node.value) in DRAWING
    if isinstance(node, ast.For | ast.With):
        return all(_says_nothing(inner) for inner in node.body)
    return False


def _root(node: ast.expr) -> str:
    """The name at which a chain of calls, attributes and indices begins."""
    while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _without_edges(kept: list[int], lines: Sequence[str]) -> list[int]:
    """No empty lines at the ends, nor two in a row."""
    found: list[int] = []
    for number in kept:
        if lines[number].strip() or (found and lines[found[-1]].strip()):
            found.append(number)
    while found and not lines[found[-1]].strip():
        found.pop()
    return found


def _runs(kept: list[int], lines: Sequence[str], starts: set[int]) -> list[list[int]]:
    """The lines in runs of about one length, none longer than a slide, cut where a statement starts if one does."""
    count = math.ceil(len(kept) / MOST)
    if count <= 1:
        return [kept]
    wished, runs = len(kept) / count, []
    rest = kept
    while len(rest) > MOST:
        ends = [at for at in range(2, MOST + 1) if at < len(rest) and rest[at] in starts]
        end = min(ends, key=lambda at: abs(at - wished)) if ends else min(round(wished), MOST)
        runs.append(_without_edges(rest[:end], lines))
        rest = rest[end:]
    runs.append(_without_edges(rest, lines))
    return [run for run in runs if run]
