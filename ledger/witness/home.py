"""The folder of a witness: its key, its name and what it remembers, for its owner alone."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import Kind, LedgerError
from ledger.evidence.cosignature import COSIGNATURE_TYPES, Cosigner
from ledger.evidence.keys import Algorithm, signer_from_seed
from ledger.evidence.note import NoteBroken, is_name
from ledger.witness.state import WitnessState

SEED_BYTES = 32
OWNER_ONLY_FILE, OWNER_ONLY_FOLDER = 0o600, 0o700


class WitnessMissing(LedgerError):
    """There is no witness in this folder."""

    code = "witness.home_missing"
    kind = Kind.ABSENT

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} holds no witness; `nuanzhang witness init` makes one")


class WitnessHomeTaken(LedgerError):
    """The folder holds something already, which is left alone."""

    code = "witness.home_taken"
    kind = Kind.CONFLICT

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is not empty; nothing was touched")


@dataclass(frozen=True, slots=True)
class WitnessHome:
    """Where a witness lives; never a ledger's own folder."""

    path: Path

    @property
    def _identity(self) -> Path:
        return self.path / "witness.json"

    def create(self, name: str) -> None:
        """Make the folder, with a key for each kind of cosignature.

        Raises:
            WitnessHomeTaken: There is something in it.
            NoteBroken: The name cannot stand in a signature line.
        """
        if not is_name(name):
            raise NoteBroken("a witness's name has neither spaces nor plus signs")
        if self.path.exists() and any(self.path.iterdir()):
            raise WitnessHomeTaken(self.path)
        self.path.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
        self.path.chmod(OWNER_ONLY_FOLDER)
        for algorithm in COSIGNATURE_TYPES:
            _write(self._key(algorithm), secrets.token_hex(SEED_BYTES))
        # Last, so that a folder with a name is a whole one.
        _write(self._identity, json.dumps({"name": name}, ensure_ascii=False))

    def name(self) -> str:
        if not self._identity.exists():
            raise WitnessMissing(self.path)
        name: str = json.loads(self._identity.read_text())["name"]
        return name

    def cosigners(self) -> tuple[Cosigner, ...]:
        """Return what cosigns: Ed25519 for everybody, ML-DSA-44 for the years to come."""
        name = self.name()
        return tuple(
            Cosigner(name, signer_from_seed(algorithm, self._seed(algorithm)))
            for algorithm in COSIGNATURE_TYPES
        )

    def state(self) -> WitnessState:
        self.name()
        os.umask(0o077)
        return WitnessState(self.path / "state.sqlite")

    def _key(self, algorithm: Algorithm) -> Path:
        return self.path / f"{algorithm.value}.key"

    def _seed(self, algorithm: Algorithm) -> bytes:
        return bytes.fromhex(self._key(algorithm).read_text().strip())


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY_FILE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(descriptor)
