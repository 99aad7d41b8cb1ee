"""A standalone Spark cluster on this machine: a master and workers, each a process of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
STARTED_S = 60
MASTER_CLASS = "org.apache.spark.deploy.master.Master"
WORKER_CLASS = "org.apache.spark.deploy.worker.Worker"
EXECUTOR_CLASS = "CoarseGrainedExecutorBackend"
LOOPBACK = "127.0.0.1"


@dataclass
class Cluster:
    """`workers` are the worker daemons; each starts an executor for whoever asks for work."""

    folder: Path
    master: str
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def add_worker(self) -> None:
        number = len(self.workers) + 1
        log = self.folder / f"worker-{number}.log"
        words = ["--cores", "1", "--memory", "1g", "--host", LOOPBACK, "--webui-port", "0"]
        words += ["--work-dir", str(self.folder / f"work-{number}"), self.master]
        self.workers.append(_started(WORKER_CLASS, words, log))
        _said(log, "Successfully registered with master")

    def kill_worker(self, number: int) -> list[int]:
        """Kill a worker and the executor it started, at once and without a word to anybody."""
        killed = _family(self.workers[number].pid)
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        self.workers[number].wait()
        return killed

    def executors(self, number: int) -> list[int]:
        """Return the processes that a worker has started for whoever asks for work."""
        return [each for each in _family(self.workers[number].pid) if _is_executor(each)]


@contextmanager
def running(folder: Path, workers: int) -> Iterator[Cluster]:
    log = folder / "master.log"
    port = _free_port()
    words = ["--host", LOOPBACK, "--port", str(port), "--webui-port", "0"]
    master = _started(MASTER_CLASS, words, log)
    cluster = Cluster(folder, f"spark://{LOOPBACK}:{port}")
    try:
        _said(log, "New state: ALIVE")
        for _ in range(workers):
            cluster.add_worker()
        yield cluster
    finally:
        for number, each in enumerate(cluster.workers):
            if each.poll() is None:
                cluster.kill_worker(number)
        master.kill()
        master.wait()


def _started(name: str, words: list[str], log: Path) -> subprocess.Popen[bytes]:
    import pyspark  # only where these tests run

    home = Path(pyspark.__file__).parent
    environment = {
        **os.environ,
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": LOOPBACK,
        "SPARK_NO_DAEMONIZE": "1",
        # The program, where it is not installed beside Spark.
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
    }
    with log.open("wb") as written:
        return subprocess.Popen(
            [str(home / "bin" / "spark-class"), name, *words],
            env=environment,
            stdout=written,
            stderr=subprocess.STDOUT,
        )


def _said(log: Path, words: str) -> None:
    end = time.monotonic() + STARTED_S
    while not re.search(words, log.read_text(errors="replace")):
        assert time.monotonic() < end, log.read_text(errors="replace")
        time.sleep(0.1)


def _family(pid: int) -> list[int]:
    """Return a process and all that descend from it, the youngest first."""
    children: dict[int, list[int]] = {}
    for each in Path("/proc").iterdir():
        if each.name.isdecimal():
            try:
                stat = (each / "stat").read_text()
            except OSError:
                continue
            parent = int(stat.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(each.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found[::-1]


def _is_executor(pid: int) -> bool:
    try:
        return EXECUTOR_CLASS.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        return int(free.getsockname()[1])
