"""Three servers as `deploy/` describes them: etcd, Patroni and PostgreSQL on each."""

import json
import os
import pwd
import secrets
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.ha.network import Network
from tests.postgresql import UNPRIVILEGED, binaries, copied, open_to_all

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PROGRAMS = ROOT / ".venv" / "ha"
"""Where `make test-ha` puts Patroni, in a venv, and Debian's etcd, unpacked in a folder."""

MODEL, MODEL_ADDRESS = "db1", "10.0.0.1"
"""Whose the files of `deploy/` are."""
ADDRESSES = {"db1": MODEL_ADDRESS, "db2": "10.0.0.2", "db3": "10.0.0.3"}
ALIKE = {"ETCD_INITIAL_CLUSTER", "PATRONI_ETCD3_HOSTS"}
ETCD_PORTS = (2379, 2380)
USER, DATABASE = "clerk", "nuanzhang"

ASKED_EVERY_S = 0.3
ANSWERS_WITHIN_S = 2.0
STARTS_WITHIN_S = 120.0
HEALS_WITHIN_S = 240.0


APART = """\
mount --bind tmp /tmp && exec setpriv --reuid="$0" --regid="$1" --clear-groups -- "${@:2}"
"""
"""Namespaces have mounts of their own, so none finds another's sockets in its `/tmp`."""


@dataclass(frozen=True)
class Passwords:
    """The same on all servers."""

    superuser: str = field(default_factory=secrets.token_hex, repr=False)
    replication: str = field(default_factory=secrets.token_hex, repr=False)
    rewind: str = field(default_factory=secrets.token_hex, repr=False)
    clerk: str = field(default_factory=secrets.token_hex, repr=False)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a server is just now: its role and state as Patroni says them, and on which timeline."""

    role: str
    state: str
    timeline: int


@dataclass(frozen=True, slots=True)
class Programs:
    """Where programs are for one who has no rights, and cannot look into everybody's folders."""

    etcd: Path
    patroni: tuple[str, str]
    postgresql: Path

    @classmethod
    def copied(cls, into: Path) -> "Programs":
        shutil.copytree(PROGRAMS, into, symlinks=True)
        servers = binaries()
        in_sight = open_to_all(servers) and Path("/tmp") not in servers.parents
        return cls(
            into / "etcd" / "usr" / "bin" / "etcd",
            # The script's first line names the folder that it was installed in.
            (str(into / "patroni" / "bin" / "python"), str(into / "patroni" / "bin" / "patroni")),
            servers if in_sight else copied(servers, into),
        )


