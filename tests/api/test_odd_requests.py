"""Attacks by what is sent: uploads that unfold, names that lead elsewhere, odd JSON."""

import io
import itertools
import json
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.edge.rate import RateLimit, Rates
from api.uploads import UPLOAD_BYTES_MAX
from ledger.domain.officer import officer_id
from tests.api.service import HOST, Service, service_at
from tests.files.samples import xlsx_bytes
from tests.world import CAMPAIGN, EARMARK, Person, roster_row

BOMB = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
ADDRESSES = itertools.count()
OUTSIDE = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service_at(tmp_path_factory.mktemp("home")) as found:
        world, people = found.world, [Person(n) for n in range(1, 4)]
        world.receive("C01", 1_000_000)
        world.allocate("C01", "X01", 1_000_000)
        world.file(*people)
        world.draft("PAID", roster_row(1, people[0], 80_000))
        world.review("PAID")
        world.approve("PAID")
        found.get("K-X01", "/v1/batches")  # makes the read model
        yield found
        world.check_log()


@pytest.fixture(autouse=True)
def nothing_is_written(service: Service) -> Iterator[None]:
    """Hold that no attack of this file leaves an event, or a file anywhere in the home."""
    ledger, home = service.world.ledger, service.world.home.path
    size, files = ledger.size(), {each for each in home.rglob("*") if "-" not in each.suffix}
    yield
    assert ledger.size() == size
    assert {each for each in home.rglob("*") if "-" not in each.suffix} == files


Send = Callable[[Service, str, bytes], Any]


def as_roster(service: Service, name: str, content: bytes) -> Any:
    form = {
        "code": "B1",
        "campaign_code": CAMPAIGN,
        "organisation_code": "X01",
        "earmark": EARMARK,
        "channel": "银行卡",
        "bank_format": "unionpay-df",
    }
    files = {"roster": (name, content)}
    return service.browser("H-X01").post("/v1/batches", data=form, files=files)


def as_archive(service: Service, name: str, content: bytes) -> Any:
    files = {"workbook": (name, content)}
    return service.browser("H-X01").post("/v1/archive/workbooks", files=files)


def as_return(service: Service, name: str, content: bytes) -> Any:
    [batch] = service.get("K-X01", "/v1/batches")["items"]
    path = f"/v1/batches/{batch['batch_id']}/returns"
    return service.browser("K-X01").post(path, files={"file": (name, content)})


EVERYWHERE = pytest.mark.parametrize("send", [as_roster, as_archive, as_return])
WORKBOOKS = pytest.mark.parametrize("send", [as_roster, as_archive])


def workbook_with(part: str, change: Callable[[bytes], bytes]) -> bytes:
    changed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(xlsx_bytes([("x",)]))) as source,
        zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        names = source.namelist()
        for name in [*names, *({part} - set(names))]:
            content = source.read(name) if name in names else b""
            target.writestr(name, change(content) if name == part else content)
    return changed.getvalue()


# Uploads.


@EVERYWHERE
@pytest.mark.parametrize(
    "name",
    [
        "../../../../etc/cron.d/x.csv",
        "..\\..\\keys\\service.key",
        "/etc/passwd",
        "events.sqlite",
        "C:\\x.csv",
        "a\r\nSet-Cookie: x=1.csv",
        'a"; filename="b.csv',
        "<script>alert(1)</script>.csv",
        "x" * 5000,
        "\u202egnp.csv",
        ".",
        "..",
    ],
)
def test_a_files_name_leads_nowhere_and_is_no_header(
    service: Service, send: Send, name: str
) -> None:
    answer = send(service, name, b"nothing of use\n")

    assert answer.status_code in {400, 422}
    assert "set-cookie" not in answer.headers
    said = answer.json()["detail"]
    assert not [part for part in ("etc/", "keys\\", "<script>", "\u202e", "\r") if part in said]
    assert len(said) < 1000


@WORKBOOKS
def test_an_archive_that_unfolds_to_too_much_is_refused(service: Service, send: Send) -> None:
    bomb = workbook_with("xl/media/a.bin", lambda _: bytes(150 * 1024 * 1024))
    assert len(bomb) < 1024 * 1024

    answer = send(service, "名册.xlsx", bomb)

    assert (answer.status_code, answer.json()["code"]) == (422, "file.archive_bomb")


