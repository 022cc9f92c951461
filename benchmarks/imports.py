"""How long importing takes, each time in a fresh process, the start of Python itself not counted."""

import statistics

from benchmarks.measure import Row, alternate, in_fresh_python

TIMED = "from time import perf_counter; start = perf_counter(); {}; print(perf_counter() - start)"


def importing(statement: str) -> float:
    return in_fresh_python("-c", TIMED.format(statement))


def rows(quick: bool) -> list[Row]:
    runs = 3 if quick else 9
    alone = statistics.median(importing("import course_utils") for _ in range(runs))
    ours, peer, ratio = alternate(
        lambda: importing("from course_utils.vision import ImageData, image_learner"),
        lambda: importing("import torch, torchvision"),
        runs,
    )
    return [
        Row("import course_utils", f"{alone:.3f} s", "", alone, goal=0.15, unit=" s"),
        Row("import course_utils.vision / torch, torchvision", f"{ours:.2f} s", f"{peer:.2f} s", ratio, goal=1.3),
    ]