class Machine:
    """One server. Each of its programs has a `/tmp` of this machine's own."""

    def __init__(
        self,
        network: Network,
        name: str,
        folder: Path,
        programs: "Programs",
        passwords: Passwords,
    ) -> None:
        self.name = name
        self.folder = folder
        self._programs = programs
        self._network = network
        self._etcd = settings("etcd.env", name, {"ETCD_DATA_DIR": str(folder / "etcd")})
        self._patroni = settings(
            "node.env",
            name,
            {
                "PATRONI_POSTGRESQL_DATA_DIR": str(folder / "data"),
                "PATRONI_POSTGRESQL_BIN_DIR": str(programs.postgresql),
                "PATRONI_SUPERUSER_PASSWORD": passwords.superuser,
                "PATRONI_REPLICATION_PASSWORD": passwords.replication,
                "PATRONI_REWIND_PASSWORD": passwords.rewind,
            },
        )
        for each in (folder, folder / "tmp"):
            each.mkdir()
            shutil.chown(each, UNPRIVILEGED)
        shutil.copy(DEPLOY / "patroni.yml", folder)

    def start(self) -> None:
        self.start_etcd()
        self.start_patroni()

    def start_etcd(self) -> None:
        self._start("etcd", [str(self._programs.etcd)], self._etcd)

    def start_patroni(self) -> None:
        self._start("patroni", [*self._programs.patroni, "patroni.yml"], self._patroni)

    def kill(self) -> None:
        """Take its power away."""
        self._network.kill(self.name)

    def kill_postgresql(self) -> None:
        """Kill PostgreSQL's own processes; Patroni stays."""
        postmaster = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        for each in (postmaster, *map(int, children)):
            os.kill(each, 9)

    def told(self) -> str:
        """Return the last that it wrote down, for whoever looks for a fault."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"{each.name}: {each.read_text()[-3000:]}" for each in logs)

    def _start(self, program: str, command: list[str], environment: Mapping[str, str]) -> None:
        user = pwd.getpwnam(UNPRIVILEGED)
        with (self.folder / f"{program}.log").open("ab") as log:
            self._network.start(
                self.name,
                *("bash", "-c", APART, str(user.pw_uid), str(user.pw_gid), *command),
                cwd=self.folder,
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": str(self.folder),
                    "LANG": "C.UTF-8",
                    **environment,
                },
                stdout=log,
                stderr=log,
            )


class Cluster:
    def __init__(self, network: Network, folder: Path) -> None:
        self.network = network
        self.passwords = Passwords()
        self.folder = folder
        programs = Programs.copied(folder / "programs")
        self.machines = {
            name: Machine(network, name, folder / name, programs, self.passwords)
            for name in network.addresses
        }

    @property
    def address(self) -> str:
        """The database, as `deploy/README.md` says it to `nuanzhang init`."""
        hosts = ",".join(self.network.addresses.values())
        return f"postgresql://{USER}@{hosts}/{DATABASE}?target_session_attrs=read-write"

    def start(self) -> None:
        for each in self.machines.values():
            each.start_etcd()
        for each in self.machines.values():
            each.start_patroni()
        self.wait_until_whole(STARTS_WITHIN_S)
        leader = self.leader()
        assert leader is not None
        with self.connected(leader) as sql:
            sql.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{self.passwords.clerk}'")
            sql.execute(f"CREATE DATABASE {DATABASE} OWNER {USER}")

    @contextmanager
    def connected(self, machine: str, database: str = "postgres") -> Iterator[Any]:
        """Connect to one server as its administrator."""
        with psycopg.connect(
            host=self.network.addresses[machine],
            user="postgres",
            password=self.passwords.superuser,
            dbname=database,
            autocommit=True,
        ) as sql:
            yield sql

    def standings(self, leader: str) -> dict[str, Standing]:
        """Return how all stand as the primary knows it: others may be behind for a while."""
        try:
            with urllib.request.urlopen(
                f"http://{self.network.addresses[leader]}:8008/cluster", timeout=ANSWERS_WITHIN_S
            ) as answer:
                found = json.load(answer)["members"]
        except (OSError, ValueError):
            return {}
        return {
            each["name"]: Standing(each["role"], each["state"], each.get("timeline", 0))
            for each in found
        }

    def leader(self, not_: str | None = None) -> str | None:
        """Return the server that is the primary and says so itself, other than the one given."""
        for name, address in self.network.addresses.items():
            if name == not_:
                continue
            try:
                urllib.request.urlopen(
                    f"http://{address}:8008/primary", timeout=ANSWERS_WITHIN_S
                ).close()
            except (OSError, urllib.error.HTTPError):
                continue
            return name
        return None

    def is_whole(self) -> bool:
        """Say whether a primary runs, one replica follows in step, and so does the other one."""
        leader = self.leader()
        found = {} if leader is None else self.standings(leader)
        roles = sorted((each.role, each.state) for each in found.values())
        return (
            roles
            == [("leader", "running"), ("replica", "streaming"), ("sync_standby", "streaming")]
            and found[leader or ""].role == "leader"
            and len({each.timeline for each in found.values()}) == 1
        )

    def wait_until_whole(self, within_s: float = HEALS_WITHIN_S) -> None:
        deadline = time.monotonic() + within_s
        while not self.is_whole():
            assert time.monotonic() < deadline, self._told()
            time.sleep(ASKED_EVERY_S)

    def wait_for_other_leader(self, former: str, within_s: float = HEALS_WITHIN_S) -> str:
        deadline = time.monotonic() + within_s
        while (leader := self.leader(not_=former)) is None:
            assert time.monotonic() < deadline, self._told()
            time.sleep(ASKED_EVERY_S)
        return leader

    def switch_over(self, from_: str) -> None:
        """Have the primary changed as an administrator does it for maintenance."""
        machine = self.machines[from_]
        done = subprocess.run(
            self.network.on(
                *(from_, str(PROGRAMS / "patroni" / "bin" / "patronictl"), "-c", "patroni.yml"),
                *("switchover", "--leader", from_, "--force", "nuanzhang"),
            ),
            cwd=machine.folder,
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **machine._patroni},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _told(self) -> str:
        said = "\n\n".join(f"{name}\n{each.told()}" for name, each in self.machines.items())
        return f"{self.leader()} is the primary\n{said}"


def settings(file: str, machine: str, own: Mapping[str, str]) -> dict[str, str]:
    """Read settings of `deploy/` as whoever sets a machine up writes them for it.

    Args:
        file: In `deploy/`; it is the first machine's.
        machine: Whose they are to be: its name and its addresses take the first one's place.
        own: Folders and passwords, in the place of those in the file.
    """
    lines = (DEPLOY / file).read_text().splitlines()
    found = dict(each.split("=", 1) for each in lines if each and not each.startswith("#"))
    assert own.keys() <= found.keys()
    for name, value in found.items():
        if name not in ALIKE:
            named = machine if value == MODEL else value
            found[name] = named.replace(MODEL_ADDRESS, ADDRESSES[machine])
    return {**found, **own}
