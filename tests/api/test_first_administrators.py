"""The first administrators, from an empty machine to an officer's confirmed key; and the demo."""

import json
import re
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api import bootstrap
from api.app import Serving, create_app
from api.demo import inspector_of
from ledger.commands.officers import NewOfficer, register_officer
from ledger.domain.aggregate import OPERATOR
from ledger.domain.officer import officer_id
from ledger.evidence.keys import Ed25519Signer
from ledger.store.act import CommandAct
from ledger.store.home import Home
from tests.api.conftest import CHEAP, CLOCK
from tests.api.test_command_line import nuanzhang
from tests.campaign import SCENARIO

HOST = "http://127.0.0.1"
PASSWORD = "correct horse battery"
TOP = ("--organisation", "C01", "--organisation-name", "示范市总工会", "--name", "张三")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    nuanzhang(tmp_path / "data", "init")
    return tmp_path / "data"


def code_of(said: str) -> str:
    found = re.search(r"with: (\S+)", said)
    assert found is not None, said
    return found[1]


def signed(signer: Ed25519Signer, prepared: dict[str, str]) -> dict[str, str]:
    return {
        "payload": prepared["payload"],
        "key_id": signer.public_key.key_id,
        "signature": b64encode(signer.sign(b64decode(prepared["to_sign"]))).decode(),
    }


