"""Pictures: reading them, varying them, teaching networks what they show, and looking at what they learnt."""

from course_utils.vision.backbones import WeightsError, available_offline, backbone
from course_utils.vision.data import ImageData
from course_utils.vision.heads import adapt_input_channels
from course_utils.vision.images import ImageError, read_image
from course_utils.vision.learner import ImageLearner, image_learner
from course_utils.vision.results import Results
from course_utils.vision.transforms import Augmentation, Transforms, side_on, top_down, transforms_for

__all__ = [
    "Augmentation",
    "ImageData",
    "ImageError",
    "ImageLearner",
    "Results",
    "Transforms",
    "WeightsError",
    "adapt_input_channels",
    "available_offline",
    "backbone",
    "image_learner",
    "read_image",
    "side_on",
    "top_down",
    "transforms_for",
]
