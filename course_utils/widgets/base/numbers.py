"""Numbers as text, by the same rules on the screen and in a still picture."""

from decimal import ROUND_HALF_UP, Decimal


def plain_number(value: float) -> str:
    """A number as the widgets write it: at most two decimals, three below 0.1, halves away from zero, and a real minus sign.

    `plain` in numbers.js writes the same.

    >>> plain_number(-1.0), plain_number(0.5), plain_number(0.0625), plain_number(12.345), plain_number(-0.0001)
    ('−1', '0.5', '0.063', '12.35', '0')
    >>> plain_number(-123456.0)
    '−1.2e+5'
    """
    if abs(value) >= 10_000:
        exponent = Decimal(value).adjusted()
        digits = Decimal(value).scaleb(-exponent).quantize(Decimal("0.1"), ROUND_HALF_UP)
        if abs(digits) == 10:
            digits, exponent = digits / 10, exponent + 1
        return f"{digits:.1f}e+{exponent}".replace("-", "−")
    step = Decimal(1).scaleb(-3 if abs(value) < 0.1 else -2)
    text = f"{Decimal(value).quantize(step, ROUND_HALF_UP):f}".rstrip("0").rstrip(".")
    return text.replace("-", "−") if text not in ("-0", "") else "0"
