"""Which column of an upload is taken for what: as asked for, remembered, or guessed."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.background.imports import Facts, Import, Imports
from api.web.samples import sample
from ledger.files.columns import LEFT_OUT, Fields, Layout, guess, letters


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file: what it is taken for, and what stands in it, masked."""

    letters: str
    title: str
    field: str | None
    samples: Sequence[str]


@dataclass(frozen=True, slots=True)
class Choices:
    """What is shown where columns are named. `heads` are rows that the header may be."""

    fields: Fields
    header: int
    heads: Sequence[int]
    remembered: bool
    columns: Sequence[Column]
    left_out: str = LEFT_OUT

    @property
    def unknown(self) -> list[str]:
        """The columns that have a title, and are taken for nothing."""
        return [each.letters for each in self.columns if each.title and each.field is None]


def column_choices(
    imports: Imports,
    upload: Import,
    fields: Fields,
    kept_for: str,
    *,
    line: int | None = None,
    asked: Layout | None = None,
) -> Choices:
    """Return what the columns of an upload are taken for.

    Args:
        imports: Where layouts are remembered.
        upload: The file.
        fields: What such a list may hold.
        kept_for: Whose files have the same titles again: an organisation's, a bank account's.
        line: The row that somebody takes for the header, or None.
        asked: What somebody chose just now, and was refused for.
    """
    facts = upload.facts
    guessed = guess([(at, list(cells)) for at, cells in facts.head if line in (None, at)], fields)
    if line is None:
        before = remembered_layout(imports, upload.kind, kept_for, facts)
        header = (before or guessed).line
    else:
        before, header = imports.remembered(upload.kind, kept_for, facts, line), line
    own = upload.layout if upload.layout is not None and upload.layout.line == header else None
    layout = asked or own or before or guessed
    titles = facts.titles(header)
    taken = [*layout.fields, *[None] * len(titles)][: max(len(titles), len(layout.fields))]
    return Choices(
        fields,
        header,
        [at for at, cells in facts.head if any(cells)],
        asked is None and own is None and before is not None,
        [
            Column(
                letters(at),
                titles[at] if at < len(titles) else "",
                each,
                [sample(text) for text in facts.samples(header, at)],
            )
            for at, each in enumerate(taken)
        ],
    )


def remembered_layout(imports: Imports, kind: str, kept_for: str, facts: Facts) -> Layout | None:
    """Return what the columns of such a file were taken for before, whichever row is its header."""
    for line, cells in facts.head:
        if any(cells):
            found = imports.remembered(kind, kept_for, facts, line)
            if found is not None:
                return found
    return None
