"""Learning rates of layer groups, as one types them."""

import numpy as np
from numpy.typing import NDArray

from course_utils.widgets.base.numbers import significant


def spread(rates: NDArray[np.float64]) -> int | None:
    """1, 3 or 10 where each layer group's rate is that many times the rate of the one before it, else None.

    >>> spread(np.array([0.001, 0.01])), spread(np.array([0.01, 0.01])), spread(np.array([0.01, 0.05]))
    (10, 1, None)
    """
    for factor in (1, 3, 10):
        expected = rates[-1] / float(factor) ** np.arange(len(rates) - 1, -1, -1)
        if (np.abs(rates - expected) <= 1e-9 * expected).all():
            return factor
    return None


def typed(rates: NDArray[np.float64]) -> tuple[str, str]:
    """What one types for the rates: a line before the call, perhaps, and what stands in the call; `typed` in rates.js too.

    >>> typed(np.array([0.001, 0.01])), typed(np.array([0.01])), typed(np.array([0.01, 0.05]))
    (('lr = 0.01\\n', '[lr / 10, lr]'), ('', '0.01'), ('', '[0.01, 0.05]'))
    """
    factor, earlier = spread(rates), len(rates) - 1
    if not earlier:
        return "", significant(rates[0], 12)
    if factor is None:
        return "", f"[{', '.join(significant(rate, 12) for rate in rates)}]"
    divided = [f"lr / {factor**power}" for power in range(earlier, 0, -1)]
    return f"lr = {significant(rates[-1], 12)}\n", "lr" if factor == 1 else f"[{', '.join([*divided, 'lr'])}]"


def to_type(code: str) -> str:
    r"""Lines of code in the one line below a still picture.

    >>> to_type("lr = 0.01\nlearner.fit(lr, 3)")
    'What to type: lr = 0.01; learner.fit(lr, 3)'
    """
    return f"What to type: {code.replace(chr(10), '; ')}"
