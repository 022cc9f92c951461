"""A simulated chain of 120 drugstores, a stand-in for Kaggle's Rossmann store sales and the tables that go with it.

The files, columns and oddities are the real ones': train.csv (31 months), test.csv (48 days more), store.csv,
store_states.csv, state_names.csv, googletrend.csv, weather.csv and sample_submission.csv; newest days first, closed days with
sales of zero, stores that are closed for refurbishment and stores without any rows for half a year, a handful of open days on
which nothing was sold, `Open` missing for one store's test rows, competitors of whom nothing is known. Every row finds its
match in every table. (The real train.csv is read by pandas in pieces, and a piece with no holiday gives numbers 0 where others
give text "0". The notation is the same here, but the file is small: it is read in two pieces, and both have holidays.)

Because the maker is known, so is the best possible score. The sales of an open day are exp(m + e), rounded, where m is a sum of
effects that the tables determine (see `chain.sales`) and e is chance: normal, with mean 0 and standard deviation s = `SIGMA`. A
prediction c exp(m) is off by 1 - c exp(-e) of the true value, so its mean squared percentage error is

    E[(1 - c exp(-e))^2] = 1 - 2 c E[exp(-e)] + c^2 E[exp(-2 e)] = 1 - 2 c exp(s^2 / 2) + c^2 exp(2 s^2)

because E[exp(-k e)] = exp(k^2 s^2 / 2). It is least for c = E[exp(-e)] / E[exp(-2 e)] = exp(-3 s^2 / 2): a little below the
median, exp(m), and the mean, since errors are divided by the true sales, so that days that went badly count most. There it is
1 - exp(-s^2), and its root is the noise floor: 0.0998 for s = 0.1. Who predicts the median (c = 1), which is what the mean
squared error of logarithms teaches, reaches 0.1009.
"""

import math
from pathlib import Path

from course_utils.data.samples.chain import sales
from course_utils.data.samples.chain.files import write_chain
from course_utils.data.samples.chain.shops import Ints
from course_utils.data.samples.chain.simulation import TEST, newest_first, simulate
from course_utils.files import replacing

VERSION = 1
STORES = 120
SIGMA = sales.SIGMA
NOISE_FLOOR = math.sqrt(1 - math.exp(-(SIGMA**2)))  # the RMSPE of the best possible prediction

README = f"""A simulated chain of drugstores
===============================

These are not the sales of Rossmann. A program made up {STORES} stores, their customers and their weather, and wrote them in the
files and columns of Kaggle's "Rossmann Store Sales" and of the tables that competitors shared. Public holidays are Germany's;
school holidays, promotions, weather, searches and sales are random, drawn from the model that is stated in
course_utils.data.samples.stores. In it the logarithm of a day's sales has a part that is pure chance, with a standard deviation
of {SIGMA}, so that the best possible prediction has an RMSPE of {NOISE_FLOOR:.4f}.
"""


def draw(folder: Path, seed: int = 0) -> None:
    """Write the eight CSV files and a README into `folder`, the same bytes for the same seed."""
    folder = Path(folder)
    write_chain(folder, simulate(seed, STORES))
    with replacing(folder / "README.txt") as part:
        part.write_text(README, encoding="utf-8")


def truth(seed: int = 0) -> Ints:
    """The sales of the test rows in the order of their Ids, 0 on closed days: what a submission can be compared with.

    >>> truth().shape
    (4416,)
    """
    chain = simulate(seed, STORES)
    return chain.sales[newest_first(chain, TEST)]
