"""Fiscal years: opened with the surplus of earlier ones, and closed."""

from fastapi import APIRouter, Response

from api.acting import TheActing
from api.callers import CORRECT
from api.dependencies import TheLedger
from api.edge.one_thread import InOneThread
from api.problems import RESPONSES
from api.v1 import forms
from api.v1.written import Nothing, OpeningSurplus, Written, written
from ledger.commands.funds import close_fiscal_year, open_fiscal_year

router = APIRouter(
    route_class=InOneThread, prefix="/fiscal-years", tags=["fiscal years"], responses=RESPONSES
)


@router.post("", status_code=201, dependencies=[CORRECT])
def open_year(
    form: forms.FiscalYearForm, acting: TheActing, the_ledger: TheLedger, response: Response
) -> Written[OpeningSurplus]:
    """Bring forward what an account holds of earlier vintages as opening surplus.

    What of them is on its way to people counts too, once figures read it from the payments.
    """
    answer = open_fiscal_year(
        the_ledger,
        acting.act(form.happened_on),
        form.organisation_code,
        form.earmark,
        form.year,
        form.policy_code,
    )
    return written(the_ledger, response, answer, OpeningSurplus)


@router.post("/closings", status_code=201, dependencies=[CORRECT])
def close_year(
    form: forms.FiscalYearEndForm, acting: TheActing, the_ledger: TheLedger, response: Response
) -> Written[Nothing]:
    """Close a fiscal year: it takes no further opening surplus."""
    act = acting.act(form.happened_on)
    answer = close_fiscal_year(the_ledger, act, form.organisation_code, form.year)
    return written(the_ledger, response, answer, Nothing)
