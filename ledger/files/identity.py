"""ID numbers, cards and phones: what can be checked without asking anyone."""

import re
from datetime import date
from operator import mul

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_ZEROS = ord("0") * sum(_WEIGHTS)
_PROVINCES = frozenset(
    f"{region}{province}"
    for region, count in (("1", 5), ("2", 3), ("3", 7), ("4", 6), ("5", 4), ("6", 5), ("8", 3))
    for province in range(1, count + 1)
) | {"50", "71"}
"""First two digits: 11-15, 21-23, 31-37, 41-46, 50-54, 61-65, 71, and 81-83 for residents of
Hong Kong, Macao and Taiwan."""

_ID = re.compile(r"[0-9]{17}[0-9X]")
_PHONE = re.compile(r"1[3-9][0-9]{9}|0[0-9]{2,3}[0-9]{7,8}")
EARLIEST_BIRTH = date(1900, 1, 1)


def id_fault(number: str, on: date | None = None) -> str | None:
    """Return `id.invalid` for what cannot be an ID number, else None.

    Checked are form, province, a real date of birth not after `on`, and the check digit. The county
    is not: numbers were issued under codes of later years, and lists of codes in force at birth
    refuse about half of all middle-aged people. Residence permits (81, 82, 83) follow the same
    form; a foreigner's permanent residence card (from 9 on) has the check digit alone.

    Source: GB 11643-1999.
    """
    if not _ID.fullmatch(number) or not _check_digit_holds(number):
        return "id.invalid"
    if number[0] == "9":
        return None
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return "id.invalid"
    plausible = born >= EARLIEST_BIRTH and (on is None or born <= on)
    return None if plausible and number[:2] in _PROVINCES else "id.invalid"


def has_reached(number: str, on: date, *, men_years: int | None, women_years: int | None) -> bool:
    """Say whether somebody was of an age on a day, by their ID number; it differs for women.

    An age that is None is never reached, nor is any by a card that says no day of birth.

    Args:
        number: An ID number without fault.
        on: The day.
        men_years: The age in years for whom the 17th digit is odd.
        women_years: And for whom it is even.

    Source: GB 11643-1999.
    """
    years = men_years if int(number[16]) % 2 else women_years
    if years is None or number[0] == "9":
        return False
    birthday = int(number[10:14])
    had = on.year - int(number[6:10]) - (on.month * 100 + on.day < birthday)
    return had >= years


def card_passes_luhn(number: str) -> bool:
    """Say whether a card number has a right check digit; accounts need not, so this only warns."""
    digits = [int(digit) for digit in reversed(number) if digit.isdecimal()]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return bool(digits) and (sum(digits[::2]) + doubled) % 10 == 0


def phone_plausible(number: str) -> bool:
    """Say whether it looks like a mobile or landline number; this only warns."""
    return _PHONE.fullmatch(number) is not None


def _check_digit_holds(number: str) -> bool:
    # Of characters, not digits: each is as much too large as a zero is.
    total = sum(map(mul, number[:17].encode(), _WEIGHTS)) - _ZEROS
    return _CHECKS[total % 11] == number[17]
