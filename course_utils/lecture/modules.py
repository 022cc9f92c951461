"""Modules under the names that the lecture's cells import, in this process alone.

A module with such a name that is really installed is left alone, and a line says so.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from course_utils.lecture import messages, namespace

ALL = f"{namespace.HERE}.namespace"
STAND_INS = f"{namespace.HERE}.stand_ins"
FASTAI = "imports torch_imports core transforms conv_learner model dataset sgdr learner layers plots structured column_data"

PROVIDERS: dict[str, tuple[str, str]] = {
    "fastai": (ALL, ""),
    **{f"fastai.{name}": (ALL, "") for name in FASTAI.split()},
    "planet": (STAND_INS, "f2"),
    "sklearn_pandas": (ALL, "DataFrameMapper"),  # imported there and never used
    "isoweek": (STAND_INS, "Week"),
    "pandas_summary": (STAND_INS, "DataFrameSummary"),
}
"""The name of each module, the module of this package that provides what is in it, and its names (those of `namespace`)."""


class StandIn(ModuleType):
    """A module whose names are found in a module of this package when they are asked for."""

    def __init__(self, name: str, provider: str, names: str) -> None:
        super().__init__(name, f"Stands in for {name}, see course_utils.lecture.")
        self.__path__: list[str] = []  # so that modules below it are looked for
        self.__all__ = names.split() if names else list(namespace.NAMES)
        self._provider = provider

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # asked for by Python, IPython and editors
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if name not in self.__all__:
            raise messages.NotHereError(messages.unknown(f"{self.__name__}.{name}"))
        return namespace.find(name) if self._provider == ALL else getattr(import_module(self._provider), name)


class _Finder:
    """Says of a module of the lecture's library that nothing stands in for what to write today."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name.startswith("fastai.") and isinstance(sys.modules.get("fastai"), StandIn):
            raise messages.NotHereError(messages.unknown(name))
        return None


def register() -> None:
    """Put the stand-ins into `sys.modules`, but for packages that are installed."""
    for name, (provider, names) in PROVIDERS.items():
        package = name.partition(".")[0]
        if not isinstance(sys.modules.get(package), StandIn) and (package in sys.modules or find_spec(package)):
            if name == package:
                messages.say(
                    f"A package called {name} is installed here and is left alone, so that the lecture's lines get that one; "
                    f"`pip uninstall {name.replace('_', '-')}` and a new kernel give them what they were written for."
                )
            continue
        sys.modules[name] = StandIn(name, provider, names)
        if name != package:
            setattr(sys.modules[package], name.partition(".")[2], sys.modules[name])
    if _Finder not in sys.meta_path:
        sys.meta_path.append(_Finder)


def unregister() -> None:
    """Take the stand-ins out again."""
    for name in [name for name, module in sys.modules.items() if isinstance(module, StandIn)]:
        del sys.modules[name]
    if _Finder in sys.meta_path:
        sys.meta_path.remove(_Finder)
