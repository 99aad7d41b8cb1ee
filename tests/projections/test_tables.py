"""Tables of the read model as they are, under the number of their version."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table

from projections.runner import projections
from projections.view import SCHEMA_VERSION

PINNED = Path(__file__).parents[1] / "snapshots" / "tables.json"


def form_of(table: Table) -> dict[str, object]:
    return {
        "columns": [
            f"{each.name} {each.type}{' NULL' if each.nullable else ''}" for each in table.columns
        ],
        "indexes": sorted(
            f"{each.name}({', '.join(column.name for column in each.columns)})"
            for each in table.indexes
        ),
    }


def test_tables_that_change_get_another_version(request: pytest.FixtureRequest) -> None:
    """A model of before is then built anew, instead of being asked for what it does not hold."""
    tables = {
        each.name: form_of(each) for projection in projections() for each in projection.tables
    }
    current: dict[str, Any] = {"version": SCHEMA_VERSION, "tables": tables}
    if request.config.getoption("--update-snapshots"):
        before = json.loads(PINNED.read_text(encoding="utf-8")) if PINNED.exists() else current
        raised = before["version"] < SCHEMA_VERSION
        assert raised or before["tables"] == tables, "raise SCHEMA_VERSION in projections/view.py"
        text = json.dumps(current, ensure_ascii=False, indent=1, sort_keys=True)
        PINNED.write_text(text + "\n", encoding="utf-8")
    assert json.loads(PINNED.read_text(encoding="utf-8")) == current
