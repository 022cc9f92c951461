"""All that a fit needs to continue: taken from a learner, and looked at before anything is changed by it."""

import math
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.training import schedules, storage
from course_utils.training.architecture import unwrapped
from course_utils.training.arguments import not_negative, real, shown, whole
from course_utils.training.callbacks import Callback, Recorder
from course_utils.training.conditions import conditions_of, refused, said
from course_utils.training.devices import random_state, restore_random_state
from course_utils.training.filling import put_weights
from course_utils.training.fitting import Fitting
from course_utils.training.layer_groups import rates_for
from course_utils.training.meaning import close
from course_utils.training.optimizers import made_optimizer
from course_utils.training.schedules import Fit
from course_utils.training.storage import CHECKPOINT, StorageError
from course_utils.work import find_saved

HOW_IT_IS_COMPUTED = ("foreach", "fused", "capturable", "differentiable")  # options of optimisers that change no step


class Resumable(Fitting, Protocol):
    """A learner whose fit can be left and gone on with."""

    callbacks: list[Callback]
    recorder: Recorder
    fitting: Fit | None
    make_optimizer: Any

    def meaning(self) -> dict[str, Any]:
        """What the model's numbers stand for."""

    def freeze_to(self, n: int) -> None:
        """Freeze the layer groups before the nth."""

    def bn_freeze(self, frozen: bool = True) -> None:
        """Keep the running averages of every batch norm as they are."""

    def run(self, fit: Fit, checkpoint: str | None = None, resumed: dict[str, Any] | None = None) -> None:
        """Run a fit, from its beginning or from a checkpoint."""


def save_checkpoint(learner: Resumable, name: str) -> Path:
    """Write all that a fit needs to continue: weights, optimiser, schedule, random state, history."""
    return storage.save_checkpoint(taken_from(learner), storage.file_in(learner.path, name, CHECKPOINT))


def resume(learner: Resumable, checkpoint: str) -> None:
    """Go on with the fit that saved this checkpoint, as if it had never stopped: on the CPU equal to the last bit.

    The learner must have been made as it was then: the same data, model, and options. A checkpoint that does not fit (other
    classes, examples, layers, precision, loss, statistics, optimiser, callbacks) raises a StorageError that says what differs,
    and changes nothing. Another batch size or clip is taken, and a printed line says so.
    """
    state = read(learner, find_saved(storage.file_in(learner.path, checkpoint, CHECKPOINT), learner.data.path))
    if other := what_changed(learner, state):
        learner.say(other)
    restore_model(learner, state)
    learner.run(fit_in(state), checkpoint, state)


def taken_from(learner: Resumable) -> dict[str, Any]:
    """What a checkpoint holds: weights, optimiser, schedule, callbacks, random state, history, and what the weights mean."""
    fit = learner.fitting
    if fit is None:
        raise CourseError("there is no fit to continue yet; call fit(..., checkpoint=name), or save(name) for weights alone")
    return {
        "model": unwrapped(learner.model).state_dict(),
        "meaning": learner.meaning(),
        "made": _made(learner.optimizer),
        "conditions": _conditions(learner),
        "optimizer": learner.optimizer.state_dict(),
        "fit": {"plan": list(fit.schedule.made_by), "lr": fit.lr, "weight_decay": fit.weight_decay},
        "epochs_done": learner.epochs_done,
        "first_trainable": learner.layer_groups.first_trainable,
        "frozen": [name for name, p in unwrapped(learner.model).named_parameters() if not p.requires_grad],
        "bn_frozen": learner.layer_groups.batch_norms_frozen,
        "recorder": vars(learner.recorder),
        "callbacks": [[type(c).__name__, c.state()] for c in _with_state(learner.callbacks)],
        "random": random_state(),
    }


def _conditions(learner: Resumable) -> dict[str, Any]:
    precompute = learner.training_model is not learner.model  # whose outputs, but for a part's, are at hand
    return conditions_of(learner.data, learner.loss_function, learner.callbacks, learner.precision.mixed, precompute)


def what_changed(learner: Resumable, state: dict[str, Any]) -> str:
    """What is not as it was when a checkpoint was saved and may differ, in one line; nothing where all is."""
    return said(state.get("conditions", {}), _conditions(learner))


