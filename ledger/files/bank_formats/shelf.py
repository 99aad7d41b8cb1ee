"""The templates that come with the program, loaded and checked once."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec

from ledger.files.bank_formats.template import Template
from ledger.files.bank_formats.writing import require_known_words

SUFFIX = ".toml"


@cache
def templates() -> Mapping[str, Template]:
    """Return every template by its name, in the order of names.

    A template that is wrong is a bug of ours, and stops the program: nobody pays by a half of one.
    """
    folder = files("ledger.files.bank_formats") / "templates"
    found = [
        load(each.read_text(encoding="utf-8"))
        for each in sorted(folder.iterdir(), key=lambda each: each.name)
        if each.name.endswith(SUFFIX)
    ]
    return {template.name: template for template in found}


def load(text: str) -> Template:
    """Read a template strictly.

    Raises:
        RuntimeError: It says something that no template can say.
    """
    try:
        template = msgspec.convert(tomllib.loads(text), Template)
        require_known_words(template)
        for layout in template.returns:
            re.compile(layout.looks)
            re.compile(layout.reference)
    except (ValueError, re.error, msgspec.ValidationError) as wrong:
        raise RuntimeError(f"bank format template: {wrong}") from None
    return template
