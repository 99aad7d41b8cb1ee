"""Bank formats as they are listed: directions, charset, unit, control figures, statuses."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from ledger.files.bank_formats.shelf import templates
from ledger.files.bank_formats.template import (
    FixedIn,
    FixedOut,
    In,
    Out,
    Template,
    Total,
    Writing,
    XmlIn,
)

WORDS = ("settled", "accepted", "failed", "pending", "returned")


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of file of a format: `out`, `return` or `statement`.

    `measure` is what the widths of a fixed one count. `totals` are control figures that are written
    or held against the lines. `statuses` are the bank's words (shell patterns) by what they mean.
    """

    direction: str
    shape: str
    charset: str | None = None
    unit: str | None = None
    measure: str | None = None
    lists: str | None = None
    totals: Sequence[str] = ()
    statuses: dict[str, Sequence[str]] = {}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A fact about the payer that has to be given when the file is written."""

    word: str
    zh: str
    en: str
    length_max: int


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """A format with all its files, what it asks of the payer, and what to ask the bank."""

    name: str
    zh: str
    en: str
    rows_max: int | None
    ways: Sequence[Way]
    asks: Sequence[Asked]
    confirm: Sequence[str]


def bank_formats() -> list[Format]:
    """Return every format that comes with the program, in the order of names."""
    return [_format(each) for each in templates().values()]


def _format(template: Template) -> Format:
    return Format(
        name=template.name,
        zh=template.zh,
        en=template.en,
        rows_max=template.rows_max or None,
        ways=list(_ways(template)),
        asks=[
            Asked(word=each.word, zh=each.zh, en=each.en, length_max=each.length_max)
            for each in (template.out.asks if template.out else ())
        ],
        confirm=template.confirm,
    )


def _ways(template: Template) -> Iterator[Way]:
    if template.out is not None:
        yield _out(template.out)
    for each in template.returns:
        yield _return(each)
    if template.statement is not None:
        charset = getattr(template.statement, "charset", None)
        yield Way(direction="statement", shape=_shape(template.statement), charset=charset)


def _out(out: Out) -> Way:
    return Way(
        direction="out",
        shape=_shape(out),
        charset=out.charset,
        unit=out.amount.value,
        measure=out.measure.value if isinstance(out, FixedOut) else None,
        lists="all",
        totals=[each for each in ("count", "total") if f"{{{each}}}" in _frame(out)],
    )


def _return(layout: In) -> Way:
    if isinstance(layout, XmlIn):
        totals = [each.value for each in layout.totals]
    else:
        figures = [each for row in (*layout.head, layout.total_line) for each in row]
        totals = [each.value for each in figures if each is not Total.ANYTHING]
    status = layout.status
    said = {} if status is None else {word: getattr(status, word) for word in WORDS}
    return Way(
        direction="return",
        shape=_shape(layout),
        charset=layout.charset,
        unit=layout.amount.value,
        measure=layout.measure.value if isinstance(layout, FixedIn) else None,
        lists=layout.lists.value,
        totals=totals,
        statuses={word: patterns for word, patterns in said.items() if patterns},
    )


def _shape(part: Any) -> str:
    return str(part.__struct_config__.tag)


def _frame(out: Writing) -> str:
    """Return what stands around the payments: there control figures are written."""
    around = (getattr(out, name, ()) for name in ("head", "tail"))
    return "".join((*(text for texts in around for text in texts), getattr(out, "document", "")))
