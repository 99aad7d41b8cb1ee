"""Forms as the orders that commands take, for those that come alone and in bulk."""

from api.v1 import forms
from ledger.commands.funds import FundReceipt
from ledger.files.archive import ArchiveRow


def receipt_of(form: forms.ReceiptForm) -> FundReceipt:
    """Return a form as the command's order."""
    return FundReceipt(
        form.organisation_code,
        form.earmark,
        form.source,
        form.document,
        form.vintage,
        form.amount_fen,
        form.carried_into,
        form.policy_code,
    )


def archive_row(form: forms.ArchiveFileForm, line: int = 1) -> ArchiveRow:
    """Return a file's form as a row of the archive."""
    return ArchiveRow(
        line=line,
        file_number=form.file_number,
        organisation_code=form.organisation_code,
        category=form.category,
        opened_on=form.opened_on,
        closed_on=form.closed_on,
        monthly_income_fen=form.monthly_income_fen,
        name=form.name,
        id_number=form.id_number,
        phone=form.phone,
        reason=form.reason,
        bank_name=form.bank_name,
        card_number=form.card_number,
    )
