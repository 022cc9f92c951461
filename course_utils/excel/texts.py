"""Names and texts that a spreadsheet takes, of what people call their layers and classes."""

import re

from course_utils.tracing.steps import Step


def base_name(step: Step, taken: set[str]) -> str:
    """A name from the module's path for the cells of a layer; whatever is made of it ends in _out, _weight and the like.

    That ending matters: `fc1` alone is a cell (column FC, row 1), and a name may not look like one.

    >>> import numpy as np
    >>> base_name(Step("conv", "features.0", (), np.zeros(1)), set()), base_name(Step("relu", "1", (), np.zeros(1)), {"relu_1"})
    ('features_0', 'relu_1_2')
    """
    name = re.sub(r"[^A-Za-z0-9_]", "_", step.path)[:200]
    if not re.match(r"[A-Za-z]", name):
        name = f"{step.kind}_{name}"
    unique, count = name, 1
    while unique.lower() in taken:  # a spreadsheet takes Conv and conv for one name
        count += 1
        unique = f"{name}_{count}"
    taken.add(unique.lower())
    return unique


def plain(text: object, longest: int = 200) -> str:
    """Text from outside as one line that any cell can hold: control characters become spaces, and it is cut where it is long.

    >>> plain("seven\\x07\\n")
    'seven'
    """
    one_line = "".join(char if char.isprintable() else " " for char in str(text)).strip()
    return one_line if len(one_line) <= longest else one_line[: longest - 1] + "…"
