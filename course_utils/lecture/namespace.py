"""The one namespace that every module of the lecture's library gave to `import *`: most of what it imported itself, too.

Names are looked up when they are first asked for, so that the table costs nothing.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

from course_utils.lecture.messages import EXPLAINED, Explained

HERE = "course_utils.lecture"

STANDARD = "collections copy datetime itertools json math os pickle random re shutil string sys threading time warnings"
OTHERS = (
    "PIL matplotlib sklearn torch torchvision np=numpy pd=pandas plt=matplotlib.pyplot Image=PIL.Image metrics=sklearn.metrics "
    "ensemble=sklearn.ensemble preprocessing=sklearn.preprocessing glob=glob:glob partial=functools:partial Path=pathlib:Path "
    "itemgetter=operator:itemgetter attrgetter=operator:attrgetter DataLoader=torch.utils.data:DataLoader "
    "Dataset=torch.utils.data:Dataset nn=torch.nn F=torch.nn.functional optim=torch.optim"
)
SLOW = ("matplotlib", "pandas", "sklearn")  # imported when something of them is first asked for
TOGETHER = {"matplotlib": "matplotlib.pyplot", "sklearn": "sklearn.metrics"}  # with what is then there, too
OWN = {
    "learners": "accuracy accuracy_np accuracy_multi to_np T V to_gpu children",
    "stand_ins": "Week DataFrameSummary",
    "tables": "add_datepart train_cats apply_cats proc_df rf_feat_importance split_by_idx",
    "columnar": "ColumnarModelData",
    "conv_learner": "ConvLearner",
    "pictures": "ImageClassifierData FilesIndexArrayDataset tfms_from_model tfms_from_stats transforms_basic "
    "transforms_side_on transforms_top_down get_cv_idxs open_image",
    "architectures": "resnet18 resnet34 resnet50 resnet101 resnet152 resnext50 resnext101 resnext101_64 wrn vgg16 vgg19 dn121 "
    "dn161 dn169 dn201 inception_4 inceptionresnet_2",
    "figures": "FileLink plots plots_from_files plot_confusion_matrix",
}


def _table() -> dict[str, str]:
    """Where each name is from: `module`, or `module:attribute`; nothing for those that say what to write today."""
    table = {}
    for entry in f"{STANDARD} {OTHERS}".split():
        name, _, origin = entry.partition("=")
        table[name] = origin or name
    table |= dict.fromkeys(EXPLAINED.split(), "")
    for module, names in OWN.items():
        table |= {name: f"{HERE}.{module}:{name}" for name in names.split()}
    return table


NAMES = _table()
"""The names, in the order of the table, and where each is from."""


def find(name: str) -> Any:
    """What a name stands for; loads the library that it is from.

    >>> find("glob").__name__, find("datetime").__name__, find("metrics").__name__  # a function, and two modules
    ('glob', 'datetime', 'sklearn.metrics')
    """
    module, _, attribute = NAMES[name].partition(":")
    if module == "":
        return Explained(name)
    if not attribute and module.partition(".")[0] in SLOW and not is_there(module):
        return Later(module)
    found = _imported(module)
    return getattr(found, attribute) if attribute else found


class Later(ModuleType):
    """A module that is imported when something of it is first asked for: a star import then takes no seconds.

    >>> Later("json").dumps([1])
    '[1]'
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(_imported(self.__name__), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(_imported(self.__name__), name, value)

    def __dir__(self) -> list[str]:
        return dir(_imported(self.__name__))


def is_there(module: str) -> bool:
    """Whether a module was imported, with what goes together with it."""
    return TOGETHER.get(module, module) in sys.modules


def _imported(module: str) -> ModuleType:
    whole = TOGETHER.get(module, module)
    import_module(whole)
    if whole in ("numpy", "matplotlib.pyplot"):
        _set_options(whole)
    return sys.modules[module]


_undo: dict[str, Callable[[], object]] = {}  # what puts the options of a library back


def _set_options(module: str) -> None:
    """Show numbers in five digits, and animations in the page, as the lecture's library did when it was imported."""
    if module in _undo:
        return
    if module == "numpy":
        import numpy as np

        before = np.get_printoptions()
        _undo[module] = lambda: np.set_printoptions(**before)
        np.set_printoptions(precision=5, linewidth=110, suppress=True)
    else:
        import matplotlib as mpl

        animated = mpl.rcParams["animation.html"]
        _undo[module] = lambda: mpl.rcParams.update({"animation.html": animated})
        mpl.rcParams["animation.html"] = "html5"


def restore_options() -> None:
    """Put back the options that were set when names were first used."""
    while _undo:
        _undo.popitem()[1]()
