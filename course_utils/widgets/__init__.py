"""What moves on the screen: a convolution to step through, and a whole network layer by layer.

Python holds the state and computes with PyTorch; the JavaScript beside it draws. Nothing is loaded from the internet.
"""

from course_utils.widgets.convolution_explorer import ConvolutionExplorer
from course_utils.widgets.errors import WidgetError
from course_utils.widgets.kernels import PRESETS
from course_utils.widgets.layer_pipeline import LayerPipeline
from course_utils.widgets.letters import letter, letter_a, letter_network

__all__ = ["PRESETS", "ConvolutionExplorer", "LayerPipeline", "WidgetError", "letter", "letter_a", "letter_network"]
