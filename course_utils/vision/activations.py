"""What the frozen part of a network makes of each picture, computed once and kept on disk."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from course_utils.files import replacing
from course_utils.training.data import Split
from course_utils.training.distributed import processes
from course_utils.vision.data import ImageData

KEPT = 12  # files of activations; the oldest go when there are more


def activations(data: ImageData, split: Split, model: nn.Module, folder: Path, compute: Callable[[], Tensor]) -> Tensor:
    """The outputs (N, features) of `model` for the plain pictures of one split, from a file in `folder` or from `compute`.

    The file's name is a hash of all that the outputs depend on, so that a file of other weights, pictures or sizes is never
    taken for it. A folder that cannot be written is replaced by one in the system's temporary folder.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file, save_file

    name = f"{key(data, split, model)}.safetensors"
    spare = Path(tempfile.gettempdir()) / f"course_utils-{os.getuid() if hasattr(os, 'getuid') else 'user'}" / "activations"

    def read() -> Tensor | None:
        for place in (folder, spare):
            try:
                found = load_file(place / name)["activations"]
                if len(found) == len(data.items(split)):
                    return found
            except (OSError, SafetensorError, KeyError):
                continue
        return None

    def write() -> None:
        for place in (folder, spare):
            try:
                with replacing(place / name) as part:
                    save_file({"activations": computed.contiguous()}, part)
                _remove_oldest(place)
                return
            except (OSError, SafetensorError):
                continue

    found = processes().once(read)
    if found is not None:
        return found
    computed = compute()
    processes().once(write)
    return computed


def key(data: ImageData, split: Split, model: nn.Module) -> str:
    """A hash of the weights, of each picture's name, size and time of change, and of the transforms."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{type(model)} {torch.__version__} {data.transforms} {data.device.type}".encode())
    for tensor_name, tensor in model.state_dict().items():
        digest.update(f"{tensor_name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    for path in data.paths(split):
        status = path.stat()
        digest.update(f"{path.name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _remove_oldest(folder: Path) -> None:
    files = sorted(folder.glob("*.safetensors"), key=lambda path: path.stat().st_mtime)
    for path in files[:-KEPT]:
        path.unlink(missing_ok=True)
