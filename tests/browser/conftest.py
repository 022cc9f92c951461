"""JupyterLab in a headless Chromium, for tests that use a notebook as a student does."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import nbformat
import pytest

from tests.browser.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-device-for-media-stream",  # a camera, and nobody is asked whether a page may use it
    "--use-fake-ui-for-media-stream",
]


@dataclass
class Lab:
    """A page of JupyterLab: `folder` holds its notebooks, `outside` what asked for something that is not on this machine."""

    page: Any
    folder: Path
    url: str
    token: str
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open_notebook(self, path: str | Path, run: bool = True) -> None:
        """Open a notebook (copied into the folder if it is elsewhere), and run all its cells to the end."""
        path = Path(path)
        if not (self.folder / path.name).exists():
            shutil.copy(path, self.folder / path.name)
        self.page.goto(f"{self.url}/lab/tree/{quote(path.name)}?reset&token={self.token}")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
        self.page.wait_for_function("window.jupyterapp.shell.currentWidget?.context?.sessionContext?.isReady", timeout=90_000)
        if run:
            self.command("notebook:run-all-cells")

    def command(self, name: str, **arguments: Any) -> None:
        """Carry out one of JupyterLab's commands and wait for its end."""
        self.page.evaluate(
            "([name, given]) => window.jupyterapp.commands.execute(name, given).then(() => null)", [name, arguments]
        )

    def write_notebook(self, name: str, *cells: str) -> Path:
        """Write a notebook of code cells, with its kernel named so that JupyterLab does not ask for one."""
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata={"kernelspec": kernel}
        )
        path = self.folder / name
        nbformat.write(notebook, path)
        return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is missing: pip install playwright")
    pytest.importorskip("jupyterlab", reason="JupyterLab is missing: pip install jupyterlab")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        pytest.skip("Chromium is missing: apt install chromium, or name one in the environment variable CHROMIUM")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def lab_server(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Path]]:
    home = tmp_path_factory.mktemp("jupyter")
    folder = tmp_path_factory.mktemp("notebooks")
    token = secrets.token_hex(16)
    config = home / "config"
    (config / "labconfig").mkdir(parents=True)
    news = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    (config / "labconfig" / "page_config.json").write_text(json.dumps(news))
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTER_CONFIG_PATH": str(ROOT / "course_utils" / "jupyter"),  # as `course lab` does
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser"]
    # it takes the next free port after this one, and writes down which
    command += [f"--ServerApp.port={20_000 + secrets.randbelow(10_000)}", f"--ServerApp.root_dir={folder}"]
    command += [f"--IdentityProvider.token={token}", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    log = home / "log.txt"
    with log.open("w") as written:
        server = subprocess.Popen(command, env=environment, stdout=written, stderr=subprocess.STDOUT)
    try:
        _wait_for(lambda: _port(home / "runtime") > 0, server, log)
        url = f"http://127.0.0.1:{_port(home / 'runtime')}"
        _wait_for(lambda: _answers(f"{url}/api/status?token={token}"), server, log)
        yield url, token, folder
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _port(runtime: Path) -> int:
    """The port at which the server of a folder listens; 0 before it does."""
    try:
        return int(next(json.loads(file.read_text())["port"] for file in runtime.glob("jpserver-*.json")))
    except (StopIteration, ValueError):
        return 0


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _wait_for(ready: Callable[[], bool], server: "subprocess.Popen[bytes]", log: Path, seconds: float = 180) -> None:
    until = time.monotonic() + seconds
    while not ready():
        if server.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.2)


@pytest.fixture(scope="module")
def jupyterlab(browser: Any, lab_server: tuple[str, str, Path]) -> Iterator[Lab]:
    url, token, folder = lab_server
    context = browser.new_context(viewport={"width": 1400, "height": 900}, accept_downloads=True)
    context.set_default_timeout(PATIENCE * 1000)
    page = context.new_page()
    lab = Lab(page, folder, url, token)
    watch_requests(context, lab.outside)
    page.on("pageerror", lambda error: lab.complaints.append(str(error)))
    yield lab
    page.evaluate("window.jupyterapp?.serviceManager.sessions.shutdownAll()")
    context.close()


@pytest.fixture
def offline_page(browser: Any) -> Iterator[Any]:
    """A page without JupyterLab and without the internet, for files."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    context.set_default_timeout(PATIENCE * 1000)
    watch_requests(context, [])
    yield context.new_page()
    context.close()


def watch_requests(context: Any, outside: list[str]) -> None:
    """Note each request that would leave the machine, and refuse it."""

    def decide(route: Any) -> None:
        if urlsplit(route.request.url).hostname in ("127.0.0.1", "localhost"):
            route.continue_()
        else:
            outside.append(route.request.url)
            route.abort()

    context.route(lambda address: urlsplit(address).scheme in ("http", "https", "ws", "wss"), decide)
