"""Canonical JSON (RFC 8785): one value, one sequence of bytes."""

import json
import math
import re
from base64 import b64encode
from typing import Any

from ledger.errors import Kind, LedgerError

Json = Any
"""What JSON can say: objects with text keys, lists, text, numbers, booleans, null."""

INTEGER_MAX = 2**53 - 1


class NotCanonical(LedgerError):
    """The bytes are no canonical JSON, or the value has no canonical form."""

    code = "evidence.not_canonical"
    kind = Kind.BROKEN

    def __init__(self, cause: str) -> None:
        super().__init__(f"not canonical JSON: {cause}")


def canonical_json(value: Json) -> bytes:
    """Write a value in its one canonical form.

    Raises:
        NotCanonical: NaN, an infinity, an integer beyond 2^53 - 1, a lone surrogate, a key that is
            not text, or something that JSON cannot say.

    Source: RFC 8785, section 3.2.
    """
    try:
        return _write(value).encode()
    except UnicodeEncodeError:
        raise NotCanonical("lone surrogate") from None
    except RecursionError:
        raise NotCanonical("nested too deep") from None


def base64_text(raw: bytes) -> str:
    """Write bytes as they stand in JSON and in notes: standard base64 with padding.

    Source: RFC 4648, section 4.
    """
    return b64encode(raw).decode()


def parse_canonical(data: bytes) -> Json:
    """Read bytes that must be their own canonical form and hold no floats.

    Raises:
        NotCanonical: Anything else: a duplicate key, an escape that was not needed, white space,
            another order of members, a float, bytes that are not UTF-8.

    Source: RFC 8785; events hold whole numbers only (FORMAT.md).
    """
    try:
        text = data.decode()
        value, _ = _decoder(data).raw_decode(text)
        again = _rewritten(value, text)
    except UnicodeDecodeError:
        raise NotCanonical("not UTF-8") from None
    except json.JSONDecodeError:
        raise NotCanonical("not JSON") from None
    except RecursionError:
        raise NotCanonical("nested too deep") from None
    if again != text:
        # So is found what follows the value, and a key that stands twice: one of its members only
        # is left to be written again.
        raise NotCanonical("another way of writing a value: escapes, spaces, order or a key twice")
    return value


def _rewritten(value: Json, text: str) -> str:
    """Write a value just read from `text` again: in C where that is sure to be canonical too.

    What the decoder lets through has text keys and whole numbers within bounds only, so the two
    ways can differ in the order of keys alone: by code point here, by UTF-16 code unit in the RFC.
    The orders agree unless a key has a character beyond U+FFFF. Where that character comes from an
    escape the texts differ in any order, since no canonical text escapes it.
    """
    if text.isascii() or not _BEYOND_BMP.search(text):
        return _ENCODER.encode(value)
    return _write(value)


def _refuse_number(_: str) -> Json:
    # The digits are not shown: they may be somebody's card.
    raise NotCanonical("a number that is not whole, or not finite")


def _whole(text: str) -> int:
    # Longer digits are refused before they are read: reading a million digits takes a while.
    if len(text) > len(str(-INTEGER_MAX)) or abs(number := int(text)) > INTEGER_MAX:
        raise NotCanonical("integer beyond 2^53 - 1")
    return number


def _decoder(data: bytes) -> json.JSONDecoder:
    """Choose the decoder that looks at every integer only where one may be too large.

    A call for every integer is an eighth of the cost of reading an event, so first all digits are
    made alike: 2^53 has sixteen of them, and so many in a row are rare, in identifiers too.
    """
    return _WARY if _SIXTEEN_DIGITS in data.translate(_DIGITS_ALIKE) else _FAST


_SIXTEEN_DIGITS = b"0" * 16
_DIGITS_ALIKE = bytes.maketrans(b"123456789", b"000000000")
_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")
_FAST = json.JSONDecoder(parse_float=_refuse_number, parse_constant=_refuse_number)
_WARY = json.JSONDecoder(
    parse_float=_refuse_number, parse_constant=_refuse_number, parse_int=_whole
)
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)
_text = json.encoder.encode_basestring


def _write(value: Json) -> str:
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        if abs(value) > INTEGER_MAX:
            raise NotCanonical("integer beyond 2^53 - 1")
        return str(int(value))
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_text(k)}:{_write(value[k])}" for k in _ordered(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_write, value)) + "]"
    raise NotCanonical(f"a {type(value).__name__} is nothing that JSON can say")


def _ordered(members: dict[str, Json]) -> list[str]:
    """Order keys by UTF-16 code units: for ASCII that is the order of the characters."""
    keys = list(members)
    if not all(isinstance(key, str) for key in keys):
        raise NotCanonical("a key that is not text")
    if all(map(str.isascii, keys)):
        return sorted(keys)
    return sorted(keys, key=lambda key: key.encode("utf-16-be", "surrogatepass"))


def _float(value: float) -> str:
    """Write a number as ECMAScript does: the shortest digits, an exponent only far from one."""
    if not math.isfinite(value):
        raise NotCanonical("a number that is not finite")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    point = len(whole) + int(exponent or 0)
    digits = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(digits)
    digits = digits.rstrip("0")
    return sign + _placed(digits, point)


def _placed(digits: str, point: int) -> str:
    """Place the decimal point, by the cases of ECMAScript's Number::toString."""
    count = len(digits)
    if count <= point <= 21:  # noqa: PLR2004 - the bounds are ECMAScript's
        return digits + "0" * (point - count)
    if 0 < point <= 21:  # noqa: PLR2004
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:  # noqa: PLR2004
        return "0." + "0" * -point + digits
    exponent = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return digits[0] + ("." + digits[1:] if count > 1 else "") + exponent
