"""Ledgers of others that this one deals with: known by the key that founded them."""

import re
from uuid import UUID

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.values import stable_id
from ledger.errors import Kind, LedgerError

KEY_ID = re.compile("[0-9a-f]{32}")


class FoundingKeyMisspelt(LedgerError):
    """A founding key id is 32 hex digits in small letters, as `nuanzhang init` prints it."""

    code = "known_ledger.key_misspelt"
    kind = Kind.INVALID

    def __init__(self, key_id: str) -> None:
        super().__init__(f"{key_id!r} is no founding key id: 32 hex digits, small letters")


class LedgerAlreadyKnown(LedgerError):
    """A ledger is registered once; it can be registered anew after it was struck off."""

    code = "known_ledger.registered"
    kind = Kind.CONFLICT

    def __init__(self, key_id: str, name: str) -> None:
        super().__init__(f"the ledger that key {key_id} founded is registered as {name}")


class LedgerUnknown(LedgerError):
    """Nobody registered the ledger here, or it was struck off."""

    code = "known_ledger.unknown"
    kind = Kind.CONFLICT

    def __init__(self, key_id: str) -> None:
        super().__init__(f"the ledger that key {key_id} founded is not registered here")


class OwnLedger(LedgerError):
    """Money within one ledger is allocated, not remitted."""

    code = "known_ledger.own"
    kind = Kind.INVALID

    def __init__(self, key_id: str) -> None:
        super().__init__(f"{key_id} is the founding key of this very ledger")


class KnownLedger(Root):
    """Another ledger. Its founding key id is learned from its owners, never from the ledger."""

    TOPIC = "known_ledger"

    class Registered(Event, frozen=True):
        """An approver answers for it that this key founded the ledger of that name."""

        TOPIC = "known_ledger.registered"
        COMMITS = True
        key_id: str
        origin: str
        name: str
        address: str

        def apply(self, aggregate: "KnownLedger") -> None:
            aggregate.key_id, aggregate.origin = self.key_id, self.origin
            aggregate.name, aggregate.address = self.name, self.address
            aggregate.is_known = True

    class StruckOff(Event, frozen=True):
        """No money goes there or comes from there any more."""

        TOPIC = "known_ledger.struck_off"
        COMMITS = True
        key_id: str
        origin: str
        name: str
        address: str
        reason: str

        def apply(self, aggregate: "KnownLedger") -> None:
            aggregate.is_known = False

    key_id: str
    origin: str
    name: str
    address: str
    is_known: bool

    @classmethod
    def register(
        cls, act: Act, *, key_id: str, origin: str, name: str, address: str
    ) -> "KnownLedger":
        """Have a ledger known from here on.

        Raises:
            FoundingKeyMisspelt: That is no key id.
        """
        if KEY_ID.fullmatch(key_id) is None:
            raise FoundingKeyMisspelt(key_id)
        return cls.begin(
            cls.Registered,
            act,
            known_ledger_id(key_id),
            key_id=key_id,
            origin=origin,
            name=name,
            address=address,
        )

    def register_again(self, act: Act, *, origin: str, name: str, address: str) -> None:
        """Have it known again.

        Raises:
            LedgerAlreadyKnown: It is.
        """
        if self.is_known:
            raise LedgerAlreadyKnown(self.key_id, self.name)
        self.trigger_event(
            self.Registered, act, key_id=self.key_id, origin=origin, name=name, address=address
        )

    def strike_off(self, act: Act, *, reason: str) -> None:
        """Have it known no longer.

        Raises:
            LedgerUnknown: It is not.
        """
        if not self.is_known:
            raise LedgerUnknown(self.key_id)
        self.trigger_event(
            self.StruckOff,
            act,
            key_id=self.key_id,
            origin=self.origin,
            name=self.name,
            address=self.address,
            reason=reason,
        )


def known_ledger_id(key_id: str) -> UUID:
    """Return the id of the ledger that a key founded."""
    return stable_id("known_ledger", key_id)