@WORKBOOKS
def test_a_cell_far_out_asks_for_no_memory(service: Service, send: Send) -> None:
    far = b'<sheetData><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'

    answer = send(
        service,
        "名册.xlsx",
        workbook_with(
            "xl/worksheets/sheet1.xml",
            lambda xml: xml[: xml.index(b"<sheetData>")] + far + b"</worksheet>",
        ),
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "file.too_large")


@WORKBOOKS
@pytest.mark.parametrize("declared", [BOMB, OUTSIDE])
@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml"])
def test_entities_in_a_workbook_are_refused(
    service: Service, send: Send, part: str, declared: bytes
) -> None:
    answer = send(service, "名册.xlsx", workbook_with(part, declared.__add__))

    assert (answer.status_code, answer.json()["code"]) == (422, "file.xml_forbidden")


@pytest.mark.parametrize("declared", [BOMB, OUTSIDE])
def test_entities_in_a_bank_return_are_refused(service: Service, declared: bytes) -> None:
    start = b'<?xml version="1.0" encoding="GB18030"?>'

    answer = as_return(service, "回盘.xml", start + declared + b"<TX>&c;</TX>\n")

    assert answer.status_code == 422
    assert answer.json()["code"] in {"file.xml_forbidden", "bank_file.other_format"}
    assert "root:" not in answer.text


@EVERYWHERE
def test_a_file_of_more_than_the_largest_size_is_refused(service: Service, send: Send) -> None:
    answer = send(service, "x.csv", bytes(UPLOAD_BYTES_MAX + 1))

    assert (answer.status_code, answer.json()["code"]) == (422, "upload.too_large")


@EVERYWHERE
def test_a_body_beyond_any_upload_is_not_read_to_its_end(service: Service, send: Send) -> None:
    answer = send(service, "x.csv", bytes(70 * 1024 * 1024))

    assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")


@EVERYWHERE
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        b"PK\x05\x06" + bytes(18),
        b"\xff" * 1000,
        b"\x00" * 1000,
        b'"' * 1001,
        b"," * 200_000 + b"\n",
        b"\n" * 200_000,
        "序号,姓名,身份证号码,金额(元)\n1,张,3401,{}\n合计,,,{}\n".format(
            "9" * 5000, "9" * 5000
        ).encode(),
        "序号,姓名,身份证号码,金额(元)\n{},张,3401,1\n合计,,,2\n".format("9" * 5000).encode(),
        "姓名,身份证号码,金额(元)\n=1+1,@SUM(1),-0\n合计,,NaN\n".encode(),
    ],
)
def test_a_file_of_nonsense_is_a_problem_and_no_failure(
    service: Service, send: Send, content: bytes
) -> None:
    answer = send(service, "x.csv", content)

    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_form_of_very_many_parts_is_refused(service: Service) -> None:
    many = {f"f{n}": "x" for n in range(2000)}

    answer = service.browser("H-X01").post("/v1/batches", data=many, files={"roster": b"x"})

    assert 400 <= answer.status_code < 500


# JSON that nobody means.