def read(learner: Resumable, file: Path) -> dict[str, Any]:
    """The checkpoint in a file, if the learner can continue from it; else a StorageError, and nothing was changed."""
    state = storage.load_checkpoint(file, learner.model, learner.meaning())
    kept = random_state()
    try:
        _check(learner, state, file)
        restore_random_state(state["random"])
    except StorageError:
        raise
    except Exception as error:  # a damaged file may hold anything where something else belongs
        raise StorageError(
            f"{file} is damaged: a part of it is not what a checkpoint holds ({type(error).__name__}: {error}); start the "
            "fit again"
        ) from error
    finally:
        restore_random_state(kept)
    return state


def _check(learner: Resumable, state: dict[str, Any], file: Path) -> None:
    ours, theirs = _made(learner.optimizer), state.get("made", {})
    if theirs.get("kind") not in (None, ours["kind"]):
        raise StorageError(
            f"{file} was saved with the optimiser {theirs['kind']}, and this learner has {ours['kind']}; give it that"
        )
    known = theirs.keys() & ours.keys()  # other versions of PyTorch have other options
    storage.check_meaning(
        {"optimizer": {k: theirs[k] for k in sorted(known)}}, {"optimizer": {k: ours[k] for k in sorted(known)}}, file
    )
    _check_precision(unwrapped(learner.model).state_dict(), state["model"], file)
    if other := refused(state.get("conditions", {}), _conditions(learner)):
        raise StorageError(
            f"{file} was saved in the middle of another fit: {'; '.join(other)}. Nothing was changed. Make data and learner as "
            "they were, or take its weights alone: save(name) after a fit writes them, load(name) reads them"
        )
    groups, rates, first = len(learner.layer_groups), state["fit"]["lr"], state["first_trainable"]
    if len(rates) != groups:
        raise StorageError(
            f"{file} was saved from a model of {len(rates)} layer groups, and this one has {groups}; make the learner with the "
            "same layer_groups"
        )
    rates_for(rates, groups)
    schedule, decay = schedules.again(state["fit"]["plan"]), state["fit"]["weight_decay"]
    epochs = schedule.epochs
    if decay is not None:
        not_negative("weight_decay", decay)
    if not (0 <= whole("first_trainable", first, least=0) < groups and isinstance(state["bn_frozen"], bool)):
        raise ValueError(f"first_trainable is {first}, bn_frozen is {shown(state['bn_frozen'])}")
    if whole("epochs_done", state["epochs_done"], least=0) > epochs:
        raise ValueError(f"{state['epochs_done']} epochs are done of {epochs}")
    _check_history(state["recorder"], vars(learner.recorder))
    saved = [name for name, _ in state.get("callbacks", [])]
    own = [type(c).__name__ for c in _with_state(learner.callbacks)]
    if "callbacks" in state and saved != own:
        raise StorageError(
            f"{file} was saved with the callbacks {', '.join(saved) or 'none'} (of those that remember), and this learner has "
            f"{', '.join(own) or 'none'}; make it with the same"
        )
    for callback, (_, known) in zip(_with_state(learner.callbacks), state.get("callbacks", []), strict=False):
        callback.check_state(known, learner)
    named = dict(unwrapped(learner.model).named_parameters())
    frozen = {id(named[name]) for name in state.get("frozen", [])}
    trained: list[list[Tensor]] = [
        [p for module in modules for p in module.parameters() if id(p) not in frozen]
        for modules in learner.layer_groups[first:]
    ]
    of_fit = {"weight_decay"} if decay is not None else set()
    of_fit |= {"momentum", "betas"} if schedule.momentum else set()
    _check_optimizer([weights for weights in trained if weights], state["optimizer"], learner, file, of_fit)


def _check_precision(ours: dict[str, Tensor], theirs: dict[str, Tensor], file: Path) -> None:
    """Numbers of another precision would be rounded, or continue as if they were more exact than they are."""
    for name, tensor in ours.items():
        if tensor.dtype != theirs[name].dtype:
            raise StorageError(
                f"{file} was saved from a model whose {name} is {theirs[name].dtype}, and here it is {tensor.dtype}; make the "
                "model in the same precision, such as model.double()"
            )


