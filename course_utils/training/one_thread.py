"""One fit of a network at a time: two threads that change the same weights would spoil them, or end Python."""

import functools
import threading
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar
from weakref import WeakKeyDictionary

from torch import nn

from course_utils.errors import CourseError

_training: WeakKeyDictionary[nn.Module, int] = WeakKeyDictionary()  # which thread trains a network
_looking = threading.Lock()


class HasModel(Protocol):
    """A learner."""

    @property
    def model(self) -> nn.Module: ...  # noqa: D102


Owner = TypeVar("Owner", bound=HasModel)
Given = ParamSpec("Given")
Result = TypeVar("Result")


def one_thread_at_a_time(method: Callable[Concatenate[Owner, Given], Result]) -> Callable[Concatenate[Owner, Given], Result]:
    """A method of a learner that trains its network: no other thread may do so, nor predict with it, until it has ended.

    It raises a CourseError where another thread trains that network already.
    """

    @functools.wraps(method)
    def alone(learner: Owner, *args: Given.args, **kwargs: Given.kwargs) -> Result:
        model, here, outer = learner.model, threading.get_ident(), None
        try:
            with _looking:
                refuse_while_trained_elsewhere(model)
                outer = _training.get(model)
                _training[model] = here
            return method(learner, *args, **kwargs)
        finally:
            if outer is None and _training.get(model) == here:  # not for one that was refused, or runs inside another
                _training.pop(model, None)

    return alone


def refuse_while_trained_elsewhere(model: nn.Module) -> None:
    """Raise a CourseError where another thread trains a network: its weights and its mode change all the time."""
    owner = _training.get(model)
    if owner not in (None, threading.get_ident()) and any(thread.ident == owner for thread in threading.enumerate()):
        raise CourseError(
            "this network is being trained in another thread. Wait until that is over (thread.join()), or use a copy of its "
            "own that was made before: copy.deepcopy(learner)"
        )