BODIES: dict[str, str | bytes] = {
    "deep": "[" * 100_000 + "]" * 100_000,
    "deep objects": '{"a":' * 50_000 + "1" + "}" * 50_000,
    "a number of many digits": '{"amount_fen": ' + "9" * 10_000 + "}",
    "a number beyond floats": '{"amount_fen": 1e400}',
    "no number": '{"amount_fen": NaN}',
    "infinity": '{"amount_fen": -Infinity}',
    "half a character": '{"document": "\\ud800", "\\ud800": 1}',
    "a key of half a character": '{"\\udfff": {"\\ud800": "\\udc00"}}',
    "a password of half characters": '{"staff_number": "K-X01", "password": "\\ud800\\ud800"}',
    "a null character": '{"document": "\\u0000", "organisation_code": "C01\\u0000"}',
    "twice": '{"amount_fen": 1, "amount_fen": 2}',
    "a list": "[]",
    "null": "null",
    "text": '"' + "x" * 100_000 + '"',
    "not UTF-8": b'{"document": "\xff\xfe"}',
    "UTF-16": '{"document": "x"}'.encode("utf-16"),
    "proto": '{"__proto__": {"admin": true}, "constructor": {}}',
    "nothing": "",
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize(
    ("staff", "path"),
    [
        ("K-C01", "/v1/appropriations"),
        ("A-C01", "/v1/allocations"),
        ("H-X01", "/v1/archive/files"),
        ("", "/v1/session"),
        ("", "/v1/session/invitation"),
        ("", "/v1/session/passkey"),
        ("K-X01", "/v1/passkeys"),
    ],
)
def test_json_that_nobody_means_is_a_problem_and_no_failure(
    service: Service, staff: str, path: str, name: str
) -> None:
    from_elsewhere(service)
    answer = service.browser(staff).post(
        path, content=BODIES[name], headers={"content-type": "application/json"}
    )

    assert answer.status_code in {400, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_larger_than_any_form_is_refused(service: Service) -> None:
    large = '{"document": "' + "x" * (2 * 1024 * 1024) + '"}'

    answer = service.browser("K-C01").post(
        "/v1/appropriations", content=large, headers={"content-type": "application/json"}
    )

    assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")


def test_what_a_form_does_not_ask_for_is_not_repeated(service: Service) -> None:
    number = Person(1).id_number

    answer = service.post("K-C01", "/v1/appropriations", {number: 1, "earmark": number * 20})

    assert answer.status_code == 422
    assert number not in answer.text


CREDENTIALS: list[Any] = [
    {},
    {"response": None},
    {"response": []},
    {"response": {"clientDataJSON": 1}},
    {"response": {"clientDataJSON": "\ud800"}},
    {"response": {"clientDataJSON": "bnVsbA"}},
    {"id": "a", "rawId": 5, "type": "public-key", "response": {"clientDataJSON": "e30"}},
]


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_a_passkey_of_nonsense_is_refused(service: Service, credential: Any) -> None:
    from_elsewhere(service)
    text = json.dumps({"credential": credential})
    for staff, path in (("", "/v1/session/passkey"), ("K-X01", "/v1/passkeys")):
        answer = service.browser(staff).post(
            path, content=text, headers={"content-type": "application/json"}
        )

        assert (answer.status_code, answer.json()["code"]) == (401, "access.passkey_refused")


@pytest.mark.parametrize("answered", ["", "oA", "gA", "o2NmbXRkbm9uZQ", "_____w", "A" * 400])
def test_an_authenticator_of_nonsense_is_refused(service: Service, answered: str) -> None:
    """The challenge is real, so that all that follows it is read."""
    from_elsewhere(service)
    for staff, path, kind in (
        ("K-X01", "/v1/passkeys", "webauthn.create"),
        ("", "/v1/session/passkey", "webauthn.get"),
    ):
        challenge = service.done(staff, f"{path}/options")["challenge"]
        client = {"type": kind, "challenge": challenge, "origin": "http://localhost:8017"}
        credential = {
            "id": "AAAA",
            "rawId": "AAAA",
            "type": "public-key",
            "response": {
                "clientDataJSON": encoded(client),
                "attestationObject": answered,
                "authenticatorData": answered,
                "signature": answered,
            },
        }
        refused = service.post(staff, path, {"credential": credential})

        assert (refused.status_code, refused.json()["code"]) == (401, "access.passkey_refused")


def encoded(client: Any) -> str:
    return urlsafe_b64encode(json.dumps(client).encode()).decode().rstrip("=")


def test_a_secret_made_up_for_each_request_is_no_way_round_the_rates(service: Service) -> None:
    moments = iter(range(1000))
    rates = Rates(address_per_second=0.5, address_burst=20, per_second=0.1, burst=5)
    app = RateLimit(service.app, rates, clock=lambda: next(moments) * 0.001)
    http = TestClient(app, base_url=HOST)

    anew = [
        http.get("/v1/session", headers={"cookie": f"nuanzhang_session={n}"}).status_code
        for n in range(30)
    ]
    other = TestClient(app, base_url=HOST, client=("10.9.9.9", 1))
    alone = [other.get("/v1/session").status_code for _ in range(10)]

    assert anew == [401] * 20 + [429] * 10
    assert alone == [401] * 5 + [429] * 5


# Headers, addresses and questions.


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-request-id", "a" * 5000),
        ("x-request-id", "x y\tz: 1"),
        ("x-request-id", "<script>alert(1)</script>"),
        ("idempotency-key", "a b"),
        ("idempotency-key", "\x7f\x80"),
        ("idempotency-key", "a" * 300),
        ("if-match", '"'),
        ("if-match", '"-1"'),
        ("if-match", "W/x"),
        ("cookie", "nuanzhang_session=\xff\xfe; ="),
        ("authorization", "Bearer \xff"),
        ("authorization", "Basic eDp4"),
        ("content-length", "-1"),
        ("content-length", "\xb2"),
        ("content-type", "multipart/form-data"),
        ("content-type", "application/json; charset=x\xff"),
        ("origin", "http://[::1"),
        ("x-http-method-override", "DELETE"),
    ],
)
def test_an_odd_header_is_neither_followed_nor_repeated(
    service: Service, name: str, value: str
) -> None:
    [batch] = service.get("K-X01", "/v1/batches")["items"]
    path = f"/v1/batches/{batch['batch_id']}/review"

    answer = service.browser("R-C01").post(path, headers=[(name.encode(), value.encode("latin-1"))])

    assert 400 <= answer.status_code < 500, answer.text
    for said in answer.headers.values():
        assert value not in said or len(value) < 4
    assert answer.headers["x-request-id"].isalnum()