def enter(http: TestClient, code: str) -> TestClient:
    answer = http.post("/v1/session/invitation", json={"code": code, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return http


def give_post(http: TestClient, officer: str, own: dict[str, Ed25519Signer]) -> None:
    """Give the approver's post as the security administrator, who signs what was prepared."""
    top = http.get("/v1/organisations").json()["items"][0]["organisation_id"]
    post, posts = {"organisation_id": top, "role": "审批"}, f"/v1/officers/{officer}/posts"
    prepared = http.post(f"{posts}/preparation", json=post).json()
    given = {"post": post, "signed": signed(own["SEC"], prepared)}
    wrong = {**given, "signed": signed(own["SYS"], prepared)}
    assert http.post(posts, json=wrong).json()["code"] == "officer.key_unknown"
    wrong = {**given, "post": {**post, "role": "经办"}}
    assert http.post(posts, json=wrong).json()["code"] == "signature.prepared_differs"
    assert http.post(posts, json=given).status_code == 201
    for role, code in (("审计", "duty.posts_incompatible"), ("审批", "officer.post_held")):
        again = http.post(f"{posts}/preparation", json={**post, "role": role})
        assert again.json()["code"] == code


def hand_in(http: TestClient, officer: str) -> str:
    """Hand in a new key as its owner; return its id."""
    signer, path = Ed25519Signer.generate(), f"/v1/officers/{officer}"
    key = {"algorithm": "ed25519", "public_key": b64encode(signer.public_key.raw).decode()}
    proof = http.post(f"{path}/key-proofs", json=key).json()
    signature = b64encode(signer.sign(b64decode(proof["to_sign"]))).decode()
    wrong = http.post(f"{path}/keys", json={**key, "proof": b64encode(bytes(64)).decode()})
    assert wrong.json()["code"] == "signature.officer_broken"
    handed_in = http.post(f"{path}/keys", json={**key, "proof": signature})
    return str(handed_in.json()["result"]["key_id"])


def test_from_an_empty_ledger_to_an_approver_who_signs_for_themselves(home: Path) -> None:
    security = nuanzhang(home, "admin", "first", "SEC", "安全管理", *TOP)
    system = nuanzhang(home, "admin", "first", "SYS", "系统管理", *TOP)
    for staff, role, code in (
        ("SEC2", "安全管理", "administration.begun"),
        ("SYS", "审计管理", "duty.posts_incompatible"),
        ("A1", "审批", "administration.not_an_administrator"),
    ):
        refused = nuanzhang(home, "admin", "first", staff, role, *TOP)
        assert (refused.returncode, refused.stderr.split(":")[0]) == (1, code)
    refused = nuanzhang(home, "admin", "invite", "A1")
    assert refused.stderr.startswith("administration.not_first")
    refused = nuanzhang(home, "erase", str(officer_id("X")), "--reason", "x")
    assert refused.stderr.startswith("duty.officer_required")

    place = Home(home)
    own = {}
    for staff in ("SEC", "SYS"):
        signer = own[staff] = Ed25519Signer.generate()
        key = f"ed25519:{b64encode(signer.public_key.raw).decode()}"
        assert nuanzhang(home, "key", "enrol", staff, key).returncode == 0
    with bootstrap.opened(place) as ledger:
        app = create_app(place, ledger, Serving(CLOCK, passwords=CHEAP))
        with TestClient(app, base_url=HOST, headers={"origin": HOST}):

            def browser() -> TestClient:
                return TestClient(app, base_url=HOST, headers={"origin": HOST})

            assert browser().post("/v1/session/demo").json()["code"] == "access.not_a_demo"
            sys_admin = enter(browser(), code_of(system.stdout))
            sec_admin = enter(browser(), code_of(security.stdout))
            made = sys_admin.post("/v1/officers", json={"staff_number": "A1", "name": "李四"})
            officer = made.json()["result"]["officer_id"]
            assert made.json()["receipt"]["position"] == made.json()["last_position"]
            give_post(sec_admin, officer, own)
            invited = sec_admin.post(f"/v1/officers/{officer}/invitations").json()

            approver = enter(browser(), invited["code"])
            keys = f"/v1/officers/{officer}/keys"
            key_id = hand_in(approver, officer)
            assert approver.get("/v1/session").json()["key_ids"] == []
            confirmation = f"{keys}/{key_id}/confirmation"
            assert approver.post(f"{confirmation}/preparation").status_code == 403
            refused_inviter = sec_admin.post(f"{confirmation}/preparation")
            assert refused_inviter.json()["code"] == "officer.inviter_confirms"
            prepared = sys_admin.post(f"{confirmation}/preparation").json()
            vouched = {"signed": signed(own["SYS"], prepared)}
            assert sys_admin.post(confirmation, json=vouched).status_code == 201
            assert approver.get("/v1/session").json()["key_ids"] == [key_id]
    verified = nuanzhang(home, "verify", "--json")
    verdict = json.loads(verified.stdout)
    assert verdict["holds"]
    assert verdict["attested"]["reliable_signature"] == 2  # the post, and the key
    firsts = {each["role"]: each["key_id"] for each in verdict["first_keys"]}
    expected = {"安全管理": own["SEC"], "系统管理": own["SYS"]}
    assert firsts == {role: key.public_key.key_id for role, key in expected.items()}
    assert nuanzhang(home, "verify").stdout.count("COMPARE 请核对") == 2
    listed = json.loads(nuanzhang(home, "key", "list", "--json").stdout)
    assert {each["key_id"]: each["vouched"] for each in listed}[key_id]


def test_the_operator_enrols_no_officers_key_once_there_is_an_administration(home: Path) -> None:
    nuanzhang(home, "admin", "first", "SEC", "安全管理", *TOP)
    nuanzhang(home, "admin", "first", "AUD", "审计管理", *TOP)
    signer = Ed25519Signer.generate()
    key = f"ed25519:{b64encode(signer.public_key.raw).decode()}"

    assert nuanzhang(home, "key", "enrol", "SEC", key).returncode == 0
    other = f"ed25519:{b64encode(Ed25519Signer.generate().public_key.raw).decode()}"
    with bootstrap.opened(Home(home)) as ledger:
        act = CommandAct(OPERATOR, bootstrap.today(), bootstrap.now())
        register_officer(ledger, act, NewOfficer("H1", "某某"))
    refused = nuanzhang(home, "key", "enrol", "H1", other)
    assert refused.stderr.startswith("officer.second_officer_required")


def test_a_demo_says_so_by_name_and_lets_in_its_inspector_with_one_click(tmp_path: Path) -> None:
    real = tmp_path / "real"
    nuanzhang(real, "init")
    refused = nuanzhang(real, "load", "--demo", str(SCENARIO))
    assert refused.stderr.startswith("demo.real_ledger")

    place = Home(tmp_path / "demo")
    assert nuanzhang(place.path, "load", "--demo", str(SCENARIO)).returncode == 0
    assert place.origin().startswith("demo.nuanzhang.local/")
    for words in (("init",), ("admin", "first", "SEC", "安全管理", *TOP)):
        not_there = nuanzhang(place.path, *words)
        assert (not_there.returncode, not_there.stdout) == (1, "")
        assert not_there.stderr.startswith("demo.not_an_office")
    staff = inspector_of(place)
    with bootstrap.opened(place) as ledger:
        app = create_app(place, ledger, Serving(CLOCK, passwords=CHEAP, demo=staff))
        with TestClient(app, base_url=HOST, headers={"origin": HOST}) as http:
            assert "演示" in http.get("/sign-in").text
            assert http.get("/readyz").json()["demo"] is True
            assert http.post("/demo", follow_redirects=False).headers["location"] == "/"
            assert http.get("/", follow_redirects=False).headers["location"] == "/overview"
            me = http.get("/v1/session").json()
            assert me["staff_number"] == staff
            assert {post["role"] for post in me["posts"]} == {"纪检"}
            assert len(http.get("/v1/organisations").json()["items"]) == 28
