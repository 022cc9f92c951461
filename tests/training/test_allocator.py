"""Memory is kept between steps, and given back after them; both are seen from the system."""

import os
import subprocess
import sys

import numpy as np
import pytest

from course_utils.training import allocator
from course_utils.training.allocator import memory_kept

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(allocator._glibc() is None, reason="needs glibc")
SIZE, PAGE = 2**26, os.sysconf("SC_PAGE_SIZE")


def faults_of_a_block() -> int:
    """How many pages the system hands out for 64 MB, used and freed again."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.empty(SIZE, np.uint8)[::PAGE] = 1
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_what_is_freed_is_there_for_the_next_step() -> None:
    with memory_kept():
        faults_of_a_block()
        with memory_kept():
            assert faults_of_a_block() < 100
        assert faults_of_a_block() < 100  # the end of an inner block gives nothing back


FRESH = """
import os
import numpy as np
from course_utils.training.allocator import memory_kept

def blocks():
    with open("/proc/self/statm") as file:
        return round((int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") - before) / 2**26)

before = 0
before = blocks() * 2**26
with memory_kept():
    made = [np.ones(2**26, np.uint8) for _ in range(8)]
    print(blocks())
    del made
    print(blocks())
print(blocks())
"""


def test_it_goes_back_to_the_system_at_the_end() -> None:
    """In a process of its own, which holds nothing yet that was freed before."""
    done = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True)
    full, freed, after = map(int, done.stdout.split())
    assert full >= 7
    assert freed >= 7
    assert after <= 2


def test_an_error_ends_it_too() -> None:
    with pytest.raises(ZeroDivisionError), memory_kept():
        raise ZeroDivisionError
    assert allocator._blocks == 0
