"""The formula of one cell for each kind of layer, in functions that every spreadsheet has and a student can read."""

from course_utils.excel.errors import ExportError
from course_utils.excel.grid import Grid, Rect, cell, span

LONGEST = 8192  # characters in a formula, in every version of Excel
Pair = tuple[int, int]


def number(value: float) -> str:
    """A constant inside a formula, exact.

    >>> number(0.01), number(1e-5), number(20.0)
    ('0.01', '1E-05', '20')
    """
    return repr(float(value)).upper().removesuffix(".0")


def relu(expression: str) -> str:
    """MAX(0, ...), the whole of a rectified linear unit (lecture 0:54:03).

    >>> relu("B5")
    'MAX(0,B5)'
    """
    return f"MAX(0,{expression})"


def convolution(
    source: Grid, kernels: list[Rect], channels: range, bias: str, y: int, x: int, stride: Pair, padding: Pair
) -> str:
    """SUMPRODUCT of the window above output (y, x) and the kernel, for each input channel, and the bias.

    A window that hangs over the edge is cut off there together with its kernel: the padding is zeros, which add nothing.
    A dilated kernel stands on the sheet with its holes, so that window and kernel always have one shape.

    >>> convolution(Grid(0, 0, 1, 5, 5, 7), [Rect(0, 8, 3, 3)], range(1), "$M$1", 0, 0, (1, 1), (1, 1))
    'SUMPRODUCT(A1:B2,$J$2:$K$3)+$M$1'
    """
    terms = []
    for kernel, channel in zip(kernels, channels, strict=True):
        reach_y, reach_x = kernel.last_row - kernel.row, kernel.last_col - kernel.col
        top, left = y * stride[0] - padding[0], x * stride[1] - padding[1]
        first_y, last_y = max(top, 0), min(top + reach_y, source.height - 1)
        first_x, last_x = max(left, 0), min(left + reach_x, source.width - 1)
        if first_y > last_y or first_x > last_x:
            continue  # the window lies in the padding altogether
        row, col = source.at(channel)
        window = span(row + first_y, col + first_x, row + last_y, col + last_x)
        row, col = kernel.row - top, kernel.col - left
        weights = span(row + first_y, col + first_x, row + last_y, col + last_x, fixed=True)
        terms.append(f"SUMPRODUCT({window},{weights})" if ":" in window else f"{window}*{weights}")
    return "+".join([*terms, bias] if bias else terms) or "0"


def linear(sources: list[Rect], weights: list[Rect], bias: str, moving: str = "weights") -> str:
    """SUMPRODUCT of all inputs and as many weights, and the bias; `moving` says which addresses have no dollar signs.

    >>> linear([Rect(0, 0, 3, 1)], [Rect(0, 2, 3, 1)], "D1")
    'SUMPRODUCT($A$1:$A$3,C1:C3)+D1'
    >>> linear([Rect(0, 0, 1, 2)], [Rect(0, 5, 1, 2)], "$I$1", "inputs")
    'SUMPRODUCT(A1:B1,$F$1:$G$1)+$I$1'
    """
    fixed = moving == "weights"
    terms = []
    for values, factors in zip(sources, weights, strict=True):
        first, second = values.address(fixed=fixed), factors.address(fixed=not fixed)
        terms.append(f"SUMPRODUCT({first},{second})" if values.height * values.width > 1 else f"{first}*{second}")
    return "+".join([*terms, bias] if bias else terms)


def normalised(value: str, mean: str, variance: str, weight: str, bias: str, eps: float) -> str:
    """(x - mean) / standard deviation, then scaled and shifted (Ioffe and Szegedy 2015).

    >>> normalised("B5", "$H$1", "$H$2", "$H$3", "$H$4", 1e-5)
    '(B5-$H$1)/SQRT($H$2+1E-05)*$H$3+$H$4'
    """
    scaled = f"({value}-{mean})/SQRT({variance}+{number(eps)})"
    return scaled + (f"*{weight}" if weight else "") + (f"+{bias}" if bias else "")


def leaky_relu(value: str, slope: float) -> str:
    """The value above zero, a fraction of it below.

    >>> leaky_relu("B5", 0.01)
    'IF(B5>0,B5,0.01*B5)'
    """
    return f"IF({value}>0,{value},{number(slope)}*{value})"


