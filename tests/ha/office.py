"""The office: the service, its staff, and programs that write in their name."""

import os
import re
import signal
import subprocess
import sys
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from ledger.evidence.canonical import base64_text
from ledger.evidence.keys import Ed25519Signer
from tests.ha.answers import LOOKED, WRITTEN
from tests.ha.cluster import ROOT
from tests.ha.network import OFFICE, Network
from tests.ha.writers import LOOK

PASSWORD = "a long word of nobody's"
STAFF = (("SYS", "系统管理"), ("SEC", "安全管理"))
ENDS_WITHIN_S = 150.0


@dataclass
class Writer:
    name: str
    process: subprocess.Popen[str]
    record: Path


class Office:
    """Its commands and programs work in one home folder, whose log is in the cluster."""

    def __init__(self, network: Network, folder: Path, address: str, password: str) -> None:
        self._network = network
        self.folder = folder
        self.home = folder / "data"
        self.answers = folder / "answers"
        self._address = address
        self.answers.mkdir(parents=True)
        self.passwords = folder / ".pgpass"
        self.passwords.write_text(f"*:*:*:*:{password}\n")
        self.passwords.chmod(0o600)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("NUANZHANG_")}
        self._environment = {
            **inherited,
            "HOME": str(folder),
            "NUANZHANG_HOME": str(self.home),
            "PYTHONUTF8": "1",
        }
        self.url = ""
        self._service: subprocess.Popen[str] | None = None
        self._writers: list[Writer] = []
        self._browsers: dict[str, httpx2.Client] = {}
        self._tokens: dict[str, str] = {}

    def settle_in(self, names: tuple[str, ...]) -> None:
        """Make the ledger, serve it, and let in a cashier of that name for a union of that name."""
        self.nuanzhang("init", "--database", self._address)
        top = ("--organisation", "C01", "--organisation-name", "示范市总工会", "--name", "某某")
        codes = {
            staff: self.nuanzhang("admin", "first", staff, role, *top) for staff, role in STAFF
        }
        security = Ed25519Signer.generate()
        public = f"ed25519:{base64_text(security.public_key.raw)}"
        self.nuanzhang("key", "enrol", "SEC", public)
        self.serve()
        for staff, said in codes.items():
            self._enter(staff, said.split("with: ")[1].strip())
        for name in names:
            union = self._post(
                "SYS",
                "/v1/organisations",
                code=name,
                name=f"{name}工会",
                kind="县区",
                parent_code="C01",
            )["result"]["organisation_id"]
            officer = self._post("SYS", "/v1/officers", staff_number=name, name="某某")["result"][
                "officer_id"
            ]
            posts = f"/v1/officers/{officer}/posts"
            post = {"organisation_id": union, "role": "出纳"}
            prepared = self._post("SEC", f"{posts}/preparation", **post)
            signed = {
                "payload": prepared["payload"],
                "key_id": security.public_key.key_id,
                "signature": base64_text(security.sign(b64decode(prepared["to_sign"]))),
            }
            self._post("SEC", posts, post=post, signed=signed)
            invited = self._post("SEC", f"/v1/officers/{officer}/invitations")
            self._enter(name, invited["code"])
            self._tokens[name] = self._post(name, "/v1/tokens", label="收款", read_only=False)[
                "token"
            ]

    def nuanzhang(self, *words: str) -> str:
        """Run a command; return what it says."""
        done = subprocess.run(
            [sys.executable, "-m", "api.cli", *words],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def serve(self) -> None:
        with (self.folder / "service.log").open("ab") as log:
            self._service = self._network.start(
                OFFICE,
                *(sys.executable, "-m", "api.cli", "serve", "--workers", "2"),
                cwd=ROOT,
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self._service.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", self._service.stdout.readline())
        assert found is not None, (self.folder / "service.log").read_text()
        self.url = found.group()

    def write(self, way: str, name: str) -> None:
        """Have a program write, over HTTP or into the ledger, or look on, until `stop_writing`."""
        record = self.answers / f"{name}{LOOKED if way == LOOK else WRITTEN}"
        record.touch()
        with (self.folder / f"{name}.log").open("ab") as log:
            process = self._network.start(
                OFFICE,
                *(sys.executable, "-m", "tests.ha.writers", way, name, name, str(record)),
                cwd=ROOT,
                env={**self._environment, "SERVICE": self.url, "TOKEN": self._tokens[name]},
                stdout=log,
                stderr=log,
            )
        self._writers.append(Writer(name, process, record))

    def records(self) -> list[Path]:
        """Return where each writer writes down what it was answered."""
        return [each.record for each in self._writers]

    def require_all_at_work(self) -> None:
        """Check that neither the service nor a writer ended."""
        assert self._service is not None
        assert self._service.poll() is None, (self.folder / "service.log").read_text()[-3000:]
        for each in self._writers:
            said = (self.folder / f"{each.name}.log").read_text()
            assert each.process.poll() is None, f"{each.name} ended: {said[-3000:]}"

    def stop_writing(self) -> None:
        """Let each writer have its last answer."""
        self.require_all_at_work()
        for each in self._writers:
            each.process.send_signal(signal.SIGTERM)
        for each in self._writers:
            assert each.process.wait(ENDS_WITHIN_S) == 0, each.name

    def close(self) -> None:
        for each in self._browsers.values():
            each.close()

    def _enter(self, staff: str, code: str) -> None:
        self._browsers[staff] = httpx2.Client(
            base_url=self.url, headers={"origin": self.url}, timeout=ENDS_WITHIN_S
        )
        self._post(staff, "/v1/session/invitation", code=code, password=PASSWORD)

    def _post(self, staff: str, path: str, **form: object) -> Any:
        answer = self._browsers[staff].post(path, json=form)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()
