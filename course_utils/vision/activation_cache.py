"""What the frozen part of a network makes of each picture, computed once and kept on disk."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.files import replacing
from course_utils.training.distributed import processes
from course_utils.training.tasks import Split
from course_utils.vision.data import ImageData
from course_utils.vision.decoding.errors import ImageError
from course_utils.work import spare_folder

KEPT = 12  # files of activations; the oldest go when there are more
DECODING = 3  # raised whenever a picture is decoded to other pixels than before


def cached_activations(data: ImageData, split: Split, model: nn.Module, folder: Path, compute: Callable[[], Tensor]) -> Tensor:
    """The outputs (N, features) of `model` for the plain pictures of one split, from a file in `folder` or from `compute`.

    The file's name is a hash of all that the outputs depend on, so that a file of other weights, pictures or sizes is never
    taken for it. A folder that cannot be written is replaced by one of the user's own in the system's temporary folder.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file, save_file

    known = cache_key(data, split, model)
    if known is None:
        return compute()
    name = f"{known}.safetensors"

    def read() -> Tensor | None:
        for place in (folder, spare_folder(make=False)):
            with suppress(OSError, SafetensorError, KeyError):
                found = load_file(place / name)["activations"] if place else None
                if found is not None and len(found) == len(data.items(split)):
                    return found
        return None

    def write() -> None:
        for place in (lambda: folder, spare_folder):
            with suppress(OSError, SafetensorError, CourseError):
                if (there := place()) is None:
                    return
                with replacing(there / name) as part:
                    save_file({"activations": computed.contiguous()}, part)
                _remove_oldest(there)
                return

    found = processes().once(read)
    if found is not None:
        return found
    computed = compute()
    processes().once(write)
    return computed


def cache_key(data: ImageData, split: Split, model: nn.Module) -> str | None:
    """A hash of the weights, of each picture's name, size and time of change, and of the transforms.

    None where a picture cannot be looked at: whoever decodes it says why.
    """
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{DECODING} {type(model)} {torch.__version__} {data.transforms} {data.device.type}".encode())
    for tensor_name, tensor in model.state_dict().items():
        digest.update(f"{tensor_name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    try:
        for item in data.items(split):
            digest.update(f"{data.fingerprint(item)}\n".encode("utf-8", "surrogatepass"))
    except ImageError:  # gone, a broken link, a name that no file can have
        return None
    return digest.hexdigest()


def _remove_oldest(folder: Path) -> None:
    with suppress(OSError):  # another process may be doing the same
        files = sorted(folder.glob("*.safetensors"), key=lambda path: path.stat().st_mtime)
        for path in files[:-KEPT]:
            path.unlink(missing_ok=True)
