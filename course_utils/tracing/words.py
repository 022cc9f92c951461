"""What is said of a layer, in a workbook as on the screen: its title, its shape and its formula in words."""

from course_utils.tracing import activations, joins, reductions
from course_utils.tracing.norms import runs_of
from course_utils.tracing.steps import Step

TITLES = {
    "conv": "convolution",
    "linear": "fully connected",
    "batch_norm": "batch norm",
    "layer_norm": "layer norm",
    "group_norm": "group norm",
    "instance_norm": "instance norm",
    **activations.TITLES,
    "max_pool": "max pool",
    "avg_pool": "average pool",
    "adaptive_avg_pool": "average pool",
    "adaptive_max_pool": "max pool",
    "log_softmax": "log softmax",
    **joins.TITLES,
    "parameter": "weight",
    **reductions.KINDS,
    "conv_transpose": "transposed convolution",
    "embedding": "embedding",
    "matmul": "matrix product",
    "row_softmax": "softmax",
    "row_log_softmax": "log softmax",
}


NORMS = ("layer_norm", "group_norm", "instance_norm")


def title_of(step: Step) -> str:
    """What a layer is called beside its place in the model.

    >>> import numpy
    >>> title_of(Step("conv", "features.0", (), numpy.zeros(1)))
    'convolution'
    """
    return str(step.settings.get("title", TITLES.get(step.kind, step.kind.replace("_", " "))))


def by(shape: tuple[int, ...]) -> str:
    """A shape as people write it.

    >>> by((2, 26, 26))
    '2 × 26 × 26'
    """
    return " × ".join(str(size) for size in shape)


def describe(step: Step) -> str:
    """The formula of a layer in words."""
    s = step.settings
    going_in = "bytes of a picture, divided by 255" if s.get("scaled") else "numbers that go in"
    words = {
        "input": f"The {going_in}. Change one and watch the rest.",
        "batch_norm": "(x - mean) / √(variance + ε) × weight + bias, with the numbers of its channel.",
        "adaptive_avg_pool": "The average of each window; the windows share out the whole channel.",
        "adaptive_max_pool": "The largest number of each window; the windows share out the whole channel.",
        "softmax": "exp(x - max) makes every number positive; divided by their sum they add up to 1.",
        "log_softmax": "x - max minus the logarithm of the sum of all exp(x - max).",
        "row_softmax": "exp(x - max) of each number, divided by the sum of its row: shares that add up to 1.",
        "row_log_softmax": "x - max of its row, minus the logarithm of the sum of all exp(x - max) in that row.",
        "matmul": "Each row of the first matrix times each column of the second, number by number, and added up.",
        "move": "Numbers from the left, each in its new place. Nothing is computed.",
        "parameter": "A weight that the model uses by itself.",
        "constant": "Numbers that stand in the model and are never learnt.",
    }.get(step.kind, "")
    if "words" in s:
        return str(s["words"])
    if step.kind in activations.WORDS:
        words = activations.WORDS[step.kind].format(**s)
    elif step.kind in NORMS:
        words = _norm_words(step)
    elif step.kind in joins.TITLES:
        words = _join(step)
    elif step.kind == "conv":
        kernel = by(step.weights["weight"].value.shape[2:])
        group = step.weights["weight"].value.shape[1]
        channels = "the input" if group == 1 else f"{group} input channels"
        words = f"Each number is the sum of a {kernel} window of {channels} times the kernel"
    elif step.kind == "conv_transpose":
        kernel = by(step.weights["weight"].value.shape[2:])
        words = f"Each number that is read spreads over a {kernel} window: times the kernel, added to what others spread there"
    elif step.kind == "embedding":
        padding = s.get("padding")
        rest = "" if padding is None else f" Code {padding} stands for nothing, and its row is not learnt."
        words = f"Each code is looked up: the row of the table with its number, counted from 0.{rest}"
    elif step.kind == "linear":
        words = f"Each output is the sum of all {step.weights['weight'].value.shape[1]} inputs, each times its own weight"
    elif step.kind in ("max_pool", "avg_pool"):
        words = f"The {'largest' if step.kind == 'max_pool' else 'average'} of each {by(s['kernel'])} window"
    if step.kind in ("conv", "conv_transpose", "linear"):
        words += ", plus bias" if "bias" in step.weights else ""
    if step.kind in ("conv", "conv_transpose", "max_pool", "avg_pool"):
        flat = step.value.ndim == 2  # along a sequence, whose settings are those of a picture of one row
        for name, usual in (("stride", None), ("padding", (0, 0)), ("dilation", (1, 1))):
            if s.get(name, usual) != usual:
                words += f", {name} {_sides(s[name][flat:])}"
        words += f", in {s['groups']} groups" if s.get("groups", 1) > 1 else ""
    words += "." if not words.endswith(".") else ""
    return words + (" Then ReLU: max(0, ...)." if s.get("relu") else "")


def _norm_words(step: Step) -> str:
    """What the mean and the variance are of, and what follows."""
    if runs_of(step) == 1:
        part = "all numbers"
    elif step.kind == "layer_norm":
        part = "each row" if len(step.settings["shape"]) == 1 else "each channel"
    else:
        part = "each channel" if step.kind == "instance_norm" else "each group of channels"
    rest = "".join(f" {sign} {role}" for role, sign in (("weight", "×"), ("bias", "+")) if role in step.weights)
    return f"(x - mean) / √(variance + ε){rest}, with mean and variance of {part}."


def _sides(sizes: tuple[int, ...]) -> str:
    """One number where all sides are the same.

    >>> _sides((2, 2)), _sides((1, 2)), _sides((3,))
    ('2', '1 × 2', '3')
    """
    return str(sizes[0]) if len(set(sizes)) == 1 else by(sizes)


def _join(step: Step) -> str:
    name, sign = joins.TITLES[step.kind], joins.SIGNS[step.kind]
    if constants := step.settings.get("constants"):
        return f"Cell by cell, {_short(constants[0])} {sign} {_short(constants[1])}."
    return f"Cell by cell, the {name} of two blocks to the left."


def _short(constant: float | None) -> str:
    return "x" if constant is None else f"{constant:g}"
