"""The sheet "Follow": choose a number of the network, and see the numbers and weights that it was made of (0:51:46-0:53:23)."""

from typing import Any

from xlsxwriter import Workbook

from course_utils.excel.follow.layer import Followed
from course_utils.excel.grid import cell, span
from course_utils.excel.manifest import MODEL_SHEET
from course_utils.excel.page import Page
from course_utils.excel.plan import Formula, Plan

FOLLOW_SHEET, PLACES_SHEET = "Follow", "Places"
PRINTED = 32  # numbers of the list that fit on a printed page; the rows of a larger layer would give empty ones
WINDOW = 7  # rows and columns of the pictures of window, kernel and products

# The columns of the hidden sheet, a row for each layer: where it stands and how its windows lie.
COLUMNS = (
    "layer", "how", "channels", "rows", "columns", "row", "col", "pitch",
    "source row", "source col", "source pitch", "source rows", "source columns", "inputs", "kernel rows", "kernel columns",
    "stride y", "stride x", "padding y", "padding x", "dilation y", "dilation x", "outputs per group",
    "weight row", "weight col", "outputs below", "output rows", "output cols", "inputs below", "input rows", "input cols",
    "weight step y", "weight step x", "bias row", "bias col", "bias pitch", "relu",
)  # fmt: skip


def _row_of(layer: Followed) -> list[str | int | Formula]:
    """What the hidden sheet says of a layer. Corners are formulas, which move with their cells."""

    def corner(row: int, col: int) -> list[str | int | Formula]:
        at = f"{MODEL_SHEET}!{cell(row, col, fixed=True)}"
        return [Formula(f"ROW({at})", row + 1), Formula(f"COLUMN({at})", col + 1)]

    out, source, w = layer.out, layer.source, layer.weights
    found: list[str | int | Formula] = [layer.name, layer.how, out.channels, out.height, out.width]
    found += [*corner(out.row, out.col), out.pitch, *corner(source.row, source.col), source.pitch, source.height, source.width]
    found += [layer.inputs, *layer.kernel, *layer.stride, *layer.padding, *layer.dilation, layer.outputs_per_group]
    if w is None:
        found += [0] * 8
    else:
        found += [*corner(w.row, w.col), w.outputs_below, w.output_rows, w.output_cols]
        found += [w.inputs_below, w.input_rows, w.input_cols]
    found += layer.weight_steps
    found += [*corner(*layer.bias[:2]), layer.bias[2]] if layer.bias else [0, 0, 0]
    return [*found, int(layer.relu)]


# Where things stand on the sheet that one sees.
LAYER, CHANNEL, ROW, COLUMN = (3, 3), (4, 3), (5, 3), (6, 3)
RESULT, LIST = 8, 17  # their first rows
NUMBER, IN_CHANNEL, IN_ROW, IN_COLUMN, ADDRESS, INPUT, WEIGHT, PRODUCT = range(1, 9)
PICTURES = 10  # the first column of window, kernel and products
HIDDEN = PICTURES + 3 * (WINDOW + 1) + 1  # a column with what the formulas need to know of the layer that was chosen


def write_follow(book: Workbook, plan: Plan) -> None:
    """Write both sheets, for the layers of `plan.followed`; nothing where there are none."""
    layers = plan.followed
    if not layers:
        return
    first = next((layer for layer in layers if layer.how == "sum"), layers[0])
    _Follow(book, plan, layers, first).write()
    places = book.add_worksheet(PLACES_SHEET)
    for col, name in enumerate(COLUMNS):
        places.write_string(0, col, name)
    for number, layer in enumerate(layers, start=1):
        for col, content in enumerate(_row_of(layer)):
            if isinstance(content, Formula):
                places.write_formula(number, col, "=" + content.text, None, content.value)
            elif isinstance(content, str):
                places.write_string(number, col, content)
            else:
                places.write_number(number, col, content)
    places.hide()


