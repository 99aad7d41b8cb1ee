"""What a template may say: one bank format as data, checked strictly when it is loaded."""

from enum import StrEnum
from typing import Literal

import msgspec

from ledger.files.bank import Lists

Words = tuple[str, ...]
Paths = tuple[str, ...]
"""Where something stands in XML; the first place that holds text counts.

`A/B` goes down from where one is, `/A/B` from the root, `A/@b` ends in an attribute.
"""


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A piece of a template: a word that it does not know is refused, not passed over."""


class Unit(StrEnum):
    """What an amount is written in: yuan with two decimals, whole fen, or three decimals."""

    YUAN = "yuan"
    FEN = "fen"
    THREE_DECIMALS = "three_decimals"


class Measure(StrEnum):
    """What the width of a field counts. A Chinese character is one of one, and two of the other."""

    CHARACTERS = "characters"
    BYTES = "bytes"


class Field(StrEnum):
    """What a cell of a return file is.

    `reference` is the batch's code and the row's number as they went out; `status` may be spread
    over several cells, which are then joined by `/`.
    """

    BATCH = "batch"
    REFERENCE = "reference"
    NUMBER = "number"
    ACCOUNT = "account"
    NAME = "name"
    AMOUNT = "amount"
    STATUS = "status"
    CODE = "code"
    MESSAGE = "message"


class Total(StrEnum):
    """What a control figure adds up."""

    ANYTHING = ""
    COUNT = "count"
    TOTAL = "total"
    SETTLED_COUNT = "settled_count"
    SETTLED_TOTAL = "settled_total"
    FAILED_COUNT = "failed_count"
    FAILED_TOTAL = "failed_total"


class Ask(Part, frozen=True, kw_only=True):
    """A fact about the payer that the bank wants in its file, and that the officer is asked for."""

    word: str
    zh: str
    en: str
    length_max: int = 64


# What goes out. Texts may hold words in braces, such as {account} or {number:06}.


class OutColumn(Part, frozen=True, kw_only=True):
    title: str = ""
    value: str
    width: int = 0
    align: Literal["left", "right"] = "left"


class Writing(Part, frozen=True, kw_only=True):
    """`longest` says how much a bank takes of a field, measured as `measure` says."""

    filename: str
    charset: str = "utf-8"
    amount: Unit = Unit.YUAN
    measure: Measure = Measure.CHARACTERS
    longest: dict[str, int] = {}
    asks: tuple[Ask, ...] = ()


class DelimitedOut(Writing, tag_field="shape", tag="delimited", frozen=True, kw_only=True):
    separator: str = "|"
    closed: bool = False
    line_end: Literal["\n", "\r\n"] = "\n"
    head: Words = ()
    titles: bool = True
    columns: tuple[OutColumn, ...]
    tail: Words = ()


class FixedOut(Writing, tag_field="shape", tag="fixed", frozen=True, kw_only=True):
    line_end: Literal["\n", "\r\n"] = "\n"
    head: Words = ()
    columns: tuple[OutColumn, ...]
    tail: Words = ()


class WorkbookOut(Writing, tag_field="shape", tag="workbook", frozen=True, kw_only=True):
    sheet: str = "Sheet1"
    columns: tuple[OutColumn, ...]


class XmlOut(Writing, tag_field="shape", tag="xml", frozen=True, kw_only=True):
    """`document` holds {rows} once: there `row` stands for each payment."""

    document: str
    row: str


Out = DelimitedOut | FixedOut | WorkbookOut | XmlOut


# What comes back.


class InColumn(Part, frozen=True, kw_only=True):
    """A column, or the place of an element; without a `field` it must be there, and is not read.

    An optional one may be missing, or empty.
    """

    title: str = ""
    paths: Paths = ()
    field: Field | None = None
    width: int = 0
    optional: bool = False


class Status(Part, frozen=True, kw_only=True):
    """What the bank's word on a payment means: shell patterns, tried in this order.

    `accepted` is taken in or sent on, not paid; the template says whether that is final. What fits
    no pattern is `other`: refused as unreadable, or a failure if its reason is known, or it says
    at least that it failed, and else as open as what is `pending`.
    `of_code` takes the code for the status. What follows `ends_at` in a status is its message.
    """

    of_code: bool = False
    ends_at: str = ""
    returned: Words = ()
    settled: Words = ()
    accepted: Words = ()
    failed: Words = ()
    pending: Words = ()
    other: Literal["refuse", "reason"] = "refuse"


class Reading(Part, frozen=True, kw_only=True):
    """`looks` is a pattern by which a file of this kind is known, over its first characters.

    `reference` takes the batch's code and the row's number out of what went out; of a file that
    speaks of other business too, `skip_others` passes over what has no such reference.
    `all_settled`: to be listed is to be paid.
    """

    looks: str
    charset: str = "utf-8"
    lists: Lists = Lists.ALL
    amount: Unit = Unit.YUAN
    reference: str = r"(?P<batch>.+)-(?P<number>[0-9]{6})"
    skip_others: bool = False
    all_settled: bool = False
    columns: tuple[InColumn, ...] = ()
    status: Status | None = None


class GridIn(Reading, frozen=True, kw_only=True):
    """`head` are the lines above the titles: what each of their cells says, "" for anything.

    `more`: a line may have further cells at its end, which nobody reads.
    `total_word` begins the last line, which says what they add up to; `total_line` is of its cells.
    """

    head: tuple[tuple[Total, ...], ...] = ()
    titles: Literal["named", "exact", "none"] = "named"
    more: bool = False
    total_word: str = ""
    total_line: tuple[Total, ...] = ()
    total_needed: bool = False


class DelimitedIn(GridIn, tag_field="shape", tag="delimited", frozen=True, kw_only=True):
    separator: str = "|"
    closed: bool = False


class FixedIn(GridIn, tag_field="shape", tag="fixed", frozen=True, kw_only=True):
    measure: Measure = Measure.CHARACTERS


class TableIn(GridIn, tag_field="shape", tag="table", frozen=True, kw_only=True):
    """A table drawn with characters, as a printer would have had it."""


class WorkbookIn(GridIn, tag_field="shape", tag="workbook", frozen=True, kw_only=True):
    pass


class XmlIn(Reading, tag_field="shape", tag="xml", frozen=True, kw_only=True):
    """`inside` holds the rows; other elements than rows in it are refused where it is `only_rows`.

    `accepted` are the words by which the bank says that it took the batch; an answer that says
    that alone has no `row`. The charset `declared` is the one that the document names.
    """

    root: str
    namespace: str = ""
    ends_line: bool = False
    inside: str = ""
    row: str = ""
    only_rows: bool = False
    batch: Paths = ()
    accepted_at: Paths = ()
    accepted: Words = ()
    totals: dict[Total, Paths] = {}


In = DelimitedIn | FixedIn | TableIn | WorkbookIn | XmlIn


# What is said of an account.


class XmlBalances(Part, frozen=True, kw_only=True):
    """`before` are the kinds of `opening` that are dated on the day before the first covered."""

    row: str
    kind: Paths
    opening: Words
    closing: Words
    before: Words = ()
    amount: Paths
    sign: Paths
    day: Paths


class XmlEntries(Part, frozen=True, kw_only=True):
    """`parties` are the places of name and account of whoever is on the other side."""

    row: str
    status: Paths
    booked: Words
    booked_on: Paths
    value_on: Paths
    amount: Paths
    currency: Paths
    sign: Paths
    reference: Paths
    batch: Paths
    count: Paths
    detail: str
    end_to_end: Paths
    not_given: Words
    payee_name: Paths
    payee_account: Paths
    payer_name: Paths
    payer_account: Paths
    texts: Paths
    returned_at: Paths
    family: Paths
    returned_words: str


class XmlStatement(Part, tag_field="shape", tag="xml", frozen=True, kw_only=True):
    looks: str
    root: str
    namespace: str
    statement: str
    account: Paths
    currency: Paths
    number: Paths
    opened_on: Paths
    closed_on: Paths
    credit: str
    debit: str
    counted: dict[Literal["count", "total"], Paths]
    balances: XmlBalances
    entries: XmlEntries


class Mt940Statement(Part, tag_field="shape", tag="mt940", frozen=True, kw_only=True):
    """`markers` begin the parts of a structured field 86; `returned_types` are types of entry."""

    looks: str
    charset: str
    end_to_end: str
    payee_name: str
    payee_account: str
    returned_types: Words
    returned_words: str


class ColumnsStatement(Part, tag_field="shape", tag="columns", frozen=True, kw_only=True):
    """`titles` are what banks call a column; `above` what they write above the header."""

    titles: dict[str, Words]
    words: dict[str, str]
    required: Words
    above: dict[str, Words]
    returned_words: str
    debit_words: Words
    credit_words: Words


AccountStatementTemplate = XmlStatement | Mt940Statement | ColumnsStatement


class Template(Part, frozen=True, kw_only=True):
    """One bank format. `confirm` says what only the bank can tell, and is to be asked there.

    `accepted_is_final`: whether a bank that has taken a payment in has thereby paid it. `codes`
    are its own codes by what they mean; the usual ones of four digits are known to all.
    """

    name: str
    zh: str
    en: str
    rows_max: int = 0
    accepted_is_final: bool = False
    confirm: Words = ()
    codes: dict[str, Words] = {}
    out: Out | None = None
    returns: tuple[In, ...] = ()
    statement: AccountStatementTemplate | None = None
