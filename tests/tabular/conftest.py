"""Every engine that the features run on, as a fixture."""

import os
import pwd
import shutil
import sys

import pytest

from tests.tabular.engines import Engine, to_duckdb, to_spark


@pytest.fixture(scope="session")
def spark():
    """A Spark of one worker, started once; with the options for tables of a few rows."""
    sql = pytest.importorskip("pyspark.sql", reason="Spark is not installed: pip install -e '.[spark]'")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark needs Java 17: apt-get install openjdk-17-jre-headless")
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        pytest.skip(f"Spark needs to know the user's name, and the system has none for user {os.getuid()}")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # its workers would take the first Python on the path
    options = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "1",
        "spark.default.parallelism": "1",
        # a few rows are read faster than code for them is compiled
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.adaptive.enabled": "false",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto",
    }
    session = sql.SparkSession.builder.master("local[1]").config(map=options).getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


# Spark takes seconds for each test: these three show per change that it answers as the others do, make test-all runs all
SPARK_PER_CHANGE = {"test_events_equal_the_reference", "test_dates_are_put_together", "test_joins_report_what_found_no_match"}


def pytest_collection_modifyitems(items):
    """Mark the tests on Spark, but for a few, as thorough."""
    for item in items:
        if "spark" in item.keywords and item.function.__name__ not in SPARK_PER_CHANGE:
            item.add_marker(pytest.mark.thorough)


ENGINES = ["pandas", "polars", "polars lazy", "duckdb", pytest.param("spark", marks=[pytest.mark.slow, pytest.mark.spark])]


@pytest.fixture(params=ENGINES)
def engine(request):
    """A function from a pandas table to the same of another engine; `.name` says of which."""
    if request.param == "spark":
        session = request.getfixturevalue("spark")
        return Engine("spark", lambda table: to_spark(session, table))
    if request.param == "duckdb":
        connection = pytest.importorskip("duckdb").connect()
        return Engine("duckdb", lambda table: to_duckdb(connection, table))
    if request.param == "pandas":
        return Engine("pandas", lambda table: table)
    polars = pytest.importorskip("polars")
    lazy = request.param == "polars lazy"
    return Engine(request.param, lambda table: polars.from_pandas(table).lazy() if lazy else polars.from_pandas(table))
