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


def enter(http: TestClient, code: str) -> TestClient:
    answer = http.post("/v1/session/invitation", json={"code": code, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return http


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
            top = sec_admin.get("/v1/organisations").json()["items"][0]["organisation_id"]
            post = {"organisation_id": top, "role": "审批"}
            assert sec_admin.post(f"/v1/officers/{officer}/posts", json=post).status_code == 201
            clash = sec_admin.post(f"/v1/officers/{officer}/posts", json={**post, "role": "审计"})
            assert clash.json()["code"] == "duty.posts_incompatible"
            invited = sec_admin.post(f"/v1/officers/{officer}/invitations").json()

            approver = enter(browser(), invited["code"])
            signer = Ed25519Signer.generate()
            key = {
                "algorithm": "ed25519",
                "public_key": b64encode(signer.public_key.raw).decode(),
            }
            keys = f"/v1/officers/{officer}/keys"
            proof = approver.post(f"/v1/officers/{officer}/key-proofs", json=key).json()
            signature = b64encode(signer.sign(b64decode(proof["to_sign"]))).decode()
            wrong = approver.post(keys, json={**key, "proof": b64encode(bytes(64)).decode()})
            assert wrong.json()["code"] == "signature.officer_broken"
            handed_in = approver.post(keys, json={**key, "proof": signature})
            key_id = handed_in.json()["result"]["key_id"]
            assert approver.get("/v1/session").json()["key_ids"] == []
            confirmation = f"{keys}/{key_id}/confirmation"
            assert approver.post(confirmation).status_code == 403
            refused_inviter = sec_admin.post(confirmation)
            assert refused_inviter.json()["code"] == "officer.inviter_confirms"
            assert sys_admin.post(confirmation).status_code == 201
            assert approver.get("/v1/session").json()["key_ids"] == [key_id]
    verified = nuanzhang(home, "verify", "--json")
    assert json.loads(verified.stdout)["holds"]


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
