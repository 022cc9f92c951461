"""What moves on the screen: a convolution to step through, a network layer by layer, softmax and sigmoid, what a
prediction costs, a threshold, a picture as it is varied while training, names as points.

Each widget has a folder: what it is (widget.py), what is seen of it (widget.js, widget.css), and what the screen computes
(numbers.js), which is what PyTorch computes. What they share is in base/. Nothing is loaded from the internet.
"""

from course_utils.networks import letter, letter_a, letter_network
from course_utils.widgets.activation_functions.widget import ActivationFunctions
from course_utils.widgets.augmentations.widget import Augmentations
from course_utils.widgets.base.errors import WidgetError
from course_utils.widgets.convolution_explorer.widget import ConvolutionExplorer
from course_utils.widgets.cross_entropy.widget import CrossEntropy
from course_utils.widgets.embedding_map.widget import EmbeddingMap
from course_utils.widgets.gallery import export_widgets
from course_utils.widgets.kernels import PRESETS
from course_utils.widgets.layer_groups.widget import LayerGroups
from course_utils.widgets.layer_pipeline.widget import LayerPipeline
from course_utils.widgets.learning_rate_finder.widget import LearningRateFinder
from course_utils.widgets.learning_rate_schedule.widget import LearningRateSchedule
from course_utils.widgets.max_pooling.widget import MaxPooling
from course_utils.widgets.prediction_browser.widget import PredictionBrowser
from course_utils.widgets.softmax_sigmoid.widget import SoftmaxSigmoid
from course_utils.widgets.threshold_explorer.widget import ThresholdExplorer
from course_utils.widgets.try_your_own.widget import TryYourOwn

__all__ = [
    "PRESETS",
    "ActivationFunctions",
    "Augmentations",
    "ConvolutionExplorer",
    "CrossEntropy",
    "EmbeddingMap",
    "LayerGroups",
    "LayerPipeline",
    "LearningRateFinder",
    "LearningRateSchedule",
    "MaxPooling",
    "PredictionBrowser",
    "SoftmaxSigmoid",
    "ThresholdExplorer",
    "TryYourOwn",
    "WidgetError",
    "export_widgets",
    "letter",
    "letter_a",
    "letter_network",
]
