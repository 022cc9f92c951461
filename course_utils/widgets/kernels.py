"""Kernels by name, and the many ways to give some."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.networks.kernels import KERNELS
from course_utils.widgets.base.arrays import as_array
from course_utils.widgets.base.errors import WidgetError

Array = NDArray[np.float64]

PRESETS = KERNELS
MAX_KERNELS = 8
MAX_KERNEL_SIDE = 7

Kernels = str | Sequence[str] | Mapping[str, ArrayLike] | ArrayLike


def preset(name: str, size: tuple[int, int] = (3, 3)) -> Array:
    """The 3 x 3 kernel of that name, in the middle of one of the given size (each side at least 3) with zeros around.

    Raises WidgetError for a name that is not in PRESETS and a size too small for it.

    >>> preset("identity").tolist()
    [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    if name not in PRESETS:
        raise WidgetError(f"no kernel is called {name!r}; there are: {', '.join(PRESETS)}")
    if min(size) < 3:
        raise WidgetError(f"the kernel {name!r} is 3 × 3 and does not fit one of {size[0]} × {size[1]}")
    kernel = np.zeros(size)
    top, left = (size[0] - 3) // 2, (size[1] - 3) // 2
    kernel[top : top + 3, left : left + 3] = PRESETS[name]
    return kernel


def named_kernels(kernels: Kernels, channels: int) -> dict[str, Array]:
    """Kernels of shape (channels, height, width) by name, from what a person may give.

    That is the name of a preset or several of them, a mapping from names to kernels, one kernel of shape (height, width), or
    many of shape (kernels, channels, height, width), the layout of PyTorch's Conv2d weights. A kernel without a channel axis
    is used for each of the `channels`.

    Raises WidgetError for an unknown name, a wrong shape, sides above 7, more than 8 kernels, and numbers that are not finite.

    >>> {name: kernel.shape for name, kernel in named_kernels(["blur", "top edge"], channels=3).items()}
    {'blur': (3, 3, 3), 'top edge': (3, 3, 3)}
    """
    if isinstance(kernels, str):
        kernels = [kernels]
    if isinstance(kernels, Mapping):
        given = {str(name): _numbers(kernel, f"the kernel {name!r}") for name, kernel in kernels.items()}
    elif _all_names(kernels):
        given = {str(name): preset(str(name)) for name in kernels}  # type: ignore[union-attr]
    else:
        array = _numbers(kernels, "kernels")
        if array.ndim not in (2, 4):
            raise WidgetError(
                f"kernels has shape {array.shape}; expected (height, width) for one kernel or (kernels, channels, height, "
                "width) for several, as in Conv2d.weight. A mapping from names to kernels is good too"
            )
        rows = array[None] if array.ndim == 2 else array
        given = {f"kernel {number}": kernel for number, kernel in enumerate(rows, start=1)}
    if not 1 <= len(given) <= MAX_KERNELS:
        raise WidgetError(f"{len(given)} kernels were given; expected 1 to {MAX_KERNELS}")
    result = {name: _with_channels(kernel, name, channels) for name, kernel in given.items()}
    sizes = {kernel.shape for kernel in result.values()}
    if len(sizes) > 1:
        raise WidgetError(
            f"all kernels of a layer have one shape, and these have {sorted(sizes)}; fill the smaller ones up with zeros"
        )
    return result


def _all_names(kernels: object) -> bool:
    return isinstance(kernels, Sequence) and len(kernels) > 0 and all(isinstance(name, str) for name in kernels)


def _numbers(values: ArrayLike, what: str) -> Array:
    try:
        array = as_array(values)
    except (TypeError, ValueError) as error:
        raise WidgetError(f"{what} should be numbers in a grid with rows of one length: {error}") from error
    if not np.isfinite(array).all():
        raise WidgetError(f"{what} holds nan or inf; only finite numbers can be multiplied and added up")
    return array


def _with_channels(kernel: Array, name: str, channels: int) -> Array:
    if kernel.ndim == 2:
        kernel = np.repeat(kernel[None], channels, axis=0)
    if kernel.ndim != 3 or kernel.shape[0] != channels:
        raise WidgetError(
            f"the kernel {name!r} has shape {kernel.shape} and the image {channels} channel(s); expected "
            f"({channels}, height, width), or (height, width) for the same in each channel"
        )
    if not all(1 <= side <= MAX_KERNEL_SIDE for side in kernel.shape[1:]):
        raise WidgetError(f"the kernel {name!r} has shape {kernel.shape}; height and width should be 1 to {MAX_KERNEL_SIDE}")
    return kernel
