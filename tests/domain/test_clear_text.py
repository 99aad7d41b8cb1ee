"""What must not stand in clear is known, however it is typed; what is harmless passes."""

import pytest

from ledger.domain.clear_text import holds_personal_data


@pytest.mark.parametrize(
    "text",
    [
        "核对 340101199001011234",
        "电话13812345678。",
        "138 1234 5678",
        "138-1234-5678",
        "+86 138 1234 5678",
        "１３８１２３４５６７８",
        "138－1234－5678",
        "138\u30001234\u30005678",
        "卡 6222 0212 3456 7890 123",
        "6222-0212-3456-7890",
        "６２２２０２１２３４５６７８９０１２３",
        "340101 19900101 123X",
        "340101 1990-01-01 1234",
        "340 101 1990 0101 123x",
    ],
)
def test_numbers_of_people_are_known_in_one_and_in_groups(text: str) -> None:
    assert holds_personal_data(text)


@pytest.mark.parametrize(
    "text",
    [
        "2017-01-20 2017-02-05",
        "2026-01-20 10:30:15",
        "2023 2024 2025 2026",
        "80000 120000 150000",
        "（2017）皖01行终1号",
        "0551-62999999",
        "救助 1200 人 960000 元",
        "7f1d0f0e-3c5c-5d0b-9a55-6e75616e7a68",
        "12345678-1234-5234-8234-123456789012",
        "f1380000-1234-5234-8234-1234567890ab",
    ],
)
def test_days_figures_documents_and_ids_pass(text: str) -> None:
    assert not holds_personal_data(text)
