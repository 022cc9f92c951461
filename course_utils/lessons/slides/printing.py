"""Slides on paper: a PDF, by a browser without a screen."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.files import replacing

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
    "brave-browser",
)
ELSEWHERE = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    r"C:\Program Files\Microsoft\Edge\Application\msedge.exe",
)
PATIENCE = 180  # seconds


def find_browser() -> str:
    """Give the path of a browser that can print without a screen: Chromium, or one made from it.

    Raises a CourseError that says what to install where there is none.
    """
    for name in NAMES:
        if found := shutil.which(name):
            return found
    for place in ELSEWHERE:
        if os.path.isfile(place):
            return place
    raise CourseError(
        "no browser that can write a PDF was found; install Chromium, Chrome or Edge, "
        "or open the slides without --pdf in any browser, with --handout, and print them to a file there"
    )


def print_pdf(page: str, target: Path) -> Path:
    """Write an HTML page as a PDF, and give its path; the browser gets no network.

    Raises a CourseError where there is no browser for it, or it writes none.
    """
    browser = find_browser()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, replacing(target) as part:
        source, written = Path(folder) / "slides.html", Path(folder) / "slides.pdf"
        source.write_text(page, encoding="utf-8")
        command = [
            browser, "--headless", "--disable-gpu", "--no-first-run", f"--user-data-dir={Path(folder) / 'profile'}",
            "--host-resolver-rules=MAP * ~NOTFOUND", "--no-pdf-header-footer", "--virtual-time-budget=30000",
            f"--print-to-pdf={written}", source.as_uri(),
        ]  # fmt: skip
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # as in a container; Chromium refuses root otherwise
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        except subprocess.TimeoutExpired as error:
            raise CourseError(f"{browser} wrote no PDF in {PATIENCE} s; try again, or print the slides by hand") from error
        if not os.path.isfile(written):
            said = done.stderr.strip().splitlines()
            raise CourseError(f"{browser} wrote no PDF: {said[-1] if said else f'it ended with code {done.returncode}'}")
        shutil.copyfile(written, part)
    return target
