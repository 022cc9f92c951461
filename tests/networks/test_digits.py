"""The network of the digits, as it is committed and trained anew."""

import pytest
import torch
import torch.nn.functional as F

from course_utils import networks


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    """Scanned digits and their labels: those to train on, and those held out."""
    pytest.importorskip("sklearn", reason="pip install scikit-learn")
    from course_utils.data.samples import digits

    folder = tmp_path_factory.mktemp("digits")
    digits.draw(folder)
    return [
        (
            torch.tensor(digits.read_idx(folder / f"{name}-images-idx3-ubyte.gz"))[:, None] / 255,
            torch.tensor(digits.read_idx(folder / f"{name}-labels-idx1-ubyte.gz")).long(),
        )
        for name in ("train", "t10k")
    ]


def test_the_digits_network_reads_digits_that_it_has_not_seen(scanned):
    images, labels = scanned[1]
    with torch.no_grad():
        assert (networks.digits_network()[0](images.double()).argmax(1) == labels).double().mean() > 0.97


@pytest.mark.thorough
def test_the_digits_network_learns_again(scanned):
    images, labels = scanned[1]
    logits = networks.train_digits_network(*scanned[0])(images)
    assert (logits.argmax(1) == labels).double().mean() > 0.97
    assert F.cross_entropy(logits, labels) < 0.2
