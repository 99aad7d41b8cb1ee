"""Objections as tests have them upheld: against rows of a list that hangs."""

from collections.abc import Callable
from uuid import UUID

from ledger.commands.notices import (
    Answering,
    Opening,
    Raising,
    answer_objection,
    open_notice,
    raise_objection,
)
from ledger.domain.notice import DayUnit, Notice, Period, notice_id
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Ledger

PERIOD = Period(5, DayUnit.NATURAL, None, 3, "公示办法 第三条", "stated")


def put_up(ledger: Ledger, act: CommandAct, batch: UUID) -> UUID:
    """Put the list of a batch up, unless it hangs; return the notice."""
    notice = notice_id(batch, 1)
    if ledger.load(Notice, notice) is None:
        open_notice(ledger, act, Opening(batch, PERIOD, "公告栏", "工会"))
    return notice


def uphold(
    ledger: Ledger, acts: Callable[[str], CommandAct], batch: UUID, number: int, union: str = "X01"
) -> Answer:
    """Have an objection against a row upheld.

    Args:
        ledger: The ledger.
        acts: Makes an act of an officer by their staff number; of nobody by an empty one.
        batch: Whose list it is.
        number: The row.
        union: Whose handler puts it up, and whose reviewer answers.
    """
    notice = put_up(ledger, acts(f"H-{union}"), batch)
    raised = raise_objection(ledger, acts(""), Raising(notice, number, "不符合条件"))
    order = Answering(notice, raised.result["number"], upheld=True, reason="属实")
    return answer_objection(ledger, acts(f"R-{union}"), order)
