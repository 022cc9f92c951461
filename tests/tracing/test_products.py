"""Matrix products and reductions of a model that is followed: which numbers each of theirs is made of."""

import openpyxl
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.excel import export_model
from course_utils.tracing import TraceError, trace_model
from course_utils.tracing.products import factors, places


@pytest.mark.parametrize(
    ("left", "right"),
    [((4,), (4,)), ((1, 4), (4, 3)), ((4,), (4, 3)), ((3, 4), (4,)), ((1, 2, 3, 4), (1, 1, 4, 5)), ((1, 1, 2, 3), (2, 3, 1))],
)
def test_the_factors_of_a_product_are_those_of_pytorch(left, right):
    a, b = torch.randn(left), torch.randn(right)
    found = factors(places(a), places(b))
    made = (a.flatten()[found["left"]] * b.flatten()[found["right"]]).sum(1)
    assert made.numpy() == pytest.approx((a @ b).flatten().numpy(), abs=1e-5)


class Calls(nn.Module):
    """A forward in one line, with a weight used by hand."""

    def __init__(self, call, *shape):
        super().__init__()
        self.call = call
        self.weight = nn.Parameter(torch.randn(shape))

    def forward(self, x):
        return self.call(x, self.weight)


def test_a_vector_times_a_weight_by_hand_in_a_workbook(tmp_path):
    file = export_model(Calls(lambda x, w: x @ w, 4, 2), torch.randn(4), tmp_path / "product.xlsx")
    written = [cell.value for row in openpyxl.load_workbook(file)["Network"] for cell in row if cell.data_type == "f"]
    assert {"=SUMPRODUCT(B9:B12,J9:J12)", "=SUMPRODUCT(B9:B12,K9:K12)"} < set(written)


def test_heads_that_share_their_keys_and_values():
    def attend(x, w):
        queries, keys = (x @ w[:, :4]).view(1, 3, 2, 2).transpose(1, 2), (x @ w[:, 4:]).view(1, 1, 3, 2)
        return F.scaled_dot_product_attention(queries, keys, keys).transpose(1, 2).reshape(1, 3, 4)

    steps = trace_model(Calls(attend, 5, 6), torch.randn(1, 3, 5)).steps
    found = [step for step in steps if step.kind in ("scores", "matmul")]
    assert [step.value.shape for step in found[-2:]] == [(2, 3, 3), (2, 3, 2)]
    for step in found:
        left, right = (steps[source].value.reshape(-1) for source in step.sources)
        made = (left[step.settings["left"]] * right[step.settings["right"]]).sum(1)
        made = made / 2**0.5 if step.kind == "scores" else made
        assert made == pytest.approx(step.value.reshape(-1))


@pytest.mark.parametrize("axis", [0, 2])
def test_a_mean_over_a_sequence_whose_batch_axis_is_the_second(axis):
    class Mean(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(2, 3)

        def forward(self, x):
            return self.lstm(x)[0].mean(axis)

    model, x = Mean(), torch.randn(5, 2)
    step = trace_model(model, x).steps[-1]
    assert step.value.flatten() == pytest.approx(model(x[:, None]).detach().flatten().numpy(), abs=1e-6)
    assert step.settings["words"] == f"The average over all {'features' if axis else 'positions'}."


def test_a_softmax_in_other_digits_is_refused():
    with pytest.raises(TraceError, match=r"softmax \(softmax\): dtype=torch.float32; the numbers of a workbook are float64"):
        trace_model(Calls(lambda x, w: F.softmax(x * w, dim=-1, dtype=torch.float32), 3), torch.randn(3))
