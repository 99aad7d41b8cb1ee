"""Apache Spark, which answers on a cluster, and shares the work of verification among its workers.

All machines see the segments under the same path, and have this program under the same path, too.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ledger.segments.parquet import LibrariesMissing
from ledger.segments.segment_check import SegmentFound, Task
from projections.segments.asking import Answer

RECURSION_ROWS = -1
"""How many rows a question about trees may come to on its way: any number."""


class Spark:
    def __init__(self, session: Any) -> None:
        self.session = session

    def table(self, name: str, paths: Sequence[Path], where: str) -> None:
        read = self.session.read.parquet(*(path.absolute().as_uri() for path in paths))
        read.where(where).createOrReplaceTempView(name)

    def view(self, name: str, text: str) -> None:
        self.session.sql(f"CREATE OR REPLACE TEMPORARY VIEW {name} AS {text}")

    def answer(self, text: str) -> Answer:
        found = self.session.sql(text)
        return Answer(tuple(found.columns), [tuple(row) for row in found.collect()])

    def share(
        self, act: Callable[[Task], SegmentFound], tasks: Sequence[Task]
    ) -> Iterator[SegmentFound]:
        """Have each segment checked by some worker; one that is lost is checked by another."""
        context = self.session.sparkContext
        yield from context.parallelize(list(tasks), len(tasks)).map(act).collect()


@contextmanager
def spark(master: str) -> Iterator[Spark]:
    """Hold a session with a cluster, e.g. `spark://host:7077`, or `local[2]`.

    Raises:
        LibrariesMissing: Spark is not installed.
    """
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415 - few installations have a cluster
    except ModuleNotFoundError:
        raise LibrariesMissing("pyspark") from None
    builder = (
        SparkSession.builder.master(master)
        .appName("nuanzhang segments")
        .config("spark.sql.cteRecursionRowLimit", RECURSION_ROWS)
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
    )
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    # Else workers run whatever is called python3 where they are.
    session.sparkContext.pythonExec = sys.executable
    try:
        yield Spark(session)
    finally:
        session.stop()
