"""ReLU joined with the layer before it."""

from dataclasses import replace

from course_utils.tracing.steps import Step, Trace


def fuse_relu(trace: Trace) -> Trace:
    """Join each ReLU with the layer before it where nothing else reads that layer, as the lecture does: MAX(0, ...)."""
    steps: list[Step] = []
    moved: dict[int, int] = {}
    for number, step in enumerate(trace.steps):
        if step.kind == "relu" and len(trace.readers(step.sources[0])) == 1:
            before = moved[step.sources[0]]
            if steps[before].kind in ("conv", "linear", "batch_norm", "add") and not steps[before].settings.get("relu"):
                joined = steps[before]
                steps[before] = Step(
                    joined.kind, joined.path, joined.sources, step.value, {**joined.settings, "relu": True}, joined.weights
                )
                moved[number] = before
                continue
        moved[number] = len(steps)
        steps.append(Step(step.kind, step.path, tuple(moved[n] for n in step.sources), step.value, step.settings, step.weights))
    return replace(trace, steps=steps)
