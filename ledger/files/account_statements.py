"""Account statements (对账单) of any bank: read by the format's template into one form."""

from ledger.files.account_statement import AccountStatement
from ledger.files.bank_formats import statement_columns, statement_mt940, statement_xml
from ledger.files.bank_formats.shelf import templates
from ledger.files.bank_formats.template import (
    ColumnsStatement,
    Mt940Statement,
    XmlStatement,
)
from ledger.files.columns import Fields, Layout
from ledger.files.faults import refuse
from ledger.files.statement_days import NOT_STATED, StatedDays

BYTES_MAX = 100 * 1024 * 1024


def statement_formats() -> tuple[str, ...]:
    """Return the names of the formats in which an account's statement can be read."""
    return tuple(name for name, each in templates().items() if each.statement is not None)


def fields_of(bank_format: str) -> Fields | None:
    """Return what columns such a statement may have; None where the format has none to name."""
    template = templates().get(bank_format)
    wanted = template.statement if template else None
    return statement_columns.fields(wanted) if isinstance(wanted, ColumnsStatement) else None


def read_account_statement(
    bank_format: str,
    name: str,
    data: bytes,
    layout: Layout | None = None,
    stated: StatedDays = NOT_STATED,
) -> AccountStatement:
    """Read the statement of one account.

    Args:
        bank_format: One of `statement_formats`.
        name: What messages call the file.
        data: The file.
        layout: Of a list with columns, where its header stands and what each is taken for; else
            its titles say so.
        stated: Which days it covers by the word of whoever brings it.

    Raises:
        FileRefused: It cannot be read, is of another format, holds several statements, covers other
            days than are stated, or its figures disagree: opening plus all entries is closing.
    """
    template = templates().get(bank_format)
    if template is None or template.statement is None:
        raise refuse(name, "bank_file.format_unknown")
    if len(data) > BYTES_MAX:
        raise refuse(name, "file.too_large")
    match template.statement:
        case XmlStatement() as wanted:
            return statement_xml.read(bank_format, wanted, name, data, stated)
        case Mt940Statement() as wanted:
            return statement_mt940.read(bank_format, wanted, name, data, stated)
        case ColumnsStatement() as wanted:
            return statement_columns.read(bank_format, wanted, name, data, layout, stated)
