"""What a page weighs on its way: at most 60 KB with all that it loads, but for charts."""

import pytest
from playwright.sync_api import Response

from tests.web.browsing import Office
from tests.web.conftest import INSPECTOR

BYTES_MAX = 60_000


@pytest.mark.parametrize(
    "path", ["/sign-in", "/organisations", "/flow", "/batches", "/notices", "/ledger?limit=20"]
)
def test_a_page_is_light(office: Office, path: str) -> None:
    page = office.browser(INSPECTOR if path != "/sign-in" else "").new_page()
    loaded: list[Response] = []
    page.on("response", lambda answer: loaded.append(answer))  # noqa: PLW0108 - Playwright marks it
    page.goto(path, wait_until="networkidle")

    sizes = {each.url: each.request.sizes()["responseBodySize"] for each in loaded}
    assert len(sizes) > 5
    assert sum(sizes.values()) < BYTES_MAX, sizes
    assert all(each.headers.get("content-encoding") == "gzip" for each in loaded), sizes
