"""Whether the money reached the person: answers of the bank, signatures, returns and days."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from math import inf

from ledger.domain.disbursement import Disbursement as Payment
from ledger.domain.disbursement import Status
from ledger.domain.policy import Channel
from projections.batches import statements_of
from projections.explanation.asked import Asked, officer_of
from projections.explanation.checked import Checked, Fact, Ground, Outcome
from projections.explanation.duties import stopped_on
from projections.flows import trace_back
from projections.papers_owed import SIGNATURE_SHEETS


def delivery(asked: Asked) -> Iterator[Checked]:
    """C2, D1, D3, F5, G2, G5, J3 to J5: what became of it after it was approved."""
    if asked.payment.channel == Channel.BANK_CARD:
        yield from _by_card(asked)
        yield from (Checked(code, Outcome.NOT_ASKED, _channel(asked)) for code in ("D1", "D3"))
    else:
        yield from _by_sheet(asked)
        by_card = ("C2", "F5", "G5", "J3", "J4", "J5")
        yield from (Checked(code, Outcome.NOT_ASKED, _channel(asked)) for code in by_card)
    yield _in_time(asked)


def _channel(asked: Asked) -> tuple[Fact]:
    return (Fact("channel", asked.payment.channel),)


def _by_card(asked: Asked) -> Iterator[Checked]:
    returns, settled = _returns(asked), asked.of(Payment.Settled)
    named = [each for each in returns if each[1].reason == "NAME_MISMATCH"]
    answers = sorted([*returns, *settled], key=lambda each: each[0])
    in_transit = asked.payment.status == Status.IN_TRANSIT
    # Since it was sent last, which is what counts of a payment that was made again.
    since = date.fromisoformat(asked.payment.status_since)
    late = since + timedelta(days=asked.patience.answer_days) <= asked.day
    if named:
        yield Checked("C2", Outcome.BROKEN, _returned(named[-1][1]), position=named[-1][0])
    elif answers:
        position, last = answers[-1]
        facts = (Fact("answered_on", last.happened_on.isoformat()),)
        yield Checked("C2", Outcome.HELD, facts, position=position)
    else:
        yield Checked("C2", _waits(asked))
    waiting = _waits(asked, late=late)
    allowed = Fact("answer_within_days", asked.patience.answer_days)
    unanswered = in_transit and (
        asked.payment.reason is not None
        or bool(statements_of(asked.connection, asked.payment.batch_id))
    )
    yield Checked("J4", waiting if unanswered else Outcome.HELD, (allowed,))
    unproved = in_transit and not unanswered
    yield Checked("F5", waiting if unproved else Outcome.HELD, (allowed,))
    after_success = [each for each in returns if each[1].was == Status.SETTLED]
    if after_success:
        position, event = after_success[-1]
        yield Checked("J3", Outcome.BROKEN, _returned(event), position=position)
    else:
        yield Checked("J3", Outcome.HELD, (Fact("returns_count", len(returns)),))
    yield _arrived_before(asked)
    yield _paid_again(asked, returns)


def _arrived_before(asked: Asked) -> Checked:
    """J5: the bank takes back that an attempt had failed, after it was made again elsewhere."""
    told = asked.of(Payment.ArrivedBefore)
    if not told:
        return Checked(
            "J5", Outcome.HELD, (Fact("reissues_count", len(asked.of(Payment.Reissued))),)
        )
    position, last = told[-1]
    facts = (Fact("taken_back_on", last.happened_on.isoformat()),)
    return Checked("J5", Outcome.BROKEN, facts, position=position)


def _returns(asked: Asked) -> list[tuple[int, Payment.Returned]]:
    """Return what brought the payment's money back; not what was taken to, and was corrected."""
    taken_back = {each.corrects_version for _, each in asked.of(Payment.Corrected)}
    every = asked.of(Payment.Returned)
    return [found for found in every if found[1].originator_version not in taken_back]


def _paid_again(asked: Asked, returns: list[tuple[int, Payment.Returned]]) -> Checked:
    if not returns:
        return Checked("G5", Outcome.HELD, (Fact("returns_count", 0),))
    grounds = tuple(
        Ground("reissued", officer_of(each), each.happened_on.isoformat(), position, each.reason)
        for position, each in asked.of(Payment.Reissued)
    )
    position, last = returns[-1]
    within_days = _reissue_days(asked, last.happened_on)
    allowed = Fact("reissue_within_days", within_days)
    days_late = _made_good_late(asked, returns)
    facts = (*_returned(last), allowed, *_days_late(days_late))
    if days_late > 0:
        return Checked("G5", Outcome.BROKEN, facts, grounds, position)
    # Paid again and withdrawn after that, nobody got what had come back.
    if asked.payment.status not in (Status.RETURNED, Status.WITHDRAWN):
        return Checked("G5", Outcome.HELD, facts, grounds, position)
    late = last.happened_on + timedelta(days=within_days) <= asked.day
    return Checked("G5", Outcome.BROKEN if late else Outcome.OPEN, facts, grounds, position)


