"""Languages of the pages: Chinese, in which they are written, and English.

The catalogue is gettext's: the Chinese sentence is the key. `locales/en` holds the English of every
sentence, a file per page; `locales/zh/refusals.po` says each refusal's code in a clerk's words.

What is counted takes its form by the number, where a language has forms (ICU's plural, as far as it
is needed): `%(n)s {n, plural, one {row} other {rows}}`. Chinese has none, so its sentence stays the
key, and one sentence may count several things.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Annotated

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from fastapi import Cookie, Depends, Header

from api.web.formats import Counted, locale_of

LOCALES = Path(__file__).parent / "locales"
COOKIE = "nuanzhang_language"
COOKIE_TTL_S = 366 * 24 * 3600
REFUSAL = "refusal"
"""Context of the messages that are codes of refusals."""
PLURAL = re.compile(r"\{(\w+), plural,((?: \w+ \{[^{}]*\})+)\}")
FORM = re.compile(r"(\w+) \{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Language:
    """A language: what HTML calls it, whose habits dates and amounts follow, and its words."""

    code: str
    locale: str
    translations: Translations

    def say(self, message: str, **told: object) -> str:
        """Say a sentence; what is told in it stands in braces."""
        said = self.numbered(message, told)
        return said.format(**told) if told else said

    def numbered(self, message: str, told: Mapping[str, object]) -> str:
        """Return a sentence in the forms that its numbers take; they still have to be filled in."""
        said: str = self.translations.ugettext(message)
        if ", plural," not in said:
            return said
        return PLURAL.sub(lambda found: self._form(told[found[1]], found[2]), said)

    def refusal(self, code: str) -> str | None:
        """Return what a refusal means, in a clerk's words; None where its own text says it."""
        said = self.translations.upgettext(REFUSAL, code)
        return None if said == code else str(said)

    def _form(self, number: object, forms: str) -> str:
        known: dict[str, str] = dict(FORM.findall(forms))
        counted = number.number if isinstance(number, Counted) else number
        one = self._rule(counted) if isinstance(counted, int) else "other"
        return known.get(one, known["other"])

    def _rule(self, number: int) -> str:
        return str(locale_of(self.locale).plural_form(number))


def catalogue(code: str) -> Catalog:
    """Read all of a language's messages, whichever file they stand in."""
    whole = Catalog(locale=code)
    for path in sorted((LOCALES / code).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=code):
                if message.id:
                    whole[message.id] = message
    return whole


@cache
def languages() -> dict[str, Language]:
    return {
        "zh": Language("zh-CN", "zh_CN", _compiled("zh")),
        "en": Language("en", "en_GB", _compiled("en")),
    }


def language(
    nuanzhang_language: Annotated[str | None, Cookie()] = None,
    accept_language: Annotated[str, Header()] = "",
) -> Language:
    """Choose: what was chosen here before, else English for browsers that want no Chinese."""
    known = languages()
    if nuanzhang_language in known:
        return known[nuanzhang_language]
    wanted = accept_language.lower()
    return known["en"] if wanted.startswith("en") and "zh" not in wanted else known["zh"]


TheLanguage = Annotated[Language, Depends(language)]


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for "to be said later"
    """Mark a sentence that is said elsewhere, so that it is found for the catalogue."""
    return message


def _compiled(code: str) -> Translations:
    compiled = BytesIO()
    write_mo(compiled, catalogue(code))
    compiled.seek(0)
    return Translations(compiled)
