"""What browsers are told on every answer, and pages that do with it."""

from html.parser import HTMLParser

import pytest
from starlette.testclient import TestClient

from api.edge.security_headers import FOR_DATA, FOR_PAGES, FOR_WORKERS, HEADERS
from api.web.assets import WORKER, assets
from tests.api.service import HOST, Service

SAID = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.mark.parametrize("name", ["evil.example", "localhost.evil.example", "", "127.0.0.2"])
def test_a_name_that_is_not_ours_is_refused_with_a_code(service: Service, name: str) -> None:
    answer = TestClient(service.app, HOST).get("/livez", headers={"host": name})

    assert answer.status_code == 421
    assert answer.json()["code"] == "deployment.host_unknown"
    assert "evil" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def directives(policy: str) -> dict[str, list[str]]:
    parts = [each.split() for each in policy.split(";") if each.strip()]
    assert len({name for name, *_ in parts}) == len(parts)
    return {name: sources for name, *sources in parts}


@pytest.mark.parametrize("policy", [FOR_DATA, FOR_PAGES, FOR_WORKERS])
def test_the_policies_begin_with_nothing_and_let_in_our_own_alone(policy: str) -> None:
    found = directives(policy)

    assert found["default-src"] == ["'none'"]
    assert found["frame-ancestors"] == ["'none'"]
    assert found["base-uri"] == ["'none'"]
    # Pico's marks of form fields are pictures within its style sheet.
    assert found.pop("img-src", ["'self'", "data:"]) == ["'self'", "data:"]
    assert {source for sources in found.values() for source in sources} <= {"'none'", "'self'"}
    assert "form-action" in found  # it does not fall back to default-src


@pytest.mark.parametrize(
    ("path", "status", "policy"),
    [
        ("/sign-in", 200, FOR_PAGES),
        ("/assets/none/site.css", 404, FOR_DATA),
        (assets().address("site.js"), 200, FOR_DATA),
        (assets().address(WORKER), 200, FOR_WORKERS),
        ("/livez", 200, FOR_DATA),
        ("/openapi.json", 200, FOR_DATA),
        ("/v1/session", 401, FOR_DATA),
        ("/v1/nowhere", 404, FOR_DATA),
        ("/<script>", 404, FOR_DATA),
    ],
)
def test_every_answer_has_them(service: Service, path: str, status: int, policy: str) -> None:
    answer = service.browser().get(path)

    assert answer.status_code == status
    assert answer.headers["content-security-policy"] == policy
    assert {name: answer.headers[name] for name in SAID} == SAID
    assert {each.lower() for each in HEADERS} <= set(answer.headers)
    assert "strict-transport-security" not in answer.headers


def test_answers_to_officers_are_kept_nowhere(service: Service) -> None:
    answer = service.browser("H-X01").get("/v1/session")

    assert answer.headers["cache-control"] == "no-store"


def test_another_method_another_name_and_a_bug_are_answered_with_them_too(
    service: Service,
) -> None:
    put = service.browser().put("/livez")
    named = service.browser().get("/livez", headers={"host": "evil.example"})
    service.served.door.close()
    harmed = TestClient(service.app, HOST, raise_server_exceptions=False)
    harmed.cookies.set("nuanzhang_session", "x")
    bug = harmed.get("/v1/session")

    assert [each.status_code for each in (put, named, bug)] == [405, 421, 500]
    for each in (put, named, bug):
        assert each.headers["content-security-policy"] == FOR_DATA
        assert each.headers["x-request-id"]
    assert bug.json()["code"] == "server.failed"
    assert "sqlite" not in bug.text.lower()


def test_browsers_come_back_by_tls_where_there_is_tls(service: Service) -> None:
    answer = service.browser().get("https://127.0.0.1/livez")

    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(service: Service) -> None:
    door, now_s = service.served.door, service.clock.now_s
    who = service.get("H-X01", "/v1/session")
    code = door.invite(who["officer_id"], "H-X01", None, now_s)

    answer = service.browser().post(
        "https://127.0.0.1/v1/session/invitation",
        json={"code": code, "password": "correct horse battery"},
        headers={"origin": "https://127.0.0.1"},
    )

    assert answer.status_code == 200, answer.text
    set_cookies = [each.lower() for each in answer.headers.get_list("set-cookie")]
    assert len(set_cookies) == 2
    for each in set_cookies:
        assert {"httponly", "secure", "samesite=strict"} <= set(each.replace(" ", "").split(";"))


class Parts(HTMLParser):
    """Collects what a strict policy would not run or show."""

    def __init__(self) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.led_to: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("style", "base", "iframe", "object", "embed"):
            self.inline.append(tag)
        if tag == "script" and not dict(attrs).get("src"):
            self.inline.append(tag)
        for name, value in attrs:
            if name == "style" or name.startswith("on"):
                self.inline.append(f"{tag} {name}")
            if name in ("href", "src", "action"):
                self.led_to.append(value or "")


@pytest.mark.parametrize("path", ["/sign-in", "/invitation", "/nowhere"])
def test_pages_need_nothing_that_their_policy_forbids(service: Service, path: str) -> None:
    shown = service.browser().get(path, headers={"accept": "text/html"})
    page = Parts()
    page.feed(shown.text)
    page.close()

    assert shown.headers["content-security-policy"] == FOR_PAGES
    assert page.inline == []
    assert len(page.led_to) > 5
    assert all(each[0] in "/#" and not each.startswith("//") for each in page.led_to)
