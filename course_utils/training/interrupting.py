"""Ending a fit by Ctrl-C, or by the stop button of a notebook, so that the learner can be used at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from course_utils.training.fitting import Fitting


@contextmanager
def stoppable(learner: Fitting) -> Iterator[None]:
    """End the block at Ctrl-C and say how far its fit came; what was learnt is kept.

    Of several processes each was stopped somewhere else, so that none can go on: they end with KeyboardInterrupt.
    """
    try:
        yield
    except KeyboardInterrupt:
        if learner.processes.several:
            raise
        if not learner.steps_per_epoch:  # preparing the mini-batches may take a while: pictures through a frozen network
            print("Stopped by you before the first step; the weights are as they were.")
            return
        done = f"{learner.step} of {learner.steps_per_epoch} steps"
        if learner.step == learner.steps_per_epoch and learner.epochs_done == learner.epoch:
            done += ", while validating"
        print(f"Stopped by you in epoch {learner.epoch}, after {done}; what was learnt is kept.")
