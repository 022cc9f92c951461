"""What the doctor looks at; what `course doctor` prints of it is in test_cli."""

from course_utils import doctor


def test_a_torch_and_torchvision_that_do_not_fit_are_found(monkeypatch):
    def unfit(*arguments):
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr("torchvision.ops.nms", unfit)
    check = doctor._pytorch()
    assert check.ok is False
    assert "do not fit together" in check.found
