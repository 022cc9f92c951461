"""The small networks that can be followed number by number, and the pictures and kernels that go with them."""

from course_utils.networks.digits import digits_network, store_digits_network, train_digits_network
from course_utils.networks.kernels import KERNELS
from course_utils.networks.lecture import drawn_seven, edge_network, lecture_network
from course_utils.networks.letters import letter, letter_a, letter_network

__all__ = [
    "KERNELS",
    "digits_network",
    "drawn_seven",
    "edge_network",
    "lecture_network",
    "letter",
    "letter_a",
    "letter_network",
    "store_digits_network",
    "train_digits_network",
]
