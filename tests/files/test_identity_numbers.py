"""ID numbers are checked by what can be checked without asking anyone, and by no more."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.files.identity import card_passes_luhn, has_reached, id_fault, phone_plausible
from tests.files.samples import id_number

TODAY = date(2017, 1, 10)


@pytest.mark.parametrize(
    "first17",
    [
        "11010519491231002",
        "34010319700101001",  # a county code that was retired before many lists begin
        "34260119700101001",
        "50010119880101001",
        "71000019880101001",
        "81000019880101001",  # residence permits of Hong Kong, Macao and Taiwan people
        "82000019880101001",
        "83000019880101001",
        "91123419880101001",  # a foreigner's permanent residence card: the check digit alone
        "93121299999999001",
    ],
)
def test_a_number_that_can_be_is_accepted(first17: str) -> None:
    assert id_fault(id_number(first17), TODAY) is None


@pytest.mark.parametrize(
    "number",
    [
        "",
        "340101197803070",  # 15 digits: out of use since 2013
        id_number("34010119780307001")[:17],
        id_number("34010119780307001") + "1",
        "11010519491231002x",  # capitals are made when a file is read
        id_number("00010119780307001"),
        id_number("16010119780307001"),
        id_number("84010119780307001"),
        id_number("34010119780230001"),
        id_number("34010118991231001"),
        id_number("34010120170111001"),  # born tomorrow
        "A" * 18,
        "３４０１０１１９７８０３０７００１Ｘ",
    ],
)
def test_a_number_that_cannot_be_is_invalid(number: str) -> None:
    assert id_fault(number, TODAY) == "id.invalid"


def test_without_a_day_to_compare_the_future_is_not_judged() -> None:
    assert id_fault(id_number("34010120170111001")) is None


@given(
    st.dates(date(1900, 1, 1), TODAY), st.integers(0, 9999), st.integers(0, 999), st.integers(1, 9)
)
def test_one_wrong_digit_is_always_found(
    born: date, county: int, order: int, difference: int
) -> None:
    number = id_number(f"34{county:04d}{born:%Y%m%d}{order:03d}")
    wrong = number[:16] + str((int(number[16]) + difference) % 10) + number[17]

    assert id_fault(number, TODAY) is None
    assert id_fault(wrong, TODAY) == "id.invalid"


@given(st.text(max_size=20))
def test_any_text_is_judged_without_stumbling(text: str) -> None:
    assert id_fault(text, TODAY) in {None, "id.invalid"}
    assert card_passes_luhn(text) in {True, False}
    assert phone_plausible(text) in {True, False}


def test_cards_and_phones_only_warn() -> None:
    assert card_passes_luhn("6299900000000000") is False
    assert card_passes_luhn("4111111111111111") is True
    assert phone_plausible("13800000000")
    assert phone_plausible("055162600000")
    assert not phone_plausible("12351")


@pytest.mark.parametrize(
    ("number", "day", "reached"),
    [
        ("340101197003150011", date(2030, 3, 14), False),
        ("340101197003150011", date(2030, 3, 15), True),
        ("340101197003150029", date(2025, 3, 14), False),
        ("340101197003150029", date(2025, 3, 15), True),
        ("340101197202290011", date(2032, 2, 28), False),
        ("340101197202290011", date(2032, 2, 29), True),
        ("340101197202290029", date(2027, 3, 1), True),
        ("911124197003150011", date(2090, 1, 1), False),
    ],
)
def test_men_and_women_reach_an_age_on_their_birthday(
    number: str, day: date, *, reached: bool
) -> None:
    assert has_reached(number, day, men_years=60, women_years=55) is reached
    assert has_reached(number, day, men_years=None, women_years=None) is False
