"""A process that was forked waits for nobody."""

import os

from course_utils.vision.threads import Room


def test_room_of_another_process_is_all_there() -> None:
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
