"""Networks by their names: which there are, what a function that builds one is called, and how their images were normalised."""

from collections.abc import Callable
from functools import partial
from typing import Any

from course_utils.errors import CourseError

DEFAULT = "efficientnet_lite0"
"""The backbone whose ImageNet weights come with the installation, so that nothing is downloaded when a lesson runs."""

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of red, green and blue, on a scale from 0 to 1

RGB = tuple[float, float, float]
Architecture = str | Callable[..., Any]
"""A network's name, or the function of torchvision or timm that builds it, as in the lecture's `arch=resnet34`."""


def name_of(arch: Architecture) -> str:
    """The name of a network; a function of torchvision or timm that builds one stands for its own name.

    Raises CourseError for anything else: a network that is built already, a function of another library, or one with arguments
    of its own (`functools.partial`), which a name cannot hold.

    >>> from torchvision.models import resnet34
    >>> name_of(resnet34), name_of("resnet34")
    ('resnet34', 'resnet34')
    """
    if isinstance(arch, str):
        return arch
    if isinstance(arch, partial) and not (arch.args or arch.keywords):
        return name_of(arch.func)
    if isinstance(arch, partial):
        raise CourseError(
            f"the architecture is a functools.partial with its own arguments; give the name alone, such as {DEFAULT!r}. "
            "What image_learner(pretrained=..., dropout=...) offers can be set there."
        )
    name = getattr(arch, "__name__", "") if callable(arch) else ""
    home = str(getattr(arch, "__module__", "")).partition(".")[0]
    if name and home == "torchvision" and name in torchvision_names() and _builder(name) is arch:
        return str(name)
    if name and home == "timm":
        import timm

        if timm.is_model(name) and timm.model_entrypoint(name) is arch:
            return f"timm/{name}"
    given = f"{name} of {arch.__module__}" if name and home else f"of type {type(arch).__name__}"
    raise CourseError(
        f"the architecture is {given}; give the name of a network, such as {DEFAULT!r} or 'resnet34', or a function of "
        "torchvision.models or timm that builds one"
    )


def _builder(name: str) -> object:
    from torchvision import models

    return models.get_model_builder(name)


def statistics(arch: Architecture) -> tuple[RGB, RGB]:
    """The mean and standard deviation of red, green and blue that a backbone's images were normalised with, from 0 to 1.

    >>> statistics("efficientnet_lite0")
    ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    """
    arch = name_of(arch)
    if arch == DEFAULT:
        return (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
    if arch in torchvision_names():
        return IMAGENET_MEAN, IMAGENET_STD
    import timm

    name = arch.removeprefix("timm/")
    if not timm.is_model(name):
        raise unknown(arch)
    trained = timm.get_pretrained_cfg(name)
    if trained is None:
        return IMAGENET_MEAN, IMAGENET_STD
    (red, green, blue), (red_std, green_std, blue_std) = trained.mean, trained.std
    return (red, green, blue), (red_std, green_std, blue_std)


def torchvision_names() -> list[str]:
    """The classification networks of torchvision."""
    from torchvision import models

    return [str(name) for name in models.list_models(module=models)]


def unknown(arch: str) -> CourseError:
    """The error for a name that no network has, with the names that are most like it."""
    from difflib import get_close_matches

    import timm

    close = get_close_matches(arch, dict.fromkeys([DEFAULT, *torchvision_names(), *timm.list_models()]), n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else "see torchvision.models.list_models() and timm.list_models()"
    return CourseError(f"there is no network called {arch!r}; {hint}")
