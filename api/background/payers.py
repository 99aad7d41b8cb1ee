"""What banks' files were told of the payer: remembered for the next file of the same union."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from api.background.sealing import Seal
from api.background.store import BackgroundStore


class Payers:
    """Facts by union and bank format, sealed: account numbers are among them."""

    def __init__(self, store: BackgroundStore, seal: Seal) -> None:
        self._store = store
        self._seal = seal

    def remember(self, organisation_id: UUID, bank_format: str, facts: Mapping[str, str]) -> None:
        """Keep what a file was told, in place of what the one before was."""
        of = self._key(organisation_id, bank_format)
        sealed = self._seal.seal(msgspec.msgpack.encode(dict(facts)), of.hex())
        with self._store.writing() as sql:
            sql.execute(
                "INSERT INTO payers (asked, facts) VALUES (?, ?)"
                " ON CONFLICT (asked) DO UPDATE SET facts = excluded.facts",
                (of, sealed),
            )

    def remembered(self, organisation_id: UUID, bank_format: str) -> dict[str, str]:
        """Return what the last file was told; nothing where there was none.

        Raises:
            SealBroken: It was sealed for another ledger.
        """
        of = self._key(organisation_id, bank_format)
        found = self._store.row("SELECT facts FROM payers WHERE asked = ?", of)
        if found is None:
            return {}
        opened = self._seal.open(found["facts"], of.hex())
        return msgspec.msgpack.decode(opened, type=dict[str, str])

    def _key(self, organisation_id: UUID, bank_format: str) -> bytes:
        return self._seal.fingerprint(f"payer {organisation_id} {bank_format}".encode())
