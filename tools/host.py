"""Run lessons as a host would: `python tools/host.py colab 05`, or `make host-colab NAME=05`.

An environment gets the versions that the host publishes (`hosts/colab.txt`, `hosts/kaggle.txt`) and this project's wheel. Each
notebook then runs alone in an empty folder, as it does there, with what the host leaves in the environment; what it imports of
the host's own is a stand-in. Everything is in `build/HOST`; the wheel is built anew each time, the environment only once.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTHON = {"colab": "python3.12", "kaggle": "python3.11"}  # the host's own, where this machine has it
LEFT_BEHIND = {"colab": {"COLAB_RELEASE_TAG": "release-colab"}, "kaggle": {"KAGGLE_KERNEL_RUN_TYPE": "Interactive"}}

STAND_IN = '''"""A stand-in for Google's package, loaded in every process as Colab's kernel loads the real one."""

import sys
from types import ModuleType, SimpleNamespace

google, colab, output = (ModuleType(name) for name in ("google", "google.colab", "google.colab.output"))
google.__path__ = colab.__path__ = []
google.colab, colab.output = colab, output
output.enable_custom_widget_manager = lambda: None
output._widgets = SimpleNamespace(_installed_url="https://ssl.gstatic.com/colaboratory-static/widgets/")
sys.modules |= {module.__name__: module for module in (google, colab, output)}
'''

RUN = """
import sys
from pathlib import Path
from course_utils.lessons import run_lesson

for name in sys.argv[1:]:
    run = run_lesson(Path(name), Path("ran"))
    print(f"{run.name}  {run.seconds:.0f} s  {run.headline}", flush=True)
"""


def main(host: str, *names: str) -> None:
    """Run the lessons whose file names begin with one of `names`, or all."""
    lessons = [path for path in sorted((ROOT / "notebooks").glob("*.ipynb")) if path.name.startswith(names or "0")]
    if host not in PYTHON or not lessons:
        sys.exit(f"usage: host.py {'|'.join(PYTHON)} [LESSON...], as in host.py colab 05")
    build = ROOT / "build" / host
    python = environment(host, build)
    page = build / "content"
    shutil.rmtree(page, ignore_errors=True)
    page.mkdir()
    for lesson in lessons:
        shutil.copy(lesson, page)
    stand_in = build / "stand-in"
    stand_in.mkdir(exist_ok=True)
    (stand_in / "sitecustomize.py").write_text(STAND_IN, encoding="utf-8")
    cleaned = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COURSE_", "JUPYTER"))}
    left = {
        **LEFT_BEHIND[host],
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTHONPATH": str(stand_in),
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(
        [python, "-c", RUN, *(lesson.name for lesson in lessons)], cwd=page, env={**cleaned, **left}, check=False
    )
    sys.exit(done.returncode)


def environment(host: str, build: Path) -> Path:
    """The Python of an environment with the host's versions and the wheel of this project."""
    folder = build / "env"
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    constraints, brought = ROOT / "hosts" / f"{host}.txt", folder / "constraints.txt"
    if not brought.exists() or brought.read_bytes() != constraints.read_bytes():
        shutil.rmtree(folder, ignore_errors=True)  # what other versions needed would stay
        base = PYTHON[host] if _starts(PYTHON[host]) else sys.executable
        print(f"Making {folder} with {base}; PyTorch alone is some GB", flush=True)
        subprocess.run([base, "-m", "venv", folder], check=True)
    shutil.rmtree(build / "dist", ignore_errors=True)
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", build / "dist", ROOT], check=True)
    (wheel,) = (build / "dist").glob("*.whl")
    subprocess.run([*pip, "install", "--constraint", constraints, wheel], check=True)  # what it needs, once
    subprocess.run([*pip, "install", "--force-reinstall", "--no-deps", wheel], check=True)  # itself, each time
    subprocess.run([*pip, "check"], check=True)
    shutil.copy(constraints, brought)
    return python


def _starts(python: str) -> bool:
    """Whether a Python is there; pyenv leaves commands for versions that are not chosen, and those only say so."""
    found = shutil.which(python)
    return found is not None and subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    main(*sys.argv[1:])
