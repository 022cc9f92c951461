"""The number of PyTorch's threads comes back, and a process that was forked waits for nobody."""

import os
import threading

import pytest
import torch

from course_utils.vision.threads import Room, one_thread


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_the_number_comes_back(two_threads: None) -> None:
    with one_thread(), one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    with pytest.raises(ZeroDivisionError), one_thread():
        raise ZeroDivisionError
    assert torch.get_num_threads() == 2


def test_blocks_of_two_threads_that_overlap(two_threads: None) -> None:
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with one_thread():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with one_thread():
        thread.start()
        inside.wait(10)
    assert torch.get_num_threads() == 2
    leave.set()
    thread.join()
    assert torch.get_num_threads() == 2


def test_room_of_another_process_is_all_there(two_threads: None) -> None:
    room = Room(10)
    with room.taken(10), room._changed:
        child = os.fork()
        if not child:
            try:
                with room.taken(10):
                    os._exit(0)
            finally:
                os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert room.left == 10