def _reissue_days(asked: Asked, came_back: date) -> int:
    """Return within how many days what came back on a day was to be paid again."""
    borne = asked.patience if asked.borne_on is None else asked.borne_on(came_back)
    return borne.reissue_days


def _made_good_late(asked: Asked, returns: list[tuple[int, Payment.Returned]]) -> int:
    """Return how many days after those allowed it was paid again, at worst; 0: never too late.

    What was withdrawn after it was paid again was not made good by that.
    """
    withdrawn = [position for position, _ in asked.of(Payment.Withdrawn)]
    again = asked.of(Payment.Reissued)
    days = 0
    nexts = [*(position for position, _ in again[1:]), inf]
    for (position, each), following in zip(again, nexts, strict=False):
        ended = any(position < end < following for end in withdrawn)
        back = [came.happened_on for before, came in returns if before < position]
        if back and not ended:
            allowed = _reissue_days(asked, back[-1])
            days = max(days, (each.happened_on - back[-1]).days - allowed)
    return days


def _days_late(days: int) -> tuple[Fact, ...]:
    return (Fact("days_late", days),) if days > 0 else ()


def _returned(event: Payment.Returned) -> tuple[Fact, Fact]:
    return (
        Fact("returned_on", event.happened_on.isoformat()),
        Fact("return_reason", event.reason),
    )


def _by_sheet(asked: Asked) -> Iterator[Checked]:
    captured, signed = asked.of(Payment.SignatureCaptured), asked.of(Payment.Signed)
    # An attempt on a sheet stands under the sheet: of which row it was is not told.
    stopped = tuple(
        replace(ground, what="stopped_on_list")
        for rule, ground in stopped_on(asked, asked.batch.batch_id)
        if rule == "D1"
    )
    manner = tuple(Fact("signed_by", each.manner) for _, each in captured[-1:])
    counts = asked.payment.status == Status.SIGNED and bool(signed)
    if counts:
        position, last = signed[-1]
        day = last.happened_on.isoformat()
        witnessed = Ground("witnessed", last.witness_id, day, position)
        facts = (*manner, Fact("signed_on", day))
        yield Checked("D1", Outcome.HELD, facts, (witnessed, *stopped), position)
    else:
        yield Checked("D1", _waits(asked), manner, stopped)
    due = next((each.due_on for each in asked.deadlines if each.name in SIGNATURE_SHEETS), None)
    facts_due = () if due is None else (Fact("due_on", due.isoformat()),)
    late = due is not None and due < asked.day
    if not counts:
        yield Checked("D3", _waits(asked, late=late), facts_due)
    else:
        yield _arrived(asked, "D3", due, facts_due)


def _in_time(asked: Asked) -> Checked:
    """G2: how long the money was on its way, from where it came in to the person."""
    payment = asked.payment
    came_in = [
        strand.origin.happened_on
        for strand in trace_back(asked.connection, payment.disbursement_id)
    ]
    facts = [] if not came_in else [Fact("came_in_on", min(came_in))]
    facts += [Fact("approved_on", payment.happened_on), Fact("ends_on", asked.campaign.ends_on)]
    reached = payment.status in (Status.SETTLED, Status.SIGNED)
    if reached:
        day = date.fromisoformat(payment.status_since)
        facts += [
            Fact("reached_on", payment.status_since),
            Fact("waited_days", (day - asked.paid_on).days),
        ]
    ends_on = date.fromisoformat(asked.campaign.ends_on)
    if reached:
        return _arrived(asked, "G2", ends_on, tuple(facts))
    return Checked("G2", _waits(asked, late=ends_on < asked.day), tuple(facts))


def _arrived(asked: Asked, rule: str, due_on: date | None, facts: tuple[Fact, ...]) -> Checked:
    """Say of what has arrived by how many days that was after it was due; cured, and known."""
    came = date.fromisoformat(asked.payment.status_since)
    days = 0 if due_on is None or due_on >= asked.day else (came - due_on).days
    outcome = Outcome.BROKEN if days > 0 else Outcome.HELD
    return Checked(rule, outcome, (*facts, *_days_late(days)))


def _waits(asked: Asked, *, late: bool = False) -> Outcome:
    """Say what comes of a rule that waits for the money to arrive: nothing, if it was withdrawn."""
    if asked.payment.status == Status.WITHDRAWN:
        return Outcome.NOT_ASKED
    return Outcome.BROKEN if late else Outcome.OPEN
