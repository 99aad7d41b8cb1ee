"""XML of banks: parsed with entities and document types forbidden, asked by paths."""

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from ledger.files.faults import refuse

_DECLARED = re.compile(r"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
DECLARED = "declared"
_HEAD_BYTES = 200
_CHINESE = ("gb2312", "gbk", "gb18030", "cp936")


def parse(name: str, data: bytes, charset: str) -> Element:
    """Return the root element.

    The parser of the standard library knows no GB18030, so the text is decoded first, and a
    declaration that names another charset is taken for what it is: another file. Without one, XML
    is UTF-8 by its standard.

    Raises:
        FileRefused: `file.not_text`, `file.xml_forbidden`, `bank_file.other_format`,
            `bank_file.line_invalid`, `bank_file.truncated`.
    """
    if charset == DECLARED:
        found = _DECLARED.search(data[:_HEAD_BYTES].decode("ascii", "replace"))
        charset = "gb18030" if found and found[1].lower() in _CHINESE else "utf-8"
    try:
        text = data.decode(charset).lstrip("\ufeff")
    except UnicodeDecodeError:
        raise refuse(name, "file.not_text") from None
    text = text.lstrip()
    declared = "utf-8"
    if text.startswith("<?xml"):
        declaration, closed, text = text.partition("?>")
        if not closed:
            raise refuse(name, "bank_file.line_invalid", row=1)
        found = _DECLARED.match(declaration)
        declared = found[1].lower() if found else "utf-8"
    elif not _same_family("utf-8", charset):
        raise refuse(name, "bank_file.line_invalid", row=1)
    if not _same_family(declared, charset):
        raise refuse(name, "bank_file.other_format", row=1)
    try:
        root: Element = fromstring(text, forbid_dtd=True)
    except DefusedXmlException:
        raise refuse(name, "file.xml_forbidden") from None
    except (ParseError, ValueError):
        raise refuse(name, "bank_file.truncated") from None
    return root


def without_namespace(name: str, root: Element, namespace: str, tag: str) -> Element:
    """Check what the document is, and drop its namespace from all tags of it.

    Args:
        name: What messages call the file.
        root: The root element; its tags are changed.
        namespace: What its namespace begins with, whatever the version; empty for none.
        tag: What the root is called.

    Raises:
        FileRefused: `bank_file.other_format`.
    """
    own, closed, local = root.tag.rpartition("}")
    if local != tag or not own.removeprefix("{").startswith(namespace):
        raise refuse(name, "bank_file.other_format")
    if closed:
        prefix = f"{own}}}"
        for element in root.iter():
            if isinstance(element.tag, str):
                element.tag = element.tag.removeprefix(prefix)
    return root


def first(here: Element, paths: Sequence[str], root: Element | None = None) -> str | None:
    """Return the text at the first of these places that has any."""
    for path in paths:
        text = _at(here, path, root)
        if text:
            return text
    return None


def _at(here: Element, path: str, root: Element | None) -> str | None:
    if path.startswith("/"):
        if root is None:
            raise AssertionError(f"no root to take {path} from")
        here, path = root, path[1:]
    way, _, attribute = path.partition("@")
    way = way.rstrip("/")
    found = here.find(way) if way else here
    if found is None:
        return None
    text = found.get(attribute) if attribute else found.text
    return text.strip() if text else None


def _same_family(declared: str, charset: str) -> bool:
    if declared in _CHINESE:
        return charset in _CHINESE
    return declared.replace("-", "").replace("_", "") == charset.replace("-", "").removesuffix(
        "sig"
    )