@pytest.mark.parametrize(
    "path",
    [
        "/v1/batches?organisation_id=' OR 1=1 --",
        "/v1/batches?organisation_id=%00",
        "/v1/batches?cursor=' UNION SELECT * FROM accounts --",
        "/v1/batches?cursor=eyJhZnRlciI6MX0",
        "/v1/batches?cursor=%ff%fe",
        "/v1/batches?cursor=W1tbW1tbW1tb",
        "/v1/batches?limit=1e3",
        "/v1/batches?limit=99999999999999999999",
        "/v1/disbursements?status=returned' --",
        "/v1/disbursements?status[$ne]=x&at=9007199254740992",
        "/v1/balances?as_of=0000-00-00",
        "/v1/balances?at=-1",
        "/v1/balances?at=%D9%A1e9",
        "/v1/access-journal?after=-1",
        "/v1/batches/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/v1/batches/..%5c..%5ckeys",
        "/tlog/tile/0/../../../../etc/passwd",
        "/tlog/tile/0/%2e%2e/%2e%2e/keys",
        "/tlog/tile/entries/%00",
        "/assets/x/../../../keys/service.key",
        "/v1/officers/%F0%28%8C%28",
    ],
)
def test_an_odd_question_is_a_problem_and_no_failure(service: Service, path: str) -> None:
    for staff in ("J-C01", "AUD"):
        answer = service.browser(staff).get(path)

        assert 200 <= answer.status_code < 500, answer.text
        assert "root:" not in answer.text
        assert answer.status_code != 200 or "application/json" in answer.headers["content-type"]


@pytest.mark.parametrize("topic", ["' OR '1'='1", "%", "fund.opened\x00", "\U0001f600", "_" * 100])
def test_an_odd_topic_finds_nothing(service: Service, topic: str) -> None:
    subject = str(officer_id("K-X01"))

    answer = service.browser("J-C01").get(
        f"/v1/evidence/subjects/{subject}", params={"topic": topic}
    )

    assert answer.status_code < 500
    assert answer.json().get("positions", []) == []


def from_elsewhere(service: Service) -> None:
    """Come from another address, as a patient attacker does: how often is another test's matter."""
    number = next(ADDRESSES)
    service.browsers[""] = TestClient(
        service.app,
        base_url=HOST,
        headers={"origin": HOST},
        client=(f"10.0.{number // 250}.{number % 250}", 50_000),
    )
