"""Payments as they are shown: with their payee masked, restricted or erased."""

from uuid import UUID

from api.v1 import models
from ledger.commands.searching import ERASED, masked_payee
from ledger.domain.disbursement import Disbursement as Root
from ledger.store.application import Ledger
from projections.disbursements import Disbursement


def payment_of(ledger: Ledger, found: Disbursement) -> models.Disbursement:
    """Return a payment with what may be shown of whom it is for."""
    fields = {name: getattr(found, name) for name in Disbursement.__slots__}
    return models.Disbursement(payee=payee_of(ledger, found.disbursement_id), **fields)


def payee_of(ledger: Ledger, disbursement_id: UUID) -> models.Payee:
    """Return what may be shown of whom a payment is for."""
    payment = ledger.load(Root, disbursement_id)
    state, shown = ERASED, dict[str, str]()
    if payment is not None:
        state, shown = masked_payee(ledger, payment.person_id, payment.payee)
    return models.Payee(state=state, **shown)
