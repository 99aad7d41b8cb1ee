"""Sets pages in type: a template of ours, filled with data that stays data, becomes PDF/A."""

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

import pylopdf_fonts_zh_cn
import typst

PDF_STANDARD: Final = "a-2u"
"""PDF/A-2u: fonts are inside, text can be searched. Source: ISO 19005-2."""


def to_pdf(template: Path, said: object, dated: datetime) -> bytes:
    """Fill a Typst template and write it as PDF/A; the same data and date give the same bytes.

    What is said is handed over as data and never as markup, so no text can change the page. The
    template reads it with `json(bytes(sys.inputs.said))`; "Noto Sans SC" and "Noto Serif SC" are
    the fonts that there are.

    Args:
        template: File of ours that ends in `.typ`.
        said: What the template says: whatever JSON can hold.
        dated: The date that the document bears.
    """
    written = typst.compile(
        template.read_bytes(),
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"said": json.dumps(said, ensure_ascii=False)},
        pdf_standards=PDF_STANDARD,
        timestamp=dated.replace(microsecond=0),
        format="pdf",
    )
    assert isinstance(written, bytes)  # noqa: S101 - a document of one file
    return written


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(pylopdf_fonts_zh_cn.sans_path().parent)],
    )
