"""A cluster and an office that works on it, for as long as the tests of this folder run."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from types import FrameType

import pytest

from tests.ha.cluster import ADDRESSES, PROGRAMS, Cluster
from tests.ha.network import Network
from tests.ha.office import Office
from tests.ha.rounds import Rounds
from tests.ha.writers import HTTP, LEDGER, LOOK

SCRATCH = Path("/var/tmp")
"""On a disk, and no part of the `/tmp` that each machine has of its own."""
OVER_HTTP = ("H1", "H2", "H3", "H4")
INTO_LEDGER = ("L1", "L2", "L3")
LOOKING_ON = ("R1",)


def require_what_is_needed() -> None:
    """Check that the machines can be made. What is missing is a failure: nothing is skipped."""
    if os.geteuid() != 0:
        pytest.fail("network namespaces are made by root alone: sudo make test-ha", pytrace=False)
    if not (PROGRAMS / ".installed").exists():
        pytest.fail("Patroni and etcd are not installed: make test-ha does it", pytrace=False)
    for program in ("ip", "nft", "setpriv"):
        if shutil.which(program) is None:
            pytest.fail(f"{program} is not installed: make test-ha does it", pytrace=False)


@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    """Three machines that are gone afterwards, also after Ctrl-C and SIGTERM."""
    require_what_is_needed()

    def end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    network = Network(ADDRESSES)
    try:
        with tempfile.TemporaryDirectory(prefix="nz-ha-", dir=SCRATCH) as folder, network.up():
            Path(folder).chmod(0o711)
            found = Cluster(network, Path(folder))
            found.start()
            yield found
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="package")
def office(cluster: Cluster) -> Iterator[Office]:
    """All at work. What it started ends with its network."""
    found = Office(
        cluster.network, cluster.folder / "office", cluster.address, cluster.passwords.clerk
    )
    names = {HTTP: OVER_HTTP, LEDGER: INTO_LEDGER, LOOK: LOOKING_ON}
    found.settle_in(tuple(chain.from_iterable(names.values())))
    for way, those in names.items():
        for each in those:
            found.write(way, each)
    yield found
    found.close()


@pytest.fixture(scope="package")
def rounds(cluster: Cluster, office: Office) -> Rounds:
    return Rounds(cluster, office)
