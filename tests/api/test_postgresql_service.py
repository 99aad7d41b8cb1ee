"""The service and its commands over a log in PostgreSQL."""

import json
import tempfile
from pathlib import Path

import pytest

from ledger import postgresql_waiting
from tests.api.service import service_at
from tests.api.test_command_line import nuanzhang
from tests.cutting_proxy import CuttingProxy
from tests.postgresql import Server

BROWSER = {"accept": "text/html"}


def test_a_ledger_is_made_in_a_database_and_verified_there(
    tmp_path: Path, postgresql: Server
) -> None:
    home, database = tmp_path / "data", postgresql.fresh()
    secret = f"{database.address}&password=not-to-be-shown"

    made = nuanzhang(home, "init", "--database", secret)
    migrated = nuanzhang(home, "migrate")
    verified = nuanzhang(home, "verify", "--json")
    elsewhere = nuanzhang(home, "init", "--database", "mysql://clerk:not-to-be-shown@db")

    assert made.returncode == migrated.returncode == verified.returncode == 0, made.stderr
    assert json.loads(verified.stdout)["events"] == 2
    assert not (home / "events.sqlite").exists()
    assert (home / "database.url").stat().st_mode & 0o777 == 0o600
    assert elsewhere.returncode == 1
    assert elsewhere.stderr.startswith("database.address_wrong: ")
    for told in (made, migrated, verified, elsewhere):
        assert "not-to-be-shown" not in told.stdout + told.stderr


def test_a_database_that_is_gone_is_503_and_says_when_to_ask_again(
    tmp_path: Path, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(prefix="px-") as folder:
        proxy = CuttingProxy(postgresql.folder, Path(folder))
        with service_at(tmp_path, database=proxy.to(postgresql.fresh())) as service:
            auditor = service.browser("U-C01")
            assert auditor.get("/v1/balances").status_code == 200
            monkeypatch.setattr(postgresql_waiting, "RIDE_S", 0.3)
            monkeypatch.setattr(postgresql_waiting, "ASKED_AGAIN_S", 0.0)
            proxy.close()

            told = auditor.get("/v1/balances")
            page = auditor.get("/overview", headers=BROWSER)
            again = CuttingProxy(postgresql.folder, proxy.folder)
            later = auditor.get("/v1/balances")

            assert (told.status_code, told.json()["code"]) == (503, "database.unreachable")
            assert page.status_code == 503
            assert int(told.headers["retry-after"]) == int(page.headers["retry-after"]) > 0
            assert "database.unreachable" in page.text
            assert later.status_code == 200
        again.close()
