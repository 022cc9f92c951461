"""Arrays of finite numbers: as a trait, and as an image that somebody gives."""

import os
from collections.abc import Iterable, Mapping, Set
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from traitlets import TraitType

from course_utils.masked import refuse_masked
from course_utils.tracing.errors import TraceError
from course_utils.tracing.inputs import as_input, channels_first
from course_utils.widgets.base.errors import WidgetError


def as_array(values: Any) -> NDArray[np.float64]:
    """A new float64 array, of a tensor of any dtype too (NumPy has no bfloat16).

    Raises TypeError or ValueError if it cannot be one (a complex number would lose a part), WidgetError if some of its values
    are masked out.
    """
    refuse_masked("the array", values, WidgetError)
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = (values if values.is_complex() else values.double()).numpy()
    if np.iscomplexobj(values):
        raise TypeError("these are complex numbers; give their size, abs(x), or their real part, x.real")
    return np.array(values, dtype=np.float64)


def plain_value(value: Any, single: bool = False) -> Any:
    """A number, text or list of Python's own, of what NumPy, PyTorch and pathlib give; `single` takes a pair of one number.

    >>> plain_value(np.float32(2)), plain_value(np.bool_(True)), plain_value((2, 2), single=True)
    (2.0, True, 2)
    """
    if isinstance(value, np.generic) or (
        hasattr(value, "item") and hasattr(value, "shape") and tuple(value.shape) in ((), (1,))
    ):
        return value.item()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, (tuple, list)):
        parts = type(value)(plain_value(part) for part in value) if type(value) in (tuple, list) else value
        return parts[0] if single and len(parts) == 2 and parts[0] == parts[1] else parts
    return value


def shown(value: Any) -> str:
    """What was given, in at most 80 letters."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:79]}…"


def as_names(values: Any, name: str) -> list[str]:
    """Names as a list of text, from a list, a tuple, an array or a column of a table; numbers are names too.

    Raises WidgetError for a text by itself, for what has no order or more than names in it, and for all else.

    >>> as_names(np.array(["cat", "dog"]), "classes"), as_names((0, 1), "classes")
    (['cat', 'dog'], ['0', '1'])
    """
    expected = f"{name} is {shown(values)}; expected a list of names, as in ['cat', 'dog']"
    if isinstance(values, (str, bytes, Mapping, Set)) or not isinstance(values, Iterable):
        raise WidgetError(expected)
    refuse_masked(name, values, WidgetError)
    names = [plain_value(value) for value in values]
    if not all(isinstance(one, (str, int, float)) for one in names):
        raise WidgetError(expected)
    return [str(one) for one in names]


if TYPE_CHECKING:
    _ArrayTrait = TraitType[NDArray[np.float64], Any]
else:
    _ArrayTrait = TraitType  # takes no types in the traitlets of Colab


class Numbers(_ArrayTrait):
    """An array of finite numbers with a fixed count of axes; it travels to JavaScript as nested lists.

    Anything that numpy makes an array of can be set, a tensor too; what is read back is float64 and cannot be written to,
    because a change inside an array would not be noticed: set a changed copy.
    """

    info_text = "an array of finite numbers"

    def __init__(self, axes: int, largest: float = np.inf, **kwargs: Any) -> None:
        self.axes, self.largest = axes, largest
        super().__init__(default_value=np.zeros((0,) * axes), **kwargs)
        self.tag(sync=True, to_json=lambda value, widget: value.tolist())

    def validate(self, obj: Any, value: Any) -> NDArray[np.float64]:
        """Give `value` as a read-only float64 array, or raise WidgetError."""
        try:
            array = as_array(value)
        except (TypeError, ValueError) as error:
            raise WidgetError(f"{self.name} should be numbers in {self.axes} axes, with rows of one length: {error}") from error
        if array.size == 0:
            array = array.reshape((0,) * self.axes)
        if array.ndim != self.axes:
            raise WidgetError(f"{self.name} has shape {array.shape}; an array of {self.axes} axes was expected")
        if not np.isfinite(array).all():
            raise WidgetError(f"{self.name} holds nan or inf; only finite numbers can be shown. Find them with numpy.isfinite")
        if np.abs(array).max(initial=0.0) > self.largest:
            raise WidgetError(
                f"{self.name} holds {np.abs(array).max():g}; numbers of at most {self.largest:g} can be shown. Divide them"
            )
        array.setflags(write=False)
        return array


def as_image(image: Any, largest: int, name: str = "image") -> NDArray[np.float64]:
    """An image of shape (channels, height, width) from (height, width) or (channels, height, width), 1 to 4 channels.

    Of a Pillow image the bytes 0-255 become 0-1. `name` is what the argument is called.

    Raises WidgetError for another shape, a side above `largest` pixels, and numbers that are not finite.

    >>> as_image([[0, 1], [1, 0]], largest=64).shape
    (1, 2, 2)
    """
    try:
        array = as_array(as_input(image)[0] if hasattr(image, "getbands") else image)
    except TraceError as error:
        raise WidgetError(str(error)) from error
    except (TypeError, ValueError) as error:
        raise WidgetError(
            f"the image should be numbers, as an array, a tensor, a Pillow image or a list with rows of one length, "
            f"and is {shown(image)} ({error})"
        ) from error
    if image is None or array.ndim not in (2, 3) or 0 in array.shape:
        found = f"has shape {array.shape}" if array.ndim else f"is {shown(image)}"
        batch = "; of a batch give one image, as in batch[0]" if array.ndim == 4 else ""
        raise WidgetError(f"the image {found}; expected numbers, (height, width) or (channels, height, width){batch}")
    if array.ndim == 2:
        array = array[None]
    channels, height, width = array.shape
    if channels > 4:
        first = f"put the channels first: {channels_first(image, name)}"
        hint = first if width <= 4 else f"give one to four of them, as in {name}[:3]"
        raise WidgetError(f"the image has shape {array.shape}, which would be {channels} channels; {hint}")
    if max(height, width) > largest:
        raise WidgetError(
            f"the image is {height} × {width} and more than {largest} pixels a side are too many to follow; "
            f"cut a part out, image[..., :{largest}, :{largest}], or make it smaller"
        )
    if not np.isfinite(array).all():
        raise WidgetError("the image holds nan or inf; only finite numbers can be shown. Find them with numpy.isfinite")
    return array
