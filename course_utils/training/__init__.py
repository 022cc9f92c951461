"""The training loop; it knows nothing of images, tables or notebooks."""

from course_utils.training.callbacks import Callback, DivergedError, Recorder
from course_utils.training.data import Data
from course_utils.training.devices import default_device, set_seed
from course_utils.training.learner import Learner
from course_utils.training.losses import class_weights
from course_utils.training.memory import OutOfMemory
from course_utils.training.metrics import (
    accuracy,
    best_threshold,
    best_thresholds,
    f_beta,
    f_beta_curve,
    log_loss,
    rmspe,
    top_k_accuracy,
)
from course_utils.training.predictions import Predictions
from course_utils.training.splits import validation_split
from course_utils.training.stopping import EarlyStopping, KeepBest
from course_utils.training.storage import StorageError

__all__ = [
    "Callback",
    "Data",
    "DivergedError",
    "EarlyStopping",
    "KeepBest",
    "Learner",
    "OutOfMemory",
    "Predictions",
    "Recorder",
    "StorageError",
    "accuracy",
    "best_threshold",
    "best_thresholds",
    "class_weights",
    "default_device",
    "f_beta",
    "f_beta_curve",
    "log_loss",
    "rmspe",
    "set_seed",
    "top_k_accuracy",
    "validation_split",
]
