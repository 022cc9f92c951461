"""Numbers as text, by the same rules on the screen and in a still picture."""

import math
from decimal import ROUND_HALF_UP, Context, Decimal

# The screen and PyTorch agree on twelve digits: 0.125, and 0.12499999999999997, the same sum in another order, are one number.
_AGREED = Context(prec=12, rounding=ROUND_HALF_UP)
_EXACT = Context(prec=400, rounding=ROUND_HALF_UP)


def fixed(value: float, digits: int) -> str:
    """A finite number with so many decimals, halves away from zero, and a real minus sign.

    What is rounded is the number as a person reads it, to twelve digits: Python's own format rounds the binary fraction.
    `fixed` in numbers.js writes the same.

    >>> fixed(3.125, 2), fixed(1.005, 2), fixed(-0.5, 0), fixed(-0.0001, 3)
    ('3.13', '1.01', '−1', '0.000')
    >>> f"{3.125:.2f}", f"{1.005:.2f}"
    ('3.12', '1.00')
    """
    rounded = _agreed(value).quantize(Decimal(1).scaleb(-digits), context=_EXACT)
    return f"{rounded:f}".replace("-", "−" if rounded else "")


def plain_number(value: float) -> str:
    """A number as the widgets write it: at most two decimals, three below 0.1, halves away from zero, and a real minus sign.

    `plain` in numbers.js writes the same.

    >>> plain_number(-1.0), plain_number(0.5), plain_number(0.0625), plain_number(12.345), plain_number(-0.0001)
    ('−1', '0.5', '0.063', '12.35', '0')
    >>> plain_number(-123456.0), plain_number(float("inf"))
    ('−1.2e+5', '∞')
    """
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "−∞"
    size = abs(_agreed(value))
    if size >= 10_000:
        exponent = size.adjusted()
        digits = fixed(float(size.scaleb(-exponent)), 1)
        if digits == "10.0":
            digits, exponent = "1.0", exponent + 1
        return f"{'−' if value < 0 else ''}{digits}e+{exponent}"
    return fixed(value, 3 if size < Decimal("0.1") else 2).rstrip("0").rstrip(".") or "0"


def percent(share: float, digits: int = 0) -> str:
    """A share of all, as per cent; what is not quite all or nothing is not written as if it were.

    `percent` in numbers.js writes the same.

    >>> percent(0.72), percent(0.9996), percent(0.9996, 2), percent(1.0), percent(0.004)
    ('72%', '>99%', '99.96%', '100%', '<1%')
    """
    least, text = 10.0**-digits, fixed(100 * float(share), digits)
    if share < 1 - 1e-9 and text == fixed(100, digits):
        return f">{fixed(100 - least, digits)}%"
    if share > 1e-9 and text == fixed(0, digits):
        return f"<{fixed(least, digits)}%"
    return f"{text}%"


def probability(value: float) -> str:
    """Three decimals; 0.9996 is not 1. `probability` in numbers.js writes the same.

    >>> probability(0.5), probability(0.99961), probability(1.0)
    ('0.500', '>0.999', '1.000')
    """
    text = fixed(float(value), 3)
    return ">0.999" if text == "1.000" and value < 1 else text


def significant(value: float, digits: int = 2) -> str:
    """A number with so many digits from its first one on, as a learning rate is written; what can be typed as it stands.

    `significant` in numbers.js writes the same.

    >>> significant(0.0075), significant(0.01 / 3), significant(1e-5), significant(0.996), significant(1234.5)
    ('0.0075', '0.0033', '1e-5', '1', '1235')
    """
    size = abs(_agreed(value))
    exponent = size.adjusted() if size else 0
    if -5 < exponent < 4:
        text = fixed(float(value), max(digits - 1 - exponent, 0))
        return text.rstrip("0").rstrip(".") if "." in text else text
    first = fixed(float(size.scaleb(-exponent)), digits - 1)
    if first.startswith("10"):
        first, exponent = "1", exponent + 1
    first = first.rstrip("0").rstrip(".") if "." in first else first
    return f"{'−' if value < 0 else ''}{first}e{exponent}"


def _agreed(value: float) -> Decimal:
    return _AGREED.create_decimal_from_float(float(value))
