"""Officers' keys in the hands of whoever enters a past campaign; the server never opens it."""

import os
import re
from pathlib import Path

from ledger.evidence.keys import Ed25519Signer

_PLAIN = re.compile(r"[0-9A-Za-z_-]{1,64}")
_OWNER_ONLY = 0o600


class Keyring:
    """A folder with one private key a file, named by staff number, for its owner alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def signer(self, staff_number: str) -> Ed25519Signer:
        """Return the officer's key, made when there is none."""
        name = staff_number if _PLAIN.fullmatch(staff_number) else staff_number.encode().hex()
        path = self._folder / f"{name}.key"
        if not path.exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = path.with_suffix(".new")
            draft.unlink(missing_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
            with os.fdopen(descriptor, "w") as file:
                file.write(Ed25519Signer.generate().seed.hex())
                file.flush()
                os.fsync(file.fileno())
            draft.rename(path)
        return Ed25519Signer.from_seed(bytes.fromhex(path.read_text().strip()))
