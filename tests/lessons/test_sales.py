"""The network of the workbook `rossmann`: its stored weights are what its training gives, and do what is said of them."""

import numpy as np
import pytest

from course_utils.data import get
from course_utils.lessons import sales
from course_utils.tabular import rossmann
from course_utils.training import rmspe

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def chain():
    """The folder of the drawn tables, its days with their features, and which of these are held back."""
    folder = get("rossmann", sample=True)
    days, _ = rossmann.build_features(rossmann.read_tables(folder), report=None)
    return folder, days, rossmann.split_by_date(days)


def test_the_stored_network_is_as_good_as_it_is_said_to_be(chain):
    _, days, held_back = chain
    rows = days.iloc[held_back]
    assert rmspe(sales.sales_predictor().predict(rows), rows["Sales"].to_numpy()) == pytest.approx(0.126, abs=0.0005)


def test_a_trained_network_is_stored_rounded_and_read_back(chain, tmp_path, monkeypatch):
    folder, days, held_back = chain
    learner = sales.train_sales_network(folder, epochs=1)
    sales.store_sales_network(learner, sales.first_row(), tmp_path / "sales.json")
    own = learner.predict().values.numpy()
    monkeypatch.setattr(sales, "TRAINED", tmp_path / "sales.json")
    found = sales.sales_predictor().predict(days.iloc[held_back])
    np.testing.assert_allclose(found, own, rtol=0.02)  # four decimals of each weight
    assert not np.array_equal(found, own)