def _check_optimizer(
    trained: list[list[Tensor]], state: dict[str, Any], learner: Resumable, file: Path, of_fit: set[str]
) -> None:
    """Its memory has to be that of the same weights: as many groups, as many weights, of the same shapes and options.

    Options that the fit sets (`of_fit`) come from the checkpoint; others would replace those that the learner was given.
    """
    if [len(weights) for weights in trained] != [len(group["params"]) for group in state["param_groups"]]:
        raise StorageError(
            f"{file} was saved while other weights were trained: its optimiser knows "
            f"{[len(group['params']) for group in state['param_groups']]} of them in groups, and this learner would train "
            f"{[len(weights) for weights in trained]}; make the learner with the same layer_groups"
        )
    flat = [p for weights in trained for p in weights]
    for number, memory in state["state"].items():
        shapes = [tuple(t.shape) for t in memory.values() if isinstance(t, Tensor) and t.ndim]
        if any(shape != tuple(flat[number].shape) for shape in shapes) and _shaped_like_weights(learner.optimizer):
            raise ValueError("the optimiser's memory is of other weights")
    fresh = made_optimizer(learner.make_optimizer, [{"params": weights, "lr": 0.1, "full_lr": 0.1} for weights in trained])
    for group, (ours, theirs) in enumerate(zip(fresh.param_groups, state["param_groups"], strict=True)):
        for option, value in ours.items():
            number = real(theirs.get(option, value))
            if real(value) is not None and (number is None or not math.isfinite(number)):
                raise ValueError(f"the optimiser's {option} is {shown(theirs[option])}")
            if option in {"params", "lr", "full_lr", *HOW_IT_IS_COMPUTED, *of_fit} or option not in theirs:
                continue
            if not close(theirs[option], value):
                raise StorageError(
                    f"{file} was saved with {option}={shown(theirs[option])} in group {group} of the optimiser, and this "
                    f"learner makes it with {shown(value)}; give it the optimiser of then"
                )
    fresh.load_state_dict(state)


def _check_history(saved: dict[str, Any], here: dict[str, Any]) -> None:
    """Lists of what a recorder keeps: numbers, and lists and dictionaries of them."""
    if not saved.keys() <= here.keys():
        raise ValueError("an unknown history")
    for name, values in saved.items():
        for value in [*values] if isinstance(values, list) else [values]:
            numbers = value.values() if isinstance(value, dict) else value if isinstance(value, tuple | list) else [value]
            if not isinstance(values, list) or any(real(number) is None for number in numbers):
                raise ValueError(f"the {name} of the history are {shown(value)}")


def _shaped_like_weights(optimizer: torch.optim.Optimizer) -> bool:
    return isinstance(
        optimizer, torch.optim.SGD | torch.optim.Adam | torch.optim.AdamW | torch.optim.RMSprop | torch.optim.Adagrad
    )


def _made(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Its kind and the options that it was made with; the rate is the fit's."""
    options = {name: v for name, v in optimizer.defaults.items() if isinstance(v, bool | int | float | tuple)}
    options = {name: v for name, v in options.items() if name != "lr" and name not in HOW_IT_IS_COMPUTED}
    return {"kind": type(optimizer).__name__, **options}


def _with_state(callbacks: list[Callback]) -> list[Callback]:
    return [c for c in callbacks if type(c).state is not Callback.state]


def fit_in(state: dict[str, Any]) -> Fit:
    """What the fit was asked for that saved a checkpoint."""
    saved = state["fit"]
    return Fit(schedules.again(saved["plan"]), saved["lr"], saved["weight_decay"])


def restore_model(learner: Resumable, state: dict[str, Any]) -> None:
    """Give the model its weights back, and freeze what was frozen; before a fit makes its optimiser."""
    put_weights(unwrapped(learner.model), state["model"])
    learner.freeze_to(state["first_trainable"])
    learner.bn_freeze(state["bn_frozen"])
    for name, weight in unwrapped(learner.model).named_parameters() if "frozen" in state else ():
        weight.requires_grad_(name not in state["frozen"])  # one may be frozen by hand


def restore_fit(learner: Resumable, state: dict[str, Any]) -> None:
    """Give a fit that begins the optimiser's memory, the history, its place and the random numbers back."""
    learner.optimizer.load_state_dict(state["optimizer"])
    learner.epochs_done = state["epochs_done"]
    vars(learner.recorder).update(state["recorder"])
    restore_random_state(state["random"])


def restore_callbacks(learner: Resumable, state: dict[str, Any]) -> None:
    """Give the callbacks back what they knew."""
    for callback, (_, known) in zip(_with_state(learner.callbacks), state.get("callbacks", []), strict=False):
        callback.load_state(known)
        callback.after_resume(learner)
