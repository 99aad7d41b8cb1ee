"""Holds the payments of a batch against the list that its approver signed."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from ledger.evidence.canonical import Json
from ledger.evidence.figures import Events, Seen
from ledger.evidence.pack import PackBroken

SENDS = ("disbursement.instructed", "disbursement.reissued")


class ApprovedRow(NamedTuple):
    """Who is to get how many fen, and the commitment of where it goes."""

    person_id: str
    amount_fen: int
    payee: str


def require_as_approved(batch: str, events: Events) -> int:
    """Check that a batch paid what was approved, and was signed for where that was certified.

    Args:
        batch: Its id.
        events: All that concern it, and the streams of its payments.

    Returns:
        How many payments it has.

    Raises:
        PackBroken: Some are not as their approval lists them.

    Source: FORMAT.md, "Checking a pack", step 8.
    """
    try:
        return _require_as_approved(batch, events)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise PackBroken(f"batch {batch}: its events are not those of a batch") from None


def _require_as_approved(batch: str, events: Events) -> int:
    approvals = list(_approvals(batch, events.stream(batch)))
    certified = {
        number
        for event in events.stream(batch)
        if event.type == "batch.sheet_certified"
        for number in event.data["numbers"]
    }
    payments = {
        str(event.payload["stream"]): None
        for event in events.concerning(batch)
        if event.type in SENDS and event.data["batch_id"] == batch
    }
    for payment in payments:
        number: Json = None
        amount: Json = None
        for event in events.stream(payment):
            data = event.data
            if event.type == "disbursement.instructed":
                own = data["batch_id"] == batch
                number, amount = (data["number"], data["amount_fen"]) if own else (None, None)
                if own:
                    _require_row(event, approvals)
            elif event.type == "disbursement.reissued" and data["batch_id"] == batch:
                if number is None or data["amount_fen"] != amount:
                    raise PackBroken(
                        f"payment {payment}, position {event.position}: sent again as nobody"
                        " approved"
                    )
            elif _is_signed(event) and number is not None and number not in certified:
                raise PackBroken(
                    f"payment {payment} counts as signed for, and nobody certified row {number}"
                )
    return len(payments)


def _is_signed(event: Seen) -> bool:
    """Say whether a payment counts as signed for from this event on."""
    if event.type == "disbursement.corrected":
        return bool(event.data["now"] == "signed")
    return event.type == "disbursement.signed"


def _approvals(
    batch: str, stream: Sequence[Seen]
) -> Iterator[tuple[int, Mapping[int, ApprovedRow]]]:
    """Yield where the batch was approved, with the rows that the approver's hash is over."""
    rows: dict[int, ApprovedRow] = {}
    for event in stream:
        data = event.data
        match event.type:
            case "batch.drafted":
                rows = {}
            case "batch.row_accepted":
                payee = data["payee"]["commitment"]
                rows[data["number"]] = ApprovedRow(data["person_id"], data["amount_fen"], payee)
            case "batch.row_refused" | "batch.row_withdrawn":
                rows.pop(data["number"], None)
            case "batch.approved":
                listed = "".join(
                    f"{number} {row.person_id} {row.amount_fen}\n" for number, row in rows.items()
                )
                payees = "".join(f"{number} {row.payee}\n" for number, row in rows.items())
                signed = data.get("payees_sha256")
                if data["list_sha256"] != _hash(listed) or signed not in {None, _hash(payees)}:
                    raise PackBroken(f"batch {batch}: its rows are not those that were approved")
                yield event.position, dict(rows)


def _require_row(instructed: Seen, approvals: list[tuple[int, Mapping[int, ApprovedRow]]]) -> None:
    data = instructed.data
    paid = ApprovedRow(data["person_id"], data["amount_fen"], data["payee"]["commitment"])
    rows = [rows for position, rows in approvals if position < instructed.position]
    if not rows or rows[-1].get(data["number"]) != paid:
        raise PackBroken(
            f"payment {instructed.payload['stream']}, position {instructed.position}: row"
            f" {data['number']} was not approved so"
        )


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
