"""What goes into each kind of pack: the events, the figures, and the way the money came."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from uuid import UUID

from ledger.domain.aggregate import Root
from ledger.domain.batch import Batch, batch_id
from ledger.domain.disbursement import Disbursement
from ledger.domain.fund import FundAccount, fund_id
from ledger.domain.organisation import Organisation, organisation_id
from ledger.domain.recipient import Recipient
from ledger.domain.remittance import Remittance
from ledger.domain.tag_list import tag_lists_id
from ledger.errors import Kind, LedgerError
from ledger.evidence.figures import BATCH, FUND_BALANCE, PAYMENT, SURPLUS, Seen
from ledger.evidence.verifiable_map import THE_LOG
from ledger.packs.gathering import Gathering
from ledger.store.application import Ledger, NotOnRecord


class PackKindUnknown(LedgerError):
    """There are packs of funds, batches, payments, persons, unions, remittances and ledgers."""

    code = "pack.kind_unknown"
    kind = Kind.INVALID

    def __init__(self, kind: str) -> None:
        super().__init__(f"no packs of {kind}; there are {', '.join(KINDS)}")


class PackSubjectUnclear(LedgerError):
    """What the pack is to be of is not written as it must be."""

    code = "pack.subject_unclear"
    kind = Kind.INVALID

    def __init__(self, kind: str, expected: str) -> None:
        super().__init__(f"a {kind} is named by {expected}")


def subject_of(ledger: Ledger, kind: str, name: str) -> UUID:
    """Return the id of what a pack is to be of.

    Args:
        ledger: Where it must be on record.
        kind: One of KINDS.
        name: `UNION/EARMARK` for a fund account, the code of a batch or union, else an id; of the
            ledger, anything.

    Raises:
        PackKindUnknown, PackSubjectUnclear, NotOnRecord: As they say.
    """
    if kind not in KINDS:
        raise PackKindUnknown(kind)
    if kind == "fund":
        union, slash, earmark = name.partition("/")
        if not slash:
            raise PackSubjectUnclear(kind, "the union's code, a slash and the earmark")
        id_ = fund_id(organisation_id(union), earmark)
    elif kind == "batch":
        id_ = batch_id(name)
    elif kind == "organisation":
        id_ = organisation_id(name)
    elif kind == LEDGER:
        return UUID(THE_LOG)
    else:
        try:
            id_ = UUID(name)
        except ValueError:
            raise PackSubjectUnclear(kind, "its id") from None
    require_on_record(ledger, kind, id_)
    return id_


def require_on_record(ledger: Ledger, kind: str, subject: UUID) -> None:
    """Check that there is such a thing.

    Raises:
        PackKindUnknown: There are no packs of this kind.
        NotOnRecord: Nothing of this kind has this id.
    """
    if kind not in KINDS:
        raise PackKindUnknown(kind)
    if kind == LEDGER:
        return
    # Somebody on a list need not have a file of their own: of people, `gather` finds out.
    if ledger.load(ROOTS[kind], subject) is None and kind != "person":
        raise NotOnRecord(kind, subject)


def gather(gathering: Gathering, kind: str, subject: UUID) -> str:
    """Take along all that belongs into a pack; return its title, without personal data.

    Raises:
        NotOnRecord: It came after the checkpoint.
    """
    if kind != LEDGER and not gathering.knows(str(subject)):
        raise NotOnRecord(kind, subject)
    title = KINDS[kind](gathering, str(subject))
    gathering.concerning(THE_LOG, "policy.adopted")
    gathering.take_keys()
    return title


def _fund(gathering: Gathering, subject: str) -> str:
    events = gathering.concerning(subject)
    gathering.figure(FUND_BALANCE, subject, {})
    opened = next(each for each in events if each.type == "fund.opened")
    for event in events:
        if event.type == "fund.allocation_received" and event.payload["stream"] == subject:
            for lot in event.data["lots"]:
                _trace(gathering, lot["lot_id"])
    name = _organisation_name(gathering, opened.data["organisation_id"])
    return f"{name} {opened.data['earmark']}"


def _batch(gathering: Gathering, subject: str) -> str:
    events = gathering.concerning(subject)
    gathering.stream(subject)
    gathering.figure(BATCH, subject, {})
    drafted = next(each for each in events if each.type == "batch.drafted")
    _context(gathering, drafted)
    for lot in sorted(_lots(events)):
        _trace(gathering, lot)
    return str(drafted.data["code"])


def _payment(gathering: Gathering, subject: str) -> str:
    events = gathering.concerning(subject)
    gathering.figure(PAYMENT, subject, {})
    instructed = next(each for each in events if each.type == "disbursement.instructed")
    _context(gathering, instructed)
    for lot in sorted(_lots(events)):
        _trace(gathering, lot)
    for batch in sorted({each.data["batch_id"] for each in events if "batch_id" in each.data}):
        _steps(gathering, batch)
    return subject


def _person(gathering: Gathering, subject: str) -> str:
    events = gathering.concerning(subject)
    payments = {
        str(each.payload["stream"]) for each in events if each.type == "disbursement.instructed"
    }
    for payment in sorted(payments):
        _payment(gathering, payment)
    return subject


def _organisation(gathering: Gathering, subject: str) -> str:
    for topic in ("organisation.registered", "organisation.moved", "batch.drafted"):
        gathering.concerning(subject, topic)
    for event in gathering.concerning(subject, "fund.opened"):
        gathering.figure(FUND_BALANCE, str(event.payload["stream"]), {})
    years = gathering.concerning(subject, "fiscal_year.opened")
    for year in sorted({each.data["year"] for each in years}):
        gathering.figure(SURPLUS, subject, {"year": year})
    return _organisation_name(gathering, subject)


def _remittance(gathering: Gathering, subject: str) -> str:
    """Take along both events of it, and where its money came from; the other ledger reads this."""
    [first, *_] = gathering.stream(subject)
    gathering.concerning(subject)
    _organisation_name(gathering, first.data["organisation_id"])
    for part in first.data.get("parts", ()):
        _trace(gathering, part["lot_id"])
    return str(first.data["document"])


def _ledger(gathering: Gathering, subject: str) -> str:
    """Take along every account, fiscal year and remittance there is: a city's figures, proved.

    Of payments it holds ids and amounts, and of people what events hold sealed.
    """
    gathering.concerning(subject, "organisation.registered")
    for opened in gathering.concerning(subject, "fund.opened"):
        gathering.figure(FUND_BALANCE, str(opened.payload["stream"]), {})
    years = gathering.concerning(subject, "fiscal_year.opened")
    for union, year in sorted({(y.data["organisation_id"], y.data["year"]) for y in years}):
        gathering.figure(SURPLUS, union, {"year": year})
    for topic in ("fiscal_year.surplus_brought_forward", "remittance.sent", "remittance.received"):
        gathering.concerning(subject, topic)
    accounts = gathering.concerning(subject, "fund.opened")
    for lot in _came_old(gathering.stream(str(each.payload["stream"])) for each in accounts):
        gathering.concerning(lot)
    gathering.stream(str(tag_lists_id()))
    return gathering.ledger.origin


def _came_old(accounts: Iterable[Sequence[Seen]]) -> Iterable[str]:
    """Return the lots of earlier years that other ledgers sent, and what these were passed on as.

    They stand in their sender's opening surplus, so whoever adds up both asks whom they reached.
    """
    came = ("fund.remittance_received", "fund.allocation_received")
    events = (event for account in accounts for event in account if event.type in came)
    found: dict[str, None] = {}
    for event in sorted(events, key=lambda each: each.position):
        year = date.fromisoformat(str(event.payload["happened_on"])).year
        for lot in event.data["lots"]:
            if lot["vintage"] < year if event.type == came[0] else lot["parent_id"] in found:
                found[lot["lot_id"]] = None
    return found


LEDGER = "ledger"

KINDS: Mapping[str, Callable[[Gathering, str], str]] = {
    "fund": _fund,
    "batch": _batch,
    "payment": _payment,
    "person": _person,
    "organisation": _organisation,
    "remittance": _remittance,
    LEDGER: _ledger,
}


ROOTS: Mapping[str, type[Root]] = {
    "fund": FundAccount,
    "batch": Batch,
    "payment": Disbursement,
    "person": Recipient,
    "organisation": Organisation,
    "remittance": Remittance,
}


def _context(gathering: Gathering, event: Seen) -> None:
    """Take along the union, the campaign, and its policy as it was adopted and put right."""
    _organisation_name(gathering, event.data["organisation_id"])
    for opened in gathering.stream(event.data["campaign_id"]):
        if opened.type == "campaign.opened":
            gathering.stream(opened.data["policy_id"])


def _steps(gathering: Gathering, batch: str) -> None:
    """Take along who drafted, reviewed and approved a batch, but not the rows of others."""
    for _, position in gathering.ledger.log.select_stream_positions(UUID(batch)):
        topic = gathering.ledger.log.select_states(position, 1)[0][1]
        if position < gathering.published.position and topic in _STEPS:
            gathering.take(position)


_STEPS = frozenset(
    {
        "batch.drafted",
        "batch.reviewed",
        "batch.approved",
        "batch.exported",
        "batch.file_cancelled",
        "batch.sheet_certified",
    }
)


def _organisation_name(gathering: Gathering, organisation: str) -> str:
    registered = gathering.stream(organisation)[0]
    return str(registered.data["name"])


def _lots(events: Sequence[Seen]) -> set[str]:
    found: set[str] = set()
    for event in events:
        if event.type == "fund.drawn":
            found.update(part["lot_id"] for part in event.data["parts"])
    return found


def _trace(gathering: Gathering, lot: str) -> None:
    """Take along how a lot came: each allocation that brought it, up to the first receipt.

    What came from another ledger has a remittance, which names the entry there.
    """
    while True:
        event = gathering.first_of(lot)
        if event.type == "fund.remittance_received":
            gathering.concerning(event.data["remittance_id"])
        if event.type != "fund.allocation_received":
            return
        gathering.concerning(event.data["allocation_id"])
        _organisation_name(gathering, event.data["from_organisation_id"])
        lot = next(each["parent_id"] for each in event.data["lots"] if each["lot_id"] == lot)
