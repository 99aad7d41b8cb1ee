"""Opening surplus that stood in no opening: what came back of a remittance, or by a case."""

from collections.abc import Iterator
from dataclasses import replace
from typing import cast
from uuid import UUID

from ledger.commands.duties import recording_day
from ledger.domain.aggregate import Event
from ledger.domain.fiscal_year import FiscalYear, fiscal_year_id
from ledger.domain.fund import FundAccount
from ledger.domain.remittance import Remittance
from ledger.domain.values import Money
from ledger.store.act import CommandAct
from ledger.store.application import Ledger, Work


def bring_forward_again(
    work: Work, act: CommandAct, account: FundAccount, remittance: Remittance, sent_at: int
) -> None:
    """Count as opening surplus what was sent before a year was opened, now that it is back.

    In every year that is open. What of a lot was brought forward before it was sent, at a position
    of the log, was counted. A lot that was not brought forward at all is so whole, if the piece was
    sent in an earlier year, or before this one was opened: the year may be open for other accounts
    alone, and of a lot that stands in an opening no later one takes the rest.
    """
    sent_in = work.ledger.event(remittance.id, 1).happened_on.year
    oldest = min(part.vintage for part in remittance.parts)
    for opened, counted_as in _open_years(work, act, account, oldest):
        year = opened.year
        opened_at, brought = _brought_forward(work.ledger, opened.id)
        early = sent_in < year or sent_at < opened_at
        for part in remittance.parts:
            counted = part.lot_id in brought
            missed = brought[part.lot_id][0][0] > sent_at if counted else early
            if part.vintage < year and missed:
                opened.bring_forward(
                    counted_as,
                    fund_id=account.id,
                    lot_id=part.lot_id,
                    origin_id=part.origin_id,
                    vintage=part.vintage,
                    amount=part.amount_fen if counted else account.lots[part.lot_id].remaining,
                )
        work.save(opened)


def bring_new_forward(work: Work, act: CommandAct, account: FundAccount, lot_id: UUID) -> None:
    """Count a lot of an earlier vintage that has just come in as opening surplus of open years."""
    lot = account.lots[lot_id]
    for opened, counted_as in _open_years(work, act, account, lot.vintage):
        opened.bring_forward(
            counted_as,
            fund_id=account.id,
            lot_id=lot_id,
            origin_id=lot.origin_id,
            vintage=lot.vintage,
            amount=lot.remaining,
        )
        work.save(opened)


def left_out(ledger: Ledger, year_id: UUID, account: FundAccount, lot_id: UUID) -> Money:
    """Return what stood in a lot when it was brought forward first, and was not counted, in fen.

    Ledgers of before brought forward of such a lot the piece alone that came back.
    """
    brought = _brought_forward(ledger, year_id)[1].get(lot_id)
    if brought is None:
        return Money(0)  # decided together with this, so that nothing came back in between
    since = brought[0][0]
    then: FundAccount | None = None
    sent: set[UUID] = set()
    back = 0
    positions = ledger.log.select_stream_positions(account.id)
    for (_, position), event in zip(positions, ledger.events.get(account.id), strict=True):
        if position < since:
            then = cast("FundAccount", cast("Event", event).mutate(then))
            if isinstance(event, FundAccount.Remitted):
                sent.add(event.remittance_id)
        elif isinstance(event, FundAccount.RemittanceTakenBack) and event.remittance_id in sent:
            back += sum(part.amount_fen for part in event.parts if part.lot_id == lot_id)
    assert then is not None  # noqa: S101 - the lot was in it
    return Money(then.lots[lot_id].remaining + back - sum(amount for _, amount in brought))


def _open_years(
    work: Work, act: CommandAct, account: FundAccount, vintage: int
) -> Iterator[tuple[FiscalYear, CommandAct]]:
    """Yield the years after a vintage that are open, each with the act by which it counts there.

    Up to the year in which the act is recorded: what is entered late stood in hand when a year
    after it began, and counts there from the day on which that was opened.
    """
    happened = act.happened_on.year
    for year in range(vintage + 1, max(happened, recording_day(act).year) + 1):
        opened = work.find(FiscalYear, fiscal_year_id(account.organisation_id, year))
        if opened is None or opened.closed:
            continue
        if year <= happened:
            yield opened, act
        else:
            day = work.ledger.event(opened.id, 1).happened_on
            yield opened, replace(act, happened_on=max(day, act.happened_on))


def _brought_forward(
    ledger: Ledger, year_id: UUID
) -> tuple[int, dict[UUID, list[tuple[int, Money]]]]:
    """Return at which position a year was opened, and when how much of each lot was brought in."""
    brought: dict[UUID, list[tuple[int, Money]]] = {}
    positions = ledger.log.select_stream_positions(year_id)
    for version, position in positions:
        event = ledger.event(year_id, version)
        if isinstance(event, FiscalYear.SurplusBroughtForward):
            brought.setdefault(event.lot_id, []).append((position, event.amount_fen))
    return positions[0][1], brought