def prelu(value: str, weight: str) -> str:
    """The value above zero, times a weight that was learnt below (He, Zhang, Ren and Sun 2015).

    >>> prelu("B5", "$H$8")
    'IF(B5>0,B5,$H$8*B5)'
    """
    return f"IF({value}>0,{value},{weight}*{value})"


def sigmoid(value: str) -> str:
    """1 / (1 + exp(-x)), always between 0 and 1; below -700, where exp(-x) is too large for a cell, x counts as -700.

    >>> sigmoid("B5")
    '1/(1+EXP(-MAX(B5,-700)))'
    """
    return f"1/(1+EXP(-MAX({value},-700)))"


def max_pool(source: Grid, channel: int, y: int, x: int, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> str:
    """MAX of the window above output (y, x).

    >>> max_pool(Grid(0, 0, 1, 4, 4, 6), 0, 1, 1, (2, 2), (2, 2), (0, 0), (1, 1))
    'MAX(C3:D4)'
    """
    top, left = y * stride[0] - padding[0], x * stride[1] - padding[1]
    rows = [r for r in range(top, top + kernel[0] * dilation[0], dilation[0]) if 0 <= r < source.height]
    cols = [c for c in range(left, left + kernel[1] * dilation[1], dilation[1]) if 0 <= c < source.width]
    row, col = source.at(channel)
    if dilation == (1, 1):
        return f"MAX({span(row + rows[0], col + cols[0], row + rows[-1], col + cols[-1])})"
    return f"MAX({','.join(cell(row + r, col + c) for r in rows for c in cols)})"


def avg_pool(
    source: Grid, channel: int, y: int, x: int, kernel: Pair, stride: Pair, padding: Pair, count_pad: bool, divisor: int | None
) -> str:
    """AVERAGE of the window above output (y, x); where padding counts, the sum divided by the size of the window.

    >>> avg_pool(Grid(0, 0, 1, 4, 4, 6), 0, 1, 1, (2, 2), (2, 2), (0, 0), True, None)
    'AVERAGE(C3:D4)'
    >>> avg_pool(Grid(0, 0, 1, 4, 4, 6), 0, 0, 0, (2, 2), (2, 2), (1, 1), True, None)
    'SUM(A1)/4'
    """
    top, left = y * stride[0] - padding[0], x * stride[1] - padding[1]
    # as PyTorch counts: a window may reach over the padding (ceil_mode), and what lies beyond it never counts
    bottom = min(top + kernel[0], source.height + padding[0])
    right = min(left + kernel[1], source.width + padding[1])
    counted = (bottom - top) * (right - left)
    first_y, last_y = max(top, 0), min(bottom, source.height) - 1
    first_x, last_x = max(left, 0), min(right, source.width) - 1
    real = (last_y - first_y + 1) * (last_x - first_x + 1)
    row, col = source.at(channel)
    window = span(row + first_y, col + first_x, row + last_y, col + last_x)
    divided_by = divisor or (counted if count_pad else real)
    return f"AVERAGE({window})" if divided_by == real else f"SUM({window})/{divided_by}"


def adaptive_window(source: Grid, channel: int, y: int, x: int, size: Pair) -> str:
    """The window that output (y, x) of `size` covers: PyTorch's rule, from floor to ceiling, so that windows may overlap.

    >>> adaptive_window(Grid(0, 0, 1, 5, 5, 7), 0, 1, 1, (2, 2))
    'C3:E5'
    """
    first_y, last_y = y * source.height // size[0], -(-(y + 1) * source.height // size[0]) - 1
    first_x, last_x = x * source.width // size[1], -(-(x + 1) * source.width // size[1]) - 1
    row, col = source.at(channel)
    return span(row + first_y, col + first_x, row + last_y, col + last_x)


def check_length(formula: str, path: str) -> None:
    """Raise ExportError where a formula is longer than a cell may hold."""
    if len(formula) >= LONGEST:
        raise ExportError(
            f"{path}: its formulas would have {len(formula):,} characters and a cell holds {LONGEST:,}; "
            "give the layer fewer input channels, or groups"
        )
