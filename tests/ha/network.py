"""A network of machines inside this one: a namespace each, on a switch in the office's.

Addresses are free to be what the files of `deploy/` say, since nothing of it is seen from outside.
"""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

PREFIX = "nuanzhang"
NAMESPACES = Path("/run/netns")
CLONE_NEWNET = 0x40000000
OFFICE, OFFICE_ADDRESS = "office", "10.0.0.100"
END_S = 10.0


class Network:
    """`office` is where the service and its callers are; all others are servers."""

    def __init__(self, addresses: dict[str, str]) -> None:
        self._name = f"{PREFIX}-{os.getpid()}"
        self.addresses = addresses
        self._started: dict[str, list[subprocess.Popen[str]]] = {}

    @contextmanager
    def up(self) -> Iterator[None]:
        """Make it, and have this thread and what it starts be in the office.

        Whatever runs in it afterwards is killed.
        """
        _sweep()
        try:
            self._build()
            with _entered(self._path(OFFICE)):
                yield
        finally:
            for machine in (*self.addresses, OFFICE):
                if self._path(machine).exists():
                    self.kill(machine)
                    _ip("netns", "del", self._path(machine).name)

    def on(self, machine: str, *command: str) -> list[str]:
        """Return how a command is run on a machine; it is what is started, not its parent."""
        return ["ip", "netns", "exec", self._path(machine).name, *command]

    def start(self, machine: str, *command: str, **how: Any) -> subprocess.Popen[str]:
        """Start a program on a machine. Ctrl-C does not reach it: it ends with the machine."""
        started = subprocess.Popen(
            self.on(machine, *command),
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            **how,
        )
        self._started.setdefault(machine, []).append(started)
        return started

    def processes(self, machine: str) -> set[int]:
        return _processes(self._path(machine).name)

    def kill(self, machine: str) -> None:
        """Kill all that runs on a machine, as a power failure would."""
        _kill(self._path(machine).name)
        for each in self._started.pop(machine, []):
            each.wait()
            if each.stdout is not None:
                each.stdout.close()

    def freeze(self, machine: str) -> None:
        """Stop all that runs on a machine, where it stands; its lines stay open."""
        stopped: set[int] = set()
        while found := self.processes(machine) - stopped:
            _signal(found, signal.SIGSTOP)
            stopped |= found

    def thaw(self, machine: str) -> None:
        _signal(self.processes(machine), signal.SIGCONT)

    def cut(self, machine: str, ports: Sequence[int]) -> None:
        """Have a machine neither hear nor say anything on TCP ports of others or its own."""
        named = "{" + ", ".join(map(str, ports)) + "}"
        rules = ["add table inet cut"]
        for hook, way in (("input", "iifname"), ("output", "oifname")):
            rules.append(f"add chain inet cut {hook} {{ type filter hook {hook} priority 0; }}")
            rules += [
                f'add rule inet cut {hook} {way} != "lo" tcp {end} {named} drop'
                for end in ("sport", "dport")
            ]
        _run(*self.on(machine, "nft", "\n".join(rules)))

    def mend(self, machine: str) -> None:
        _run(*self.on(machine, "nft", "delete table inet cut"))

    def _build(self) -> None:
        office = self._path(OFFICE).name
        _ip("netns", "add", office)
        _ip("-n", office, "link", "set", "lo", "up")
        _ip("-n", office, "link", "add", "switch", "type", "bridge")
        _ip("-n", office, "addr", "add", f"{OFFICE_ADDRESS}/24", "dev", "switch")
        _ip("-n", office, "link", "set", "switch", "up")
        for machine, address in self.addresses.items():
            name = self._path(machine).name
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
            _ip(
                *("-n", office, "link", "add", machine, "type", "veth"),
                *("peer", "name", "eth0", "netns", name),
            )
            _ip("-n", office, "link", "set", machine, "master", "switch", "up")
            _ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
            _ip("-n", name, "link", "set", "eth0", "up")

    def _path(self, machine: str) -> Path:
        return NAMESPACES / f"{self._name}-{machine}"


@contextmanager
def _entered(namespace: Path) -> Iterator[None]:
    """Have this thread, and all that it starts, be in a network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)

    def enter(descriptor: int) -> None:
        if libc.setns(descriptor, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")

    with Path("/proc/thread-self/ns/net").open("rb") as own, namespace.open("rb") as other:
        enter(other.fileno())
        try:
            yield
        finally:
            enter(own.fileno())


def _sweep() -> None:
    """Take away what a run left that was killed before it could."""
    for each in NAMESPACES.glob(f"{PREFIX}-*-*"):
        if not Path("/proc", each.name.split("-")[1]).exists():
            _kill(each.name)
            _ip("netns", "del", each.name)


def _kill(name: str) -> None:
    deadline = time.monotonic() + END_S
    while found := _processes(name) - {os.getpid()}:
        assert time.monotonic() < deadline, f"{name}: {found} do not end"
        _signal(found, signal.SIGKILL)
        time.sleep(0.02)


def _processes(name: str) -> set[int]:
    """Return who is alive there; a process that ended and was not asked about yet is not."""
    return {int(each) for each in _ip("netns", "pids", name).split() if _lives(each)}


def _lives(pid: str) -> bool:
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _signal(processes: set[int], number: signal.Signals) -> None:
    for each in processes:
        with suppress(ProcessLookupError):
            os.kill(each, number)


def _ip(*words: str) -> str:
    return _run("ip", *words)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout
