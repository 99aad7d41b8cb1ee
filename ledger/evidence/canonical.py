"""Canonical JSON (RFC 8785): one value, one sequence of bytes."""

import json
import math
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


def parse_canonical(data: bytes) -> Json:
    """Read bytes that must be their own canonical form and hold no floats.

    Raises:
        NotCanonical: Anything else: a duplicate key, an escape that was not needed, white space,
            another order of members, a float, bytes that are not UTF-8.

    Source: RFC 8785; events hold whole numbers only (FORMAT.md).
    """
    try:
        text = data.decode()
        value = _DECODER.decode(text)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as cause:
        raise NotCanonical(type(cause).__name__) from None
    if canonical_json(value) != data:
        raise NotCanonical("the bytes are another way of writing the same value")
    return value


def _refuse_number(text: str) -> Json:
    raise NotCanonical(f"number {text[:20]}")


def _whole(text: str) -> int:
    # Longer digits are refused before they are read: reading a million digits takes a while.
    if len(text) > len(str(-INTEGER_MAX)):
        _refuse_number(text)
    return int(text)


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotCanonical("duplicate key")
    return members


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_float=_refuse_number,
    parse_int=_whole,
    parse_constant=_refuse_number,
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
