"""The lecture's own lines, unchanged, on today's libraries: `%load_ext course_utils.lecture`, then its cells as they stand.

The lecture's library cannot be installed any more. Its names are here, each a thin word for a part of this package: what they
mean today is what `translate(cell)` prints. Loading registers modules under the old names in this kernel alone, and
`%unload_ext course_utils.lecture` takes them away again. A script says `from course_utils.lecture import *` instead.
"""

from typing import TYPE_CHECKING, Any

from course_utils.lecture import modules, namespace

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = [*namespace.NAMES, "translate"]  # what `import *` brings: the lecture's names, and what they mean today


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """Let the lecture's cells run in this kernel; IPython calls it at `%load_ext course_utils.lecture`."""
    from course_utils.lecture.cells import Cells
    from course_utils.lecture.translation import translate

    modules.register()
    Cells.of(shell).start()
    shell.user_ns.setdefault("translate", translate)


def unload_ipython_extension(shell: "InteractiveShell") -> None:
    """Undo all of it; IPython calls it at `%unload_ext course_utils.lecture`."""
    from course_utils.lecture.cells import Cells
    from course_utils.lecture.translation import translate

    Cells.of(shell).stop()
    if shell.user_ns.get("translate") is translate:
        del shell.user_ns["translate"]
    modules.unregister()
    namespace.restore_options()


def __getattr__(name: str) -> Any:
    if name == "translate":
        from course_utils.lecture.translation import translate

        return translate
    if name in namespace.NAMES:
        return namespace.find(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
