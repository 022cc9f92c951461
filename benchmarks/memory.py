"""How memory grows with the number of pictures: the highest that a fit reaches, in a process of its own.

`python -m benchmarks.memory FOLDER` runs one such fit and prints megabytes.
"""

import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Row, in_fresh_python
from benchmarks.photographs import make_photographs

SIZE = 128  # 20,000 pictures are then 1.9 GB decoded: more than is kept in memory, so most of them go to disk
FEW, MANY = 2_000, 20_000


def peak_of_a_fit(folder: Path) -> float:
    """Two epochs of a tiny network, one that fills the cache and one that reads it; the peak in MB, by the kernel's count."""
    from torch import nn

    from course_utils.training import Learner, set_seed
    from course_utils.vision import ImageData, transforms_for

    set_seed(0)
    data = ImageData.from_folders(folder, transforms_for(None, SIZE)).to("cpu")
    network = nn.Sequential(nn.Conv2d(3, 8, 3, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))
    Learner(data, network, progress=False).fit(0.01, 2)
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def rows(quick: bool) -> list[Row]:
    few, many = (FEW // 10, MANY // 10) if quick else (FEW, MANY)
    name = f"peak memory of a fit, {many:,} images at {SIZE} px - {few:,}"
    if not Path("/proc/self/status").exists():
        return [Row(name, "", "measured on Linux only", None, goal=1_000, unit=" MB")]
    peaks = []
    for images in (many, few):
        with tempfile.TemporaryDirectory() as folder:
            make_photographs(Path(folder), images)
            peaks.append(in_fresh_python("-m", "benchmarks.memory", folder))
    return [Row(name, f"{peaks[0]:,.0f} MB", f"{peaks[1]:,.0f} MB", peaks[0] - peaks[1], goal=1_000, unit=" MB")]


if __name__ == "__main__":
    print(peak_of_a_fit(Path(sys.argv[1])))
