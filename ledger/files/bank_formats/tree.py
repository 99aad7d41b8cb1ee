"""Return files in XML: rows inside, control figures and the bank's consent beside them."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from xml.etree.ElementTree import Element

from ledger.files.bank_formats.answers import Answer, Record, total_of
from ledger.files.bank_formats.elements import parse, without_namespace
from ledger.files.bank_formats.template import Field, InColumn, Paths, XmlIn
from ledger.files.faults import refuse
from ledger.files.text import require_line_end


def read(layout: XmlIn, name: str, data: bytes) -> Answer:
    """Take a document apart by its layout.

    Raises:
        FileRefused: It is cut off, is another document, or says that the bank did not take the
            batch (`bank_file.not_accepted`).
    """
    if layout.ends_line:
        require_line_end(name, data, "bank_file.truncated")
    root = parse(name, data, layout.charset)
    without_namespace(name, root, layout.namespace, layout.root)
    return _Reader(layout, name, root).read()


class _Reader:
    """One document."""

    def __init__(self, layout: XmlIn, name: str, root: Element) -> None:
        self._layout = layout
        self._name = name
        self._root = root

    def read(self) -> Answer:
        layout = self._layout
        if layout.accepted_at:
            word = self._text(self._root, layout.accepted_at) or ""
            if not any(fnmatchcase(word, pattern) for pattern in layout.accepted):
                raise refuse(self._name, "bank_file.not_accepted")
        records = [
            Record(at, self._cells(at, outer, row)) for at, (outer, row) in enumerate(self._rows, 1)
        ]
        totals = {
            word: total_of(self._name, word, self._needed(paths), layout.amount, None)
            for word, paths in layout.totals.items()
        }
        return Answer(
            records,
            totals,
            batch_code=self._needed(layout.batch) if layout.batch else None,
        )

    @property
    def _rows(self) -> list[tuple[Element, Element]]:
        layout = self._layout
        if not layout.row:
            return []
        if not layout.inside:
            return [(self._root, row) for row in self._root.findall(layout.row)]
        outers = self._root.findall(layout.inside)
        if layout.only_rows:
            if len(outers) != 1:
                raise refuse(self._name, "bank_file.line_invalid", column=layout.inside)
            for at, each in enumerate(outers[0], 1):
                if each.tag != layout.row:
                    raise refuse(self._name, "bank_file.line_invalid", row=at)
        return [(outer, row) for outer in outers for row in outer.findall(layout.row)]

    def _cells(self, at: int, outer: Element, row: Element) -> Mapping[Field, object]:
        found: dict[Field, object] = {}
        for column in self._layout.columns:
            text = self._column(outer, row, column)
            if text is None and not column.optional:
                title = column.paths[0]
                raise refuse(self._name, "bank_file.line_invalid", row=at, column=title)
            if column.field is Field.STATUS:
                before = f"{found[Field.STATUS]}/" if Field.STATUS in found else ""
                found[Field.STATUS] = before + (text or "")
            elif text is not None and column.field is not None:
                found[column.field] = text
        return found

    def _column(self, outer: Element, row: Element, column: InColumn) -> str | None:
        for path in column.paths:
            here = outer if path.startswith("../") else self._root if path[:1] == "/" else row
            text = self._text(here, (path.removeprefix("../").removeprefix("/"),))
            if text is not None:
                return text
        return None

    def _needed(self, paths: Paths) -> str:
        text = self._text(self._root, paths)
        if text is None:
            raise refuse(self._name, "bank_file.line_invalid", column=paths[0])
        return text

    def _text(self, here: Element, paths: Paths) -> str | None:
        """Return the text at the first place that has any; of two, no one can say which holds."""
        for path in paths:
            way, _, attribute = path.partition("/@")
            found = here.findall(way)
            if len(found) > 1 or (found and len(found[0])):
                raise refuse(self._name, "bank_file.line_invalid", column=path)
            text = (found[0].get(attribute) if attribute else found[0].text) if found else None
            if text and text.strip():
                return text.strip()
        return None
