"""A value that is masked out of an array is never taken for a real one."""

import numpy as np
import pandas as pd
import pytest
import torch

from course_utils.errors import CourseError
from course_utils.lecture.learners import T
from course_utils.lecture.tables import split_by_idx
from course_utils.masked import refuse_masked
from course_utils.tabular import TabularData
from course_utils.tracing import trace_model
from course_utils.training import Data, accuracy, best_threshold, f_beta
from course_utils.training.arguments import real
from course_utils.vision import ImageData, transforms_for
from course_utils.vision.pictures import as_image
from course_utils.widgets import ConvolutionExplorer, SoftmaxSigmoid

X, Y = np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 0, 1])
SQUARES, SMALL = np.arange(6 * 8 * 8, dtype=np.uint8).reshape(6, 8, 8), transforms_for(None, 32)
TABLE = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "y": [1.0, 2.0, 3.0, 4.0]})
PROBABILITIES = np.array([[0.9, 0.1], [0.2, 0.8]])

CALLS = {
    "inputs": lambda two: Data.from_tensors((two(X), Y), (X, Y)),
    "targets": lambda two: Data.from_tensors((X, Y), (X, two(Y))),
    "pictures": lambda two: ImageData.from_arrays((two(SQUARES), Y), (SQUARES, Y), SMALL),
    "a list of pictures": lambda two: ImageData.from_arrays(([two(SQUARES[0]), *SQUARES[1:]], Y), (SQUARES, Y), SMALL),
    "labels": lambda two: ImageData.from_arrays((SQUARES, two(Y)), (SQUARES, Y), SMALL),
    "a picture": lambda two: as_image(two(SQUARES[0])),
    "valid_idx": lambda two: TabularData.from_frame(TABLE, "y", [], ["x"], two(np.array([0, 1, 2]))),
    "truths": lambda two: TabularData.from_frame(TABLE, "y", [], ["x"], two(np.array([True, True, True, False]))),
    "a metric": lambda two: accuracy(two(PROBABILITIES), Y[:2]),
    "a threshold": lambda two: f_beta(PROBABILITIES, PROBABILITIES > 0.5, 2, two(np.array([0.2, 0.3]))),
    "thresholds": lambda two: best_threshold(PROBABILITIES, PROBABILITIES > 0.5, thresholds=two(np.array([0.2, 0.3]))),
    "an image in a widget": lambda two: ConvolutionExplorer(two(np.eye(8))),
    "kernels": lambda two: ConvolutionExplorer(np.eye(8), two(np.ones((3, 3)))),
    "a bias": lambda two: ConvolutionExplorer(np.eye(8), bias=two(np.zeros(2))),
    "names": lambda two: SoftmaxSigmoid(classes=two(np.array([1, 2, 3]))),
    "a traced input": lambda two: trace_model(torch.nn.Linear(2, 2), two(np.ones(2))),
    "the lecture's arrays": lambda two: T(two(X)),
    "the lecture's rows": lambda two: split_by_idx(two(np.array([1, 2, 3])), X),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_is_masked_out_is_refused_and_an_array_of_which_nothing_is_is_taken(call):
    def two_hidden(array):
        return np.ma.array(array, mask=np.arange(array.size).reshape(array.shape) < 2)

    with pytest.raises(CourseError, match="2 values masked out, which would count like the others; put numbers in their place"):
        call(two_hidden)
    call(np.ma.array)


def test_a_number_that_is_masked_is_no_number():
    assert real(np.ma.masked) is None
    assert real(np.ma.array([1.5])[0]) == 1.5
    with pytest.raises(CourseError, match="x has 1 value masked out"):
        refuse_masked("x", [[1.0, np.ma.masked], [2.0, 3.0]])
