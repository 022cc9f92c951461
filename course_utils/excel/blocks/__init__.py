"""How each kind of layer is drawn: its weights, and a formula for each of its numbers."""

from collections.abc import Callable

from course_utils.excel.activations import ACTIVATIONS
from course_utils.excel.blocks.attention import matmul_block, scores_block, to_heads_block
from course_utils.excel.blocks.batch_norm import batch_norm_block
from course_utils.excel.blocks.between import between_block
from course_utils.excel.blocks.cellwise import cellwise_block, join_block
from course_utils.excel.blocks.conv_transpose import conv_transpose_block
from course_utils.excel.blocks.convolution import convolution_block
from course_utils.excel.blocks.embedding import embedding_block
from course_utils.excel.blocks.input import input_block
from course_utils.excel.blocks.linear import linear_block
from course_utils.excel.blocks.moves import move_block, parameter_block
from course_utils.excel.blocks.norms import norm_block
from course_utils.excel.blocks.pooling import pool_block
from course_utils.excel.blocks.prediction import prediction_block
from course_utils.excel.blocks.recurrent import recurrent_block
from course_utils.excel.blocks.reductions import FUNCTIONS as REDUCTIONS
from course_utils.excel.blocks.reductions import reduction_block
from course_utils.excel.blocks.row_softmax import row_softmax_block
from course_utils.excel.blocks.softmax import softmax_block
from course_utils.excel.grid import Grid
from course_utils.tracing.recurrent import ROWS

__all__ = ["BLOCKS", "ONE_BY_ONE", "prediction_block"]

CELLWISE = (*ACTIVATIONS, "prelu")
ROW_SOFTMAX = ("row_softmax", "row_log_softmax")
JOINS = ("add", "subtract", "multiply", "divide")
BLOCKS: dict[str, Callable[..., Grid]] = {  # each takes the sheet, the step, and where what it reads is
    "input": input_block,
    "conv": convolution_block,
    "linear": linear_block,
    "batch_norm": batch_norm_block,
    "softmax": softmax_block,
    "log_softmax": softmax_block,
    **dict.fromkeys(("max_pool", "avg_pool", "adaptive_avg_pool", "adaptive_max_pool"), pool_block),
    **dict.fromkeys(("layer_norm", "group_norm", "instance_norm"), norm_block),
    **dict.fromkeys(CELLWISE, cellwise_block),
    **dict.fromkeys(JOINS, join_block),
    **dict.fromkeys(ROWS, recurrent_block),
    "to_heads": to_heads_block,
    "scores": scores_block,
    "matmul": matmul_block,
    **dict.fromkeys(ROW_SOFTMAX, row_softmax_block),
    "move": move_block,
    "embedding": embedding_block,
    "conv_transpose": conv_transpose_block,
    "between": between_block,
    **dict.fromkeys(REDUCTIONS, reduction_block),
    **dict.fromkeys(("parameter", "constant"), parameter_block),
}
# These read their numbers one by one, so that it is no matter where each is; all others get them side by side, in a grid.
ONE_BY_ONE = {
    *(*CELLWISE, *JOINS, *REDUCTIONS, *ROWS),
    *("move", "batch_norm", "embedding", "to_heads", "scores", "matmul"),
}
