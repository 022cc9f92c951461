"""Kernels to know, by name; an edge lights up where the picture is brighter on the side of the ones."""

KERNELS: dict[str, list[list[float]]] = {
    "top edge": [[1, 1, 1], [0, 0, 0], [-1, -1, -1]],  # bright above and dark below: the lecture's first (0:51:54)
    "bottom edge": [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
    "left edge": [[1, 0, -1], [1, 0, -1], [1, 0, -1]],
    "right edge": [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],  # the first of the video's (0:45:04)
    "blur": [[0.0625, 0.125, 0.0625], [0.125, 0.25, 0.125], [0.0625, 0.125, 0.0625]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
    "outline": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
}
