"""Where this Python runs, and how one mends things there: advice for one host is of no use on another."""

import os
import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Host:
    """A place where notebooks or commands run, and what one does there; all but `name` are whole phrases of advice."""

    name: str  # as one says it after "in"
    notebook: bool = True  # whether cells are run here, in which % commands work
    own_jupyter: bool = False  # whether the host brings a page and a kernel of its own
    restart: str = "restart the kernel"
    first: str = ""  # what must be done before anything can be installed
    renew: str = ""  # how all packages become again those that the host chose, where it chose them
    python: str = "install Python 3.11 or newer from https://www.python.org, then set the course up again"
    gpu: str = "the lessons run without one, on small pictures"
    memory: str = "close other programs and notebooks; 4 GB are enough"
    keep: str = ""  # what becomes of files when one leaves
    take_away: str = ""  # how a file comes to one's own computer, where links in an output do not reach it
    office: str = "LibreOffice from https://www.libreoffice.org, or any other program that opens .xlsx files"
    kaggle: str = (
        "only real competition data needs it: make a token at https://www.kaggle.com/settings/api, then run "
        "`import kagglehub; kagglehub.login()`"
    )


_ELSEWHERE = "download a workbook and open it on your own computer"

TERMINAL = Host("a terminal", notebook=False)
JUPYTER = Host("Jupyter", restart="choose Kernel > Restart Kernel")
VS_CODE = Host(
    "VS Code",
    own_jupyter=True,
    restart="press Restart above the notebook",
    take_away="right-click it in the Explorer at the left, and choose Download",
    python="choose a Python 3.11 or newer: Select Kernel, at the top right of the notebook",
)
HUB = Host(
    "a JupyterHub",
    own_jupyter=True,
    restart="choose Kernel > Restart Kernel",
    python="ask whoever runs the hub for Python 3.11 or newer",
    memory="shut down other notebooks (the square at the left lists them); 4 GB are enough",
    office=_ELSEWHERE,
)
COLAB = Host(
    "Google Colab",
    own_jupyter=True,
    restart="choose Runtime > Restart session",
    take_away="open Files (the folder at the left), right-click it there, and choose Download",
    renew="choose Runtime > Disconnect and delete runtime, connect again, and install course_utils alone",
    python="choose Runtime > Change runtime type, and the latest version",
    gpu="the lessons run without one; Runtime > Change runtime type gives one",
    memory="choose Runtime > Manage sessions, and end others; 4 GB are enough",
    keep="it is deleted with the session: mount your Drive (folder at left), and let COURSE_WORK name a folder in it",
    office=_ELSEWHERE,
    kaggle="only real competition data needs it: store KAGGLE_API_TOKEN, from https://www.kaggle.com/settings/api, under "
    "Secrets (the key at the left)",
)
KAGGLE = Host(
    "a Kaggle notebook",
    own_jupyter=True,
    restart="choose Run > Restart & clear cell outputs",
    first="switch Internet on under Settings",
    renew="choose Run > Factory reset, and install course_utils alone",
    python="choose Settings > Environment Preferences, and the latest environment",
    gpu="the lessons run without one; Settings > Accelerator gives one",
    memory="end other sessions under View Active Events; 4 GB are enough",
    keep="it is kept with the notebook's version when you choose Save Version",
    office=_ELSEWHERE,
    kaggle="real competition data come without it: choose Add Input at the right and a competition, whose rules you accept",
)


def host() -> Host:
    """Tell where this Python runs, from what each host leaves in the environment.

    The order counts: Kaggle's notebooks hold Colab's package too. So does what a running kernel says: a JupyterLab that was
    started from a terminal of VS Code is not a notebook of VS Code's.

    >>> host().name in {"a terminal", "Jupyter", "VS Code", "a JupyterHub", "Google Colab", "a Kaggle notebook"}
    True
    """
    if "KAGGLE_KERNEL_RUN_TYPE" in os.environ:
        return KAGGLE
    if "COLAB_RELEASE_TAG" in os.environ or "google.colab" in sys.modules:
        return COLAB
    if os.environ.get("JUPYTERHUB_SERVICE_PREFIX") or os.environ.get("JUPYTERHUB_USER"):
        return HUB
    if in_notebook():
        return VS_CODE if _kernel_of_vs_code() else JUPYTER
    return TERMINAL


def in_notebook() -> bool:
    """Whether this process is a notebook's kernel."""
    return hasattr(_ipython(), "kernel")


def _ipython() -> object:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def _kernel_of_vs_code() -> bool:
    if "__vsc_ipynb_file__" in getattr(_ipython(), "user_ns", {}):
        return True
    return "VSCODE_PID" in os.environ and "JPY_SESSION_NAME" not in os.environ  # the second is set by Jupyter's own server


def checkout() -> Path | None:
    """Give the project's folder where this package runs from one; None where it was installed, as from a wheel."""
    return PROJECT if os.path.isfile(PROJECT / "pyproject.toml") else None


def installing(*packages: str) -> str:
    """Say how `packages` are installed, or reinstalled, on this host.

    >>> any(way in installing("timm") for way in ("timm", "make setup", "conda env", "uv sync", "-e"))
    True
    """
    here, project = host(), checkout()
    names = " ".join(packages)
    if here in (COLAB, KAGGLE, HUB) or (project is None and here.notebook):
        first = f"{here.first}, " if here.first else ""
        pip = "%pip install" if _has_pip() else f"!{_pip()}"
        return f"{first}run {pip} {names} in a cell, then {here.restart}"
    then = f", then {here.restart}" if here.notebook else ""
    if project is None:
        return f"{_pip()} {names}"
    if here is VS_CODE and os.path.isdir(project / ".venv") and not _runs_from(project / ".venv"):
        return "choose the project's own .venv: Select Kernel, at the top right of the notebook"
    if os.path.isdir(Path(sys.prefix) / "conda-meta"):
        return f"in the project's folder: conda env update -f environment.yml{then}"
    if not _has_pip() and _runs_from(project / ".venv"):
        return f"in the project's folder: uv sync --extra lab{then}"
    if shutil.which("make") and (_runs_from(project / ".venv") or not os.path.isdir(project / ".venv")):
        return f"in the project's folder: make setup{then}"
    return f'in the project\'s folder: {_pip()} -c constraints.txt -e ".[lab]"{then}'


def _has_pip() -> bool:
    return find_spec("pip") is not None


def _pip() -> str:
    """What one types before the names of packages; an environment that uv made has no pip of its own."""
    python = _quoted(sys.executable)
    return f"{python} -m pip install" if _has_pip() else f"uv pip install --python {python}"


def _runs_from(folder: Path) -> bool:
    return os.path.realpath(sys.prefix) == os.path.realpath(folder)


def _quoted(path: str) -> str:
    return f'"{path}"' if " " in path else path
