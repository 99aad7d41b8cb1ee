"""Who witnesses the log: appointed, dismissed, how many are enough, and who refused."""

from dataclasses import dataclass

from ledger.domain.witness import Witnesses, WitnessUnknown, witnesses_id
from ledger.evidence.cosignature import CosignatureKey
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Ledger, Work


@dataclass(frozen=True, slots=True)
class WitnessAppointment:
    """A witness by its verifier key, and the address that it is reached at, if it has one."""

    vkey: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class WitnessRefusal:
    """What a witness answered in place of a cosignature, for the checkpoint of this size."""

    name: str
    size: int
    status: int
    held_size: int | None
    cause: str


def appoint_witness(ledger: Ledger, act: CommandAct, order: WitnessAppointment) -> Answer:
    """Have somebody cosign from now on.

    Raises:
        NoteBroken: It is no verifier key of a witness.
        WitnessTaken: One of that name is appointed.
    """
    name = CosignatureKey.from_vkey(order.vkey).name

    def decide(work: Work) -> None:
        witnesses = work.find(Witnesses, witnesses_id())
        if witnesses is None:
            witnesses = Witnesses.begin_with(act, name=name, vkey=order.vkey, url=order.url)
        else:
            witnesses.appoint(act, name=name, vkey=order.vkey, url=order.url)
        work.save(witnesses)

    return ledger.perform(act, "witness.appoint", order, decide)


def dismiss_witness(ledger: Ledger, act: CommandAct, name: str, reason: str) -> Answer:
    """No longer ask a witness; what it cosigned before counts on.

    Raises:
        WitnessUnknown, QuorumImpossible: As they say.
    """

    def decide(work: Work) -> None:
        witnesses = _witnesses(work, name)
        witnesses.dismiss(act, name=name, reason=reason)
        work.save(witnesses)

    return ledger.perform(act, "witness.dismiss", (name, reason), decide)


def set_quorum(ledger: Ledger, act: CommandAct, needed: int) -> Answer:
    """Say how many witnesses have to cosign a checkpoint.

    Raises:
        WitnessUnknown, QuorumImpossible: As they say.
    """

    def decide(work: Work) -> None:
        witnesses = _witnesses(work, "")
        witnesses.set_quorum(act, needed=needed)
        work.save(witnesses)

    return ledger.perform(act, "witness.set_quorum", needed, decide)


def record_witness_refusal(ledger: Ledger, act: CommandAct, refusal: WitnessRefusal) -> Answer:
    """Put on record that a witness would not cosign; it is a finding for the auditors."""

    def decide(work: Work) -> None:
        witnesses = _witnesses(work, refusal.name)
        witnesses.record_refusal(
            act,
            name=refusal.name,
            size=refusal.size,
            status=refusal.status,
            held_size=refusal.held_size,
            cause=refusal.cause,
        )
        work.save(witnesses)

    return ledger.perform(act, "witness.record_refusal", refusal, decide)


def _witnesses(work: Work, name: str) -> Witnesses:
    found = work.find(Witnesses, witnesses_id())
    if found is None:
        raise WitnessUnknown(name or "anything")
    return found
