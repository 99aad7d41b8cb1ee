"""The ledger's own keys: registered, retired, given up as compromised; and what holds after."""

from collections.abc import Mapping

from ledger.commands.duties import require_approver
from ledger.commands.key_history import key_history, require_signed_by_then
from ledger.domain.aggregate import Event
from ledger.domain.key import KeyClaim
from ledger.domain.log import LogItself, log_id
from ledger.domain.service_key import ServiceKey, service_key_id
from ledger.domain.values import stable_id
from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import base64_text
from ledger.evidence.keys import OWN_CUSTODY, SERVICE, PublicKey, verifier
from ledger.evidence.reanchoring import SM3, Sm3Tree, sm3_leaf
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Ledger, Work

READ_AT_ONCE = 5_000


class ServiceKeyTaken(LedgerError):
    """The key is registered already, for the ledger or for an officer."""

    code = "service_key.taken"
    kind = Kind.CONFLICT

    def __init__(self, key_id: str) -> None:
        super().__init__(f"key {key_id} is registered already")


class OwnKeyRetired(LedgerError):
    """A key cannot sign its own end; the next one does."""

    code = "service_key.own_end"
    kind = Kind.CONFLICT

    def __init__(self, key_id: str) -> None:
        super().__init__(f"the ledger signs with key {key_id}; rotate to the next one first")


class OwnKeyRequired(LedgerError):
    """After a loss, keys that the operator holds for officers may be in the same hands."""

    code = "log.own_key_required"
    kind = Kind.FORBIDDEN

    def __init__(self, officer_id: str) -> None:
        super().__init__(f"officer {officer_id} has no key in force that they hold themselves")


class OwnKeyInDoubt(LedgerError):
    """Who has a lost key may have registered this one with it: it vouches for nothing."""

    code = "log.own_key_in_doubt"
    kind = Kind.FORBIDDEN

    def __init__(self, officer_id: str) -> None:
        super().__init__(
            f"officer {officer_id} has no key of their own that was registered before a key was"
            " lost; officers have to vouch who had theirs before"
        )


def register_service_key(ledger: Ledger, act: CommandAct, key: PublicKey) -> Answer:
    """Register a further key of the ledger, signed by the one in force. Safe to repeat.

    Raises:
        ServiceKeyTaken: It is an officer's, or was retired.
        SignatureBroken: It is no public key, or one under which anybody could sign.
    """
    verifier(key)

    def decide(work: Work) -> None:
        known = work.find(ServiceKey, service_key_id(key.key_id))
        if known is not None and known.in_force:
            return
        if known is not None or work.find(KeyClaim, stable_id("key", key.key_id)):
            raise ServiceKeyTaken(key.key_id)
        work.save(
            ServiceKey.register(
                act,
                key_id=key.key_id,
                algorithm=key.algorithm.value,
                public_key=base64_text(key.raw),
            ),
            KeyClaim.claim(act, key_id=key.key_id, owner=SERVICE),
        )

    return ledger.perform(act, "service_key.register", key.key_id, decide)


def retire_service_key(ledger: Ledger, act: CommandAct, key_id: str, reason: str) -> Answer:
    """Retire a key of the ledger; what it signed counts on. Safe to repeat.

    Raises:
        NotOnRecord: There is no such key.
        OwnKeyRetired: The ledger signs with it now.
    """

    def decide(work: Work) -> None:
        key = work.get(ServiceKey, service_key_id(key_id))
        if ledger.signer.public_key.key_id == key_id:
            raise OwnKeyRetired(key_id)
        if key.in_force:
            key.retire(act, reason=reason)
            work.save(key)

    return ledger.perform(act, "service_key.retire", (key_id, reason), decide)


def give_up_service_key(
    ledger: Ledger, act: CommandAct, key_id: str, counts_from: int, reason: str
) -> Answer:
    """Record that somebody else had a key of the ledger, from position `counts_from` on.

    What it signed from there on proves nothing by itself, until two officers `reaffirm` it.

    Raises:
        NotOnRecord: There is no such key.
        OwnKeyRetired: The ledger signs with it now.
        KeyNotValid: It was not valid at that position.
        OfficerRequired, RoleMissing, OfficerSignatureMissing: An approver has to sign this.
    """
    require_signed_by_then(ledger, key_id, counts_from)

    def decide(work: Work) -> None:
        key = work.get(ServiceKey, service_key_id(key_id))
        if ledger.signer.public_key.key_id == key_id:
            raise OwnKeyRetired(key_id)
        require_approver(work, act)
        key.give_up(act, counts_from=counts_from, reason=reason)
        work.save(key)

    return ledger.perform(act, "service_key.give_up", (key_id, counts_from, reason), decide)


def reaffirm(ledger: Ledger, act: CommandAct, reason: str) -> Answer:
    """Vouch for all entries so far, after they were compared with what others hold of them.

    They count again once two officers have done so, each for themselves.

    Raises:
        OfficerRequired, RoleMissing, OfficerSignatureMissing: An approver has to sign this.
        OwnKeyRequired: The operator holds the officer's keys.
        OwnKeyInDoubt: The officer's own were registered under a key that somebody else had.
    """

    def decide(work: Work) -> None:
        require_approver(work, act)
        keys = key_history(ledger)
        valid = [each.key_id for each in keys.valid_keys(act.actor, ledger.size())]
        own = [each for each in valid if keys.records[each].custody == OWN_CUSTODY]
        if not own:
            raise OwnKeyRequired(act.actor)
        if all(map(keys.rests_on_doubt, own)):
            raise OwnKeyInDoubt(act.actor)
        size = ledger.size()
        facts = {"size": size, "root": base64_text(ledger.log.root_at(size)), "reason": reason}
        _say(work, act, LogItself.Reaffirmed, facts)

    return ledger.perform(act, "log.reaffirm", reason, decide)


def reanchor(ledger: Ledger, act: CommandAct) -> Answer:
    """Put the root of all entries so far under SM3 into the log, beside the one under SHA-256.

    It reads the whole log, while nothing else is decided.
    """

    def decide(work: Work) -> None:
        size = ledger.size()
        tree = Sm3Tree()
        for start in range(0, size, READ_AT_ONCE):
            rows = ledger.log.select_states(start, min(READ_AT_ONCE, size - start))
            tree.extend(sm3_leaf(state) for _, _, state in rows)
        facts = {"size": size, "hash_algorithm": SM3, "root": base64_text(tree.root())}
        _say(work, act, LogItself.Reanchored, facts)

    return ledger.perform(act, "log.reanchor", None, decide)


def _say(work: Work, act: CommandAct, event: type[Event], facts: Mapping[str, object]) -> None:
    """Say something of the log as a whole, in the one stream that is for it."""
    log = work.find(LogItself, log_id())
    if log is None:
        log = LogItself.first(act, event, **facts)
    else:
        log.trigger_event(event, act, **facts)
    work.save(log)
