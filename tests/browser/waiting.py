"""How a test waits for a page or a kernel that answers when it can: for what it expects, and never for a duration."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

Value = TypeVar("Value")
PATIENCE = 60  # seconds; a machine with much to do is slow, and who waits for what comes waits no longer than it takes


def eventually(check: Callable[[], Value]) -> Value:
    """What a check gives once it passes: it is tried again until then. In the end it complains as it did last."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


def reads(locator: Any, text: str) -> None:
    """Wait until an element has this text."""

    def check() -> None:
        assert locator.inner_text() == text

    eventually(check)


def settled(page: Any) -> None:
    """Wait until what follows the sizes of a page has followed them: two frames are drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def fits(page: Any, width: int = 390, height: int = 844) -> None:
    """Give the page this size, by itself that of a phone: then nothing goes over its edge."""
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_function("width => document.documentElement.scrollWidth === width", arg=width)