class _Follow:
    """The sheet that one sees, with the layer that is chosen at first. What is known of it stands in a hidden column."""

    def __init__(self, book: Workbook, plan: Plan, layers: list[Followed], layer: Followed) -> None:
        note = (
            "Choose a layer and one of its numbers in the blue cells, and everything below follows. A layer that is not in the "
            "list, such as softmax, is made in another way: click on its cells."
        )
        self.page = Page(book, FOLLOW_SHEET, "Follow a number: what was it made of?", note)
        self.layers, self.layer = layers, layer
        self.longest = max(layer.terms for layer in layers)
        self.network = f"{MODEL_SHEET}!{span(0, 0, plan.last_row, plan.last_col + 1, fixed=True)}"
        self.at = 0, (layer.out.height - 1) // 2, (layer.out.width - 1) // 2
        self.cells: dict[tuple[int, int], tuple[str | float | Formula, str]] = {}
        self.known: dict[str, str] = {}

    def write(self) -> None:
        self._know()
        self._choices()
        self._list()
        self._results()
        self._pictures()
        for (row, col), (content, style) in sorted(self.cells.items()):
            if (row, col) == LAYER:
                self.page.across(row, col, col + 2, self.layer.name, style)
            else:
                self.page.put(row, col, content, style)
        self._looks()

    def put(self, row: int, col: int, content: str | float | Formula, style: str) -> None:
        self.cells[row, col] = content, style

    def _looks(self) -> None:
        """Widths, what may be chosen, and colours for above and below zero."""
        page, sheet, last = self.page, self.page.sheet, LIST + self.longest
        page.widths({1: 170, **dict.fromkeys(range(2, 9), 92), 9: 26})
        page.widths(dict.fromkeys(range(PICTURES, HIDDEN), 54))
        sheet.set_column(HIDDEN, HIDDEN, None, None, {"hidden": True})
        sheet.data_validation(*LAYER, *LAYER, {"validate": "list", "source": f"={self._column('layer')}"})
        for place, name in ((CHANNEL, "channels"), (ROW, "rows"), (COLUMN, "columns")):
            whole = {"validate": "integer", "criteria": "between", "minimum": 1, "maximum": f"={self.known[name]}"}
            sheet.data_validation(*place, *place, {**whole, "error_message": "A whole number, at most as many as are there."})
        for colour, criteria in (("#C6EFCE", ">"), ("#FFC7CE", "<")):
            sign = {"type": "formula", "format": page.book.add_format({"bg_color": colour})}
            for area in ((LIST + 1, INPUT, last, PRODUCT), (RESULT + 1, PICTURES, RESULT + WINDOW, PICTURES + 3 * WINDOW + 1)):
                sheet.conditional_format(*area, {**sign, "criteria": f"=N({cell(*area[:2])}){criteria}0"})
        # without the empty column beside the hidden one: LibreOffice would draw the hidden numbers there, as ###
        sheet.print_area(0, 0, LIST + min(self.longest, PRINTED), HIDDEN - 2)
        sheet.freeze_panes(LIST + 1, 0)

    def _column(self, name: str) -> str:
        col = COLUMNS.index(name)
        return f"{PLACES_SHEET}!{span(1, col, len(self.layers), col, fixed=True)}"

    def _know(self) -> None:
        """What the hidden sheet says of the chosen layer, and what follows for the chosen number, each in a cell."""
        row_of = [part.value if isinstance(part, Formula) else part for part in _row_of(self.layer)]
        of: dict[str, int] = {name: value for name, value in zip(COLUMNS, row_of, strict=True) if isinstance(value, int)}
        self._know_one(
            "number of the layer", f"MATCH({cell(*LAYER)},{self._column('layer')},0)", self.layers.index(self.layer) + 1
        )
        for name, value in zip(COLUMNS[1:], row_of[1:], strict=True):
            self._know_one(name, f"INDEX({self._column(name)},{self.known['number of the layer']})", value)
        k, (c, y, x) = self.known, self.at
        for name, place, value in (("channels", CHANNEL, c), ("rows", ROW, y), ("columns", COLUMN, x)):
            clamped = f"MIN(MAX(INT(N({cell(*place)})),1),{k[name]})-1"
            self._know_one(f"chosen {name}", clamped, value)
        c_of, y_of, x_of = (k[f"chosen {name}"] for name in ("channels", "rows", "columns"))
        size = of["kernel rows"] * of["kernel columns"]
        group = c // of["outputs per group"] * of["inputs"]
        self._know_one("kernel", f"{k['kernel rows']}*{k['kernel columns']}", size)
        self._know_one("terms", f"{k['inputs']}*{k['kernel']}", size * of["inputs"])
        self._know_one("first channel", f"INT({c_of}/{k['outputs per group']})*{k['inputs']}+1", group + 1)
        for axis, at, at_of in (("y", y, y_of), ("x", x, x_of)):
            text = f"{at_of}*{k[f'stride {axis}']}-{k[f'padding {axis}']}+1"
            self._know_one(f"first {axis}", text, at * of[f"stride {axis}"] - of[f"padding {axis}"] + 1)
        below = max(of["outputs below"], 1)
        o_row, o_col = of["weight row"] + c % below * of["output rows"], of["weight col"] + c // below * of["output cols"]
        below_of = f"MAX({k['outputs below']},1)"
        self._know_one("own row", f"{k['weight row']}+MOD({c_of},{below_of})*{k['output rows']}", o_row)
        self._know_one("own col", f"{k['weight col']}+INT({c_of}/{below_of})*{k['output cols']}", o_col)

    def _know_one(self, name: str, text: str, value: float | str) -> None:
        row = RESULT + len(self.known)
        self.known[name] = cell(row, HIDDEN, fixed=True)
        self.put(row, HIDDEN, Formula(text, value), "counted")

    def _choices(self) -> None:
        out = self.layer.out
        for place, words, value, size in (
            (LAYER, "layer", self.layer.name, 0),
            (CHANNEL, "channel or output", self.at[0] + 1, out.channels),
            (ROW, "row", self.at[1] + 1, out.height),
            (COLUMN, "column", self.at[2] + 1, out.width),
        ):
            self.put(place[0], 1, words, "heading_left")
            self.put(*place, value, "edit_plain")
            if size:
                name = {"channel or output": "channels", "row": "rows", "column": "columns"}[words]
                there, shown = self.known[name], f"{self.known[f'chosen {name}']}+1"
                other = f'"there is 1 to "&{there}&", so this shows "&{shown}'
                self.put(place[0], 4, Formula(f'IF(N({cell(*place)})={shown},"of "&{there},{other})', f"of {size}"), "text")

    def _list(self) -> None:
        k = self.known
        for col, words in (
            (NUMBER, "number"), (IN_CHANNEL, "channel"), (IN_ROW, "row"), (IN_COLUMN, "column"), (ADDRESS, "its cell"),
            (INPUT, "what it is"), (WEIGHT, "weight"), (PRODUCT, "product"),
        ):  # fmt: skip
            self.put(LIST, col, words, "heading")
        if self.longest > PRINTED:
            says = f'"the first {PRINTED} of these "&{k["terms"]}&" numbers are printed"'
            first = says.replace(f'"&{k["terms"]}&"', str(self.layer.terms))[1:-1] if self.layer.terms > PRINTED else ""
            self.put(LIST - 1, 1, Formula(f'IF({k["terms"]}>{PRINTED},{says},"")', first), "text")
        for number in range(self.longest):
            row, value = LIST + 1 + number, self._term(number)
            n, c, y, x, address = (cell(row, col) for col in (NUMBER, IN_CHANNEL, IN_ROW, IN_COLUMN, ADDRESS))
            within, input_number = f"MOD({n}-1,{k['kernel']})", f"INT(({n}-1)/{k['kernel']})"
            down, along = f"INT({within}/{k['kernel columns']})", f"MOD({within},{k['kernel columns']})"
            place = f"{k['source row']}+({c}-1)*{k['source pitch']}+{y}-1,{k['source col']}+{x}-1"
            below = f"MAX({k['inputs below']},1)"
            weight = (
                f"{k['own row']}+MOD({input_number},{below})*{k['input rows']}+{down}*{k['weight step y']},"
                f"{k['own col']}+INT({input_number}/{below})*{k['input cols']}+{along}*{k['weight step x']}"
            )
            texts = {
                NUMBER: f'IF({number}<{k["terms"]},{number + 1},"")',
                IN_CHANNEL: f"{k['first channel']}+{input_number}",
                IN_ROW: f"{k['first y']}+{down}*{k['dilation y']}",
                IN_COLUMN: f"{k['first x']}+{along}*{k['dilation x']}",
                ADDRESS: f'IF(OR({y}<1,{y}>{k["source rows"]},{x}<1,{x}>{k["source columns"]}),"padding",ADDRESS({place},4))',
                INPUT: f'IF({address}="padding",IF({k["how"]}="sum",0,""),INDEX({self.network},{place}))',
                WEIGHT: f'IF({k["weight row"]}=0,"",INDEX({self.network},{weight}))',
                PRODUCT: f'IF({cell(row, WEIGHT)}="","",{cell(row, INPUT)}*{cell(row, WEIGHT)})',
            }
            for col, text in texts.items():
                whole = text if col == NUMBER else f'IF({n}="","",{text})'
                self.put(row, col, Formula(whole, value[col]), "loose" if col >= INPUT else "counted")

    def _term(self, number: int) -> dict[int, Any]:
        """The values of a row of the list, as they are at first."""
        layer = self.layer
        if number >= layer.terms:
            return dict.fromkeys(range(NUMBER, PRODUCT + 1), "")
        size = layer.kernel[0] * layer.kernel[1]
        i, within = divmod(number, size)
        ky, kx = divmod(within, layer.kernel[1])
        channel = self.at[0] // layer.outputs_per_group * layer.inputs + i
        y, x = (
            at * step - pad + k * dilation
            for at, step, pad, k, dilation in zip(
                self.at[1:], layer.stride, layer.padding, (ky, kx), layer.dilation, strict=True
            )
        )
        inside = 0 <= y < layer.source.height and 0 <= x < layer.source.width
        grid = layer.source
        flat = (channel * grid.height + y) * grid.width + x
        value: float | str = float(layer.before.reshape(-1)[flat]) if inside else 0.0 if layer.how == "sum" else ""
        weight: float | str = float(layer.kernels[self.at[0], number]) if layer.weights else ""
        product = value * weight if isinstance(value, float) and isinstance(weight, float) else ""
        address = cell(*grid.at(channel, y, x)) if inside else "padding"
        return dict(enumerate((number + 1, channel + 1, y + 1, x + 1, address, value, weight, product), start=NUMBER))

    def _results(self) -> None:
        layer = self.layer
        inputs, products = (span(LIST + 1, col, LIST + self.longest, col, fixed=True) for col in (INPUT, PRODUCT))
        terms = [self._term(number) for number in range(layer.terms)]
        total = sum(float(term[PRODUCT] or 0) for term in terms)
        numbers = [term[INPUT] for term in terms if isinstance(term[INPUT], float)]
        all_of = {"total": sum(numbers), "mean": sum(numbers) / len(numbers), "largest": max(numbers), "smallest": min(numbers)}
        made = {**all_of, "sum": total, "one": numbers[0]}[layer.how]
        bias = float(layer.biases[self.at[0]]) if layer.bias else 0.0
        own = float(layer.values.reshape(layer.out.channels, layer.out.height, layer.out.width)[self.at])
        how, c = self.known["how"], self.known["chosen channels"]
        words = {"sum": "sum of the products", "total": "the sum", "mean": "the mean", "largest": "the largest"}
        words |= {"smallest": "the smallest", "one": "the one number"}
        functions = {"total": "SUM", "largest": "MAX", "smallest": "MIN"}
        said = "".join(f'IF({how}="{key}","{text}",' for key, text in words.items()) + '""' + ")" * len(words)
        put, row = self.put, RESULT
        put(row, 1, "what it is made of", "section")
        put(row + 1, 1, Formula(said, words[layer.how]), "heading_left")
        picked = "".join(f'IF({how}="{key}",{function}({inputs}),' for key, function in functions.items())
        pick = f'IF({how}="sum",SUM({products}),{picked}AVERAGE({inputs})' + ")" * (len(functions) + 1)
        put(row + 1, 3, Formula(pick, made), "sum")
        put(row + 2, 1, "bias", "heading_left")
        where = f"{self.known['bias row']}+{c}*{self.known['bias pitch']},{self.known['bias col']}"
        put(row + 2, 3, Formula(f"IF({self.known['bias row']}=0,0,INDEX({self.network},{where}))", bias), "sum")
        put(row + 3, 1, "together", "heading_left")
        both, ends = f"{cell(row + 1, 3)}+{cell(row + 2, 3)}", max(0.0, made + bias) if layer.relu else made + bias
        put(row + 3, 3, Formula(f"IF({self.known['relu']}=1,MAX(0,{both}),{both})", ends), "sum")
        relu = "after ReLU: negatives are 0"
        put(row + 3, 4, Formula(f'IF({self.known["relu"]}=1,"{relu}","")', relu if layer.relu else ""), "text")
        put(row + 5, 1, "in the network", "heading_left")
        grid_row = f"{self.known['row']}+{c}*{self.known['pitch']}+{self.known['chosen rows']}"
        grid = f"{grid_row},{self.known['col']}+{self.known['chosen columns']}"
        put(row + 5, 3, Formula(f"INDEX({self.network},{grid})", own), "sum")
        there = cell(*layer.out.at(*self.at))
        link = f'HYPERLINK("#{MODEL_SHEET}!"&ADDRESS({grid},4),"go to "&ADDRESS({grid},4))'
        put(row + 5, 4, Formula(link, f"go to {there}"), "text")
        same = f"ABS({cell(row + 5, 3)}-{cell(row + 3, 3)})<=0.000000001*MAX(1,ABS({cell(row + 5, 3)}))"
        equal, by_formula = "the same number", "made of it by the formula in its cell"
        told = f'IF({how}="one","{by_formula}",IF({same},"{equal}","not {equal}"))'
        put(row + 6, 3, Formula(told, by_formula if layer.how == "one" else equal), "text")

    def _pictures(self) -> None:
        """Window, kernel and products of the first channel that the number reads, as they lie."""
        fitting = [layer for layer in self.layers if max(layer.kernel) <= WINDOW and layer.how != "one"]
        if not fitting:
            return
        high, wide = (max(layer.kernel[axis] for layer in fitting) for axis in (0, 1))
        rows, cols, first = (self.known[name] for name in ("kernel rows", "kernel columns", "first channel"))
        fits = f"AND({rows}<={WINDOW},{cols}<={WINDOW})"
        kernel = self.layer.kernel
        for picture, (words, col) in enumerate((("window", INPUT), ("kernel", WEIGHT), ("products", PRODUCT))):
            left = PICTURES + picture * (wide + 1)
            said = f"{words} of channel {self._term(0)[IN_CHANNEL]}" if not picture else words
            self.put(RESULT, left, Formula(f'"{words} of channel "&{first}', said) if not picture else said, "text")
            if picture:
                self.put(RESULT + 1 + high // 2, left - 1, ("×", "→")[picture - 1], "sign")
            listed = span(LIST + 1, col, LIST + self.longest, col, fixed=True)
            for y in range(high):
                for x in range(wide):
                    text = f'IF(AND({fits},{y}<{rows},{x}<{cols}),INDEX({listed},{y}*{cols}+{x + 1}),"")'
                    shown = max(kernel) <= WINDOW and y < kernel[0] and x < kernel[1]
                    value = self._term(y * kernel[1] + x)[col] if shown else ""
                    self.put(RESULT + 1 + y, left + x, Formula(text, value), "loose")
