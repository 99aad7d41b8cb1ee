"""Adding a passkey and signing in with it over the routes, as a page does."""

from typing import Any

from tests.access.authenticator import ES256, Authenticator, Page
from tests.api.service import Service

OURS = Page("http://localhost:8017", "localhost")
WHO, OTHER = "H-X01", "R-X01"
REFUSED = (401, "access.passkey_refused")


def to_add(service: Service, staff: str = WHO) -> Any:
    return service.done(staff, "/v1/passkeys/options")


def to_sign_in(service: Service) -> Any:
    return service.done("", "/v1/session/passkey/options")


def add(service: Service, credential: Any, staff: str = WHO) -> Any:
    return service.post(staff, "/v1/passkeys", {"label": "办公室", "credential": credential})


def sign_in(service: Service, credential: Any) -> Any:
    # A browser of its own, so that nobody is signed in before.
    service.browsers.pop("", None)
    return service.post("", "/v1/session/passkey", {"credential": credential})


def added(service: Service, staff: str = WHO, algorithm: int = ES256) -> Authenticator:
    made = Authenticator(algorithm)
    answer = add(service, made.create(to_add(service, staff), OURS), staff)
    assert answer.status_code == 204, answer.text
    return made
