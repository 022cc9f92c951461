"""What moves on the screen: a convolution to step through, a network layer by layer, softmax and sigmoid, a threshold.

Python holds the state and computes with PyTorch; the JavaScript beside it draws. Nothing is loaded from the internet.
"""

from course_utils.networks import letter, letter_a, letter_network
from course_utils.widgets.convolution_explorer import ConvolutionExplorer
from course_utils.widgets.errors import WidgetError
from course_utils.widgets.kernels import PRESETS
from course_utils.widgets.layer_pipeline import LayerPipeline
from course_utils.widgets.softmax_sigmoid import SoftmaxSigmoid
from course_utils.widgets.threshold_explorer import ThresholdExplorer

__all__ = [
    "PRESETS",
    "ConvolutionExplorer",
    "LayerPipeline",
    "SoftmaxSigmoid",
    "ThresholdExplorer",
    "WidgetError",
    "letter",
    "letter_a",
    "letter_network",
]
