"""Every sentence goes through the catalogue, and is there in both languages."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from jinja2.lexer import Lexer

import api.web
from api.web.formats import count, locale_of
from api.web.language import FORM, LOCALES, PLURAL, REFUSAL, catalogue, languages
from api.web.screen import environment
from api.web.words import TERMS
from ledger.files.reasons import _CODES, _WORDS, OTHER
from projections.findings.aside import ASIDE, LISTS_WANTED
from projections.findings.catalogue import RULES_KNOWN
from projections.findings.versions import EARLIER
from tests.test_architecture import FLOORS, ROOT, every_refusal

WEB = Path(api.web.__file__).parent
HAN = re.compile("[\u3400-\u9fff\uff00-\uffef]")
OWN_NAMES = {"中文"}
METHODS = [("**.py", "python"), ("**.html", "jinja2")]
OPTIONS = {"**.html": {"trim_blocks": "true", "lstrip_blocks": "true"}}


# A number before what can only be many: "%(n)s rows", "{n} people". Years and units come as words.
MANY = re.compile(r"(?:%\((\w+)\)s|\{(\w+)\}) (?:more |first )?([a-z]*[^s\W]s|people|are|were)\b")
NO_COUNT = {"is", "was", "has", "as", "proves"}


def said() -> Iterator[tuple[str, str, int]]:
    for file, line, message, _, context in extract_from_dir(
        WEB,
        METHODS,
        OPTIONS,
        {**dict.fromkeys(("_", "gettext", "N_")), "ngettext": (1, 2)},
    ):
        assert context is None
        for each in message if isinstance(message, tuple) else (message,):
            if each:
                yield each, file, line
    for about in RULES_KNOWN.values():
        yield about.name, "catalogue.py", 0
        yield about.clause, "catalogue.py", 0
    for aside in ASIDE.values():
        yield aside.name, "aside.py", 0
        yield aside.reason, "aside.py", 0
    for earlier in EARLIER.values():
        for version in earlier:
            yield version.changed, "versions.py", 0
    for reason in LISTS_WANTED.values():
        yield reason, "aside.py", 0


def test_everything_said_is_there_in_english() -> None:
    there = {m.id[0] if isinstance(m.id, tuple) else m.id for m in catalogue("en") if m.string}
    missing = [
        f"{file}:{line}: {message}" for message, file, line in said() if message not in there
    ]
    assert missing == []


def test_the_catalogue_holds_nothing_that_is_not_said() -> None:
    spoken = {message for message, _, _ in said()}
    ids = {m.id[0] if isinstance(m.id, tuple) else m.id for m in catalogue("en") if m.id}
    assert sorted(ids - spoken) == []


def test_every_english_count_has_a_form_for_one() -> None:
    for message in catalogue("en"):
        text, key = str(message.string), str(message.id)
        for name, forms in PLURAL.findall(text):
            assert f"%({name})s" in key or f"{{{name}}}" in key, key
            assert {form for form, _ in FORM.findall(forms)} == set(
                locale_of("en_GB").plural_form.tags
            ) | {"other"}
        spoken = PLURAL.sub("", text)
        assert "plural," not in spoken, key
        alone = [what for *_, what in MANY.findall(spoken) if what not in NO_COUNT]
        assert not alone, f"{key}: {alone}"


def test_a_sentence_takes_the_form_of_each_number_in_it() -> None:
    english, chinese = languages()["en"], languages()["zh"]
    two = "%(given)s 个见证人已联署，要求 %(needed)s 个。"

    assert english.numbered(two, {"given": 1, "needed": count(2, "en_GB")}) == (
        "%(given)s witness cosigned it; %(needed)s are required."
    )
    assert english.say("{n} 个自然日", n=1) == "1 calendar day"
    assert english.say("{n} 个自然日", n=5) == "5 calendar days"
    assert english.say("{n} 人，{amount}", n=count(1_001, "en_GB"), amount="¥1.00") == (
        "1,001 people, ¥1.00"
    )
    assert chinese.say("{n} 人，{amount}", n=1, amount="¥1.00") == "1 人，¥1.00"
    page = environment(english).from_string(
        "{% trans rows=count(1) %}拒绝 {{ rows }} 行{% endtrans %}"
    )
    assert page.render() == "1 row refused"


def test_no_sentence_stands_in_two_files() -> None:
    places = Counter(
        (message.context, message.id)
        for path in sorted(LOCALES.glob("*/*.po"))
        for message in read_po(BytesIO(path.read_bytes()))
        if message.id
    )
    assert [said for said, times in places.items() if times > 1] == [], "the first would count"


def test_no_sentence_goes_past_the_catalogue() -> None:
    lexer = Lexer(environment(languages()["zh"]))
    for path in WEB.rglob("templates/**/*.html"):
        inside = False
        for line, token, text in lexer.tokeniter(path.read_text(encoding="utf-8"), path.name):
            if token == "name" and text in ("trans", "endtrans"):
                inside = text == "trans"
            if token == "data" and not inside:
                left = HAN.findall(re.sub("|".join(OWN_NAMES), "", text))
                assert not left, f"{path.name}:{line}: {text.strip()}"
    for path in (WEB / "assets").glob("*.js"):
        code = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
        assert not HAN.search(code), f"{path.name} speaks by itself"


def test_every_reason_of_a_bank_has_words() -> None:
    known = {each.code for each in (OTHER, *_CODES.values(), *(each for _, each in _WORDS))}
    assert sorted(known - TERMS["reason"].keys()) == []


def test_every_kind_of_file_that_is_handed_out_has_words() -> None:
    """Kinds stand where files are handed out, whole or with what the file is of."""
    sources = [p for floor in FLOORS for p in (ROOT / floor).rglob("*.py")]
    calls = [
        node
        for path in sources
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and re.search(r"(?:hand_over|HandOut)$", ast.unparse(node.func))
    ]
    kinds = {
        ast.unparse(word.value).strip("f'")
        for call in calls
        for word in call.keywords
        if word.arg == "kind" and isinstance(word.value, ast.Constant | ast.JoinedStr)
    }
    assert kinds >= {"bank_file", "signature_sheet", "annotated.{upload.kind}"}
    told = [*TERMS["disclosure"]]
    for kind in kinds:
        pattern = re.sub(r"\\\{.*\\\}", "[a-z]+", re.escape(kind))
        assert any(re.fullmatch(pattern, each) for each in told), kind


def test_every_refusal_is_told_in_a_clerks_words() -> None:
    told = {m.id: m.string for m in catalogue("zh") if m.context == REFUSAL}
    codes = {refusal.code for refusal in every_refusal()}
    assert sorted(codes - told.keys()) == []
    of_the_edge = {"request.invalid", "request.no_such_address", "request.refused", "server.failed"}
    assert sorted(told.keys() - codes - of_the_edge) == []
    for code, sentence in told.items():
        assert HAN.search(str(sentence)), code
