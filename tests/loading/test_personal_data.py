"""After a whole campaign, no file, log line or message holds a name, number, phone or card."""

import binascii
import logging
import re
from base64 import b64decode, b64encode
from pathlib import Path

import pytest

from ledger.store.home import Home
from tests.api.test_privacy import personal_words
from tests.loading.test_loading import SCENARIO, load

BASE64_RUN = re.compile(rb"[A-Za-z0-9+/]{24,}={0,2}")
DIGIT_RUN = re.compile(rb"[0-9]{11,}X?")
# Shorter ones would be met by chance among the hashes and ciphertexts of a database.
CHANCE_BYTES = 6


# A card and who holds it, as the banks' text and XML files write them side by side.
CARD_AND_NAME = re.compile(r"(62[0-9]{14,17})(?:\||</ACCOUNT>\s*<NAME>)([^|<]+)")


def words_of_banks() -> set[str]:
    """Collect what only the banks' files say: a name as the bank has it, a card of another."""
    words: set[str] = set()
    for path in sorted((SCENARIO / "bank").iterdir()):
        raw = path.read_bytes()
        text = raw.decode("utf-8" if is_utf8(raw) else "gb18030")
        words.update(word.strip() for found in CARD_AND_NAME.findall(text) for word in found)
    return words


def is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def unwrapped(content: bytes) -> bytes:
    """Return the content, and what base64 in it hides: envelopes hide their payloads so."""
    found = [content]
    for run in BASE64_RUN.findall(content):
        text = run[: len(run) // 4 * 4]
        try:
            found.append(b64decode(text))
        except binascii.Error:
            continue
    return b"\n".join(found)


def words_in(content: bytes, words: set[str]) -> set[str]:
    """Return the words that stand in the content, however they are written."""
    whole = unwrapped(content)
    numbers = {word.encode() for word in words if word[0].isascii()}
    lengths = {len(number) for number in numbers}
    found: set[str] = set()
    for run in set(DIGIT_RUN.findall(whole.replace(b"\0", b""))):
        pieces = {run[at : at + n] for n in lengths for at in range(len(run) - n + 1)}
        found |= {piece.decode() for piece in pieces & numbers}
    for name in (word for word in words if not word[0].isascii()):
        for charset in ("utf-8", "gb18030", "utf-16-le", "unicode-escape"):
            spelled = name.encode(charset)
            if len(spelled) >= CHANCE_BYTES and spelled in whole:
                found.add(name)
    return found


def test_no_file_of_the_home_holds_personal_data(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    home = Home(tmp_path / "data")
    report, loaded = load(home, SCENARIO)
    words = personal_words() | words_of_banks()
    assert len(words) > 2000
    assert len(words_of_banks()) > 400
    files = {path: path.read_bytes() for path in home.path.rglob("*") if path.is_file()}
    assert {"events.sqlite", "read.sqlite", "vault.sqlite"} <= {path.name for path in files}

    told = capfd.readouterr()
    texts = [caplog.text, told.out, told.err, repr(loaded), str(report)]
    files[Path("messages")] = "\n".join(texts).encode()

    for path, content in files.items():
        found = words_in(content, words)
        assert not found, f"{path.name} holds {len(found)} personal words"


@pytest.mark.parametrize("word", ["340101197105057807", "17007033626", "诸葛孔明"])
@pytest.mark.parametrize("before", ["", "a", "ab"])
def test_the_search_would_find_what_it_looks_for(word: str, before: str) -> None:
    beside = f"{before}姓名 {word} 和别的一些字".encode()
    for content in (beside, b64encode(beside), b"\x00{" + b64encode(beside) + b'"}'):
        assert words_in(content, {word}) == {word}
