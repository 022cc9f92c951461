"""Pictures: reading them, varying them, teaching networks what they show, and looking at what they learnt."""

from course_utils.vision.data import ImageData
from course_utils.vision.decoding.errors import ImageError
from course_utils.vision.figures.class_counts import class_counts, cooccurrence, show_class_counts, show_cooccurrence
from course_utils.vision.figures.exciting import show_exciting
from course_utils.vision.figures.growing_sizes import show_growing_sizes
from course_utils.vision.figures.image_sizes import image_sizes, show_image_sizes
from course_utils.vision.figures.results import Results
from course_utils.vision.figures.symmetries import show_symmetries
from course_utils.vision.figures.tag_results import TagResults
from course_utils.vision.images import read_image
from course_utils.vision.learner import ImageLearner, image_learner
from course_utils.vision.networks.backbones import WeightsError, available_offline, backbone
from course_utils.vision.networks.heads import adapt_input_channels
from course_utils.vision.occlusion import OcclusionMap, occlusion_map
from course_utils.vision.prediction import ImagePrediction
from course_utils.vision.predictor import ImagePredictor
from course_utils.vision.transforms import Augmentation, Transforms, side_on, top_down, transforms_for

__all__ = [
    "Augmentation",
    "ImageData",
    "ImageError",
    "ImageLearner",
    "ImagePrediction",
    "ImagePredictor",
    "OcclusionMap",
    "Results",
    "TagResults",
    "Transforms",
    "WeightsError",
    "adapt_input_channels",
    "available_offline",
    "backbone",
    "class_counts",
    "cooccurrence",
    "image_learner",
    "image_sizes",
    "occlusion_map",
    "read_image",
    "show_class_counts",
    "show_cooccurrence",
    "show_exciting",
    "show_growing_sizes",
    "show_image_sizes",
    "show_symmetries",
    "side_on",
    "top_down",
    "transforms_for",
]
