"""Payments as they are shown: with their payee masked, restricted or erased."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from api.v1 import models
from ledger.commands.searching import ERASED, masked_payee
from ledger.domain.disbursement import Disbursement as Root
from ledger.store.application import Ledger
from projections.disbursements import Disbursement

UNKNOWN = models.Payee(state=ERASED)


def payment_of(ledger: Ledger, found: Disbursement) -> models.Disbursement:
    """Return a payment with what may be shown of whom it is for."""
    return payments_of(ledger, (found,))[0]


def payments_of(ledger: Ledger, found: Sequence[Disbursement]) -> list[models.Disbursement]:
    """Return payments with what may be shown of whom each is for."""
    payees = payees_of(ledger, (each.disbursement_id for each in found))
    return [
        models.Disbursement(
            payee=payees[each.disbursement_id],
            **{name: getattr(each, name) for name in Disbursement.__slots__},
        )
        for each in found
    ]


def payees_of(ledger: Ledger, ids: Iterable[UUID]) -> dict[UUID, models.Payee]:
    """Return what may be shown of whom each payment is for.

    All are looked up at once: where many write, each look waits for who decides just then.
    """
    wanted = list(dict.fromkeys(ids))
    payments = ledger.glance_all(Root, wanted)
    return {id_: _payee(ledger, payments.get(id_)) for id_ in wanted}


def _payee(ledger: Ledger, payment: Root | None) -> models.Payee:
    if payment is None:
        return UNKNOWN
    state, shown = masked_payee(ledger, payment.person_id, payment.payee)
    return models.Payee(state=state, **shown)
