"""Other data for a learner: whether its numbers mean to the model what those it has learnt from did."""

from course_utils.errors import CourseError
from course_utils.training.data import Data
from course_utils.training.meaning import compare_names, differences


def refuse_other_meaning(new: Data, old: Data) -> None:
    """Raise a CourseError if what goes into a model of the old data, or comes out, would mean something else for the new."""
    if new.task != old.task:
        raise CourseError(
            f"the new data is {new.task}, but this learner's loss and metrics are for {old.task}; make a new learner, or the "
            "data with the same task"
        )
    if new.classes == old.classes:
        if other := differences(old.meaning(), new.meaning()):
            raise CourseError(
                f"the new data is not what this learner's model has learnt from: {'; '.join(other)} (there is the "
                "learner's data, here the new). Make the data as the learner's was made, or a new learner."
            )
        return
    if new.classes is None or old.classes is None:
        found = f"{'none' if new.classes is None else len(new.classes)} instead of {len(old.classes or []) or 'none'}"
    else:
        (found,) = compare_names("they", new.classes, old.classes, ("in the new data", "in the model"))
    raise CourseError(
        f"the new data has other classes than this learner's model: {found}. Make the data with the same labels, or "
        "a new learner."
    )
