"""How soon widgets are there in a browser, and how smoothly they play: the time until a saved page shows its first words, the
time from frame to frame, and how much of the processor's time a step takes."""

import os
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import Row
from course_utils.widgets.gallery import WIDGETS, file_name

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DELAY = 34  # milliseconds from step to step, as at the fastest that the slider goes

# Plays a widget for some time, again and again, and gives the times from frame to frame and the number of steps.
PLAY = """([seconds, delay]) => new Promise((done) => {
  const model = document.getElementById("widget").model;
  const [save, times] = [model.save_changes, []];
  let [steps, end] = [0, performance.now() + 1000 * seconds];
  model.save_changes = () => { steps += 1; save(); };
  const button = (text) => [...document.querySelectorAll("button")].find((one) => one.textContent.includes(text));
  model.set("delay", delay);
  save();
  const frame = (now) => {
    times.push(now);
    if (!model.get("playing")) button("Play").click();
    if (performance.now() < end) requestAnimationFrame(frame);
    else {
      model.save_changes = save;
      done({ steps, frames: times.slice(1).map((time, at) => time - times[at]) });
    }
  };
  requestAnimationFrame(frame);
})"""


# When a page shows a widget's words, in milliseconds from the moment it was asked for; asked again at each frame.
PAINTED = """() => document.querySelector(".course-words")?.textContent.includes(".") && performance.now()"""


def rows(quick: bool) -> list[Row]:
    from playwright.sync_api import sync_playwright  # belongs to the tests

    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    measured = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        for kind in WIDGETS:
            widget = kind.example()
            path = widget.save_html(Path(folder) / f"{file_name(kind)}.html")
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            measured.append(opened(page, path, kind.__name__, 3 if quick else 9))
            if widget.has_trait("playing"):
                measured += played(page, kind.__name__, 2 if quick else 10)
            page.close()
        browser.close()
    return measured


def opened(page: Any, path: Path, name: str, times: int) -> Row:
    """The row of how soon a page is there; it is left open."""
    taken = []
    for _ in range(times):
        page.goto(path.as_uri())
        taken.append(float(page.wait_for_function(PAINTED, polling="raf").json_value()))
    median = statistics.median(taken)
    size = path.stat().st_size / 1000
    return Row(
        f"{name}, from opening its page to its words", f"{median:.0f} ms", f"{size:.0f} kB", median, goal=500, unit=" ms"
    )


def played(page: Any, name: str, seconds: float) -> list[Row]:
    """The rows of one widget."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})  # of the processor: others may use the machine too

    def busy() -> float:
        """Seconds that the processor spent on the page's scripts."""
        metrics = session.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "ScriptDuration"))

    page.evaluate(PLAY, [1, DELAY])  # so that everything is compiled
    before = busy()
    seen = page.evaluate(PLAY, [seconds, DELAY])
    script = 1000 * (busy() - before) / seen["steps"]
    median = statistics.median(seen["frames"])
    slow = statistics.quantiles(seen["frames"], n=20)[-1]
    return [
        Row(f"{name}, 95 of 100 frames while it plays", f"{slow:.1f} ms", f"median {median:.1f}", slow, goal=20, unit=" ms"),
        Row(f"{name}, script per step", f"{script:.2f} ms", f"{seen['steps']} steps", script, goal=4, unit=" ms"),
    ]
