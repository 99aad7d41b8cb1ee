"""A client that was generated from the OpenAPI document drives a whole campaign."""

import importlib
import io
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any

import pytest

from ledger.domain.officer import officer_id
from ledger.domain.organisation import organisation_id
from tests.api.generated import PACKAGE, generate
from tests.api.test_campaign_over_http import answered, roster_csv
from tests.schema.serving import Served, serving
from tests.world import CAMPAIGN, CARD_CLASS, EARMARK, Person

ONE = Person(71)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.fixture(scope="module")
def package(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator["Generated"]:
    folder = generate(served.service.app.openapi(), tmp_path_factory.mktemp("generated"))
    sys.path.insert(0, str(folder))
    yield Generated(served)
    sys.path.remove(str(folder))


class Generated:
    """The generated package, asked by noun and act, by an officer with a token of their own."""

    def __init__(self, served: Served) -> None:
        self.served = served

    def client(self, staff: str) -> Any:
        text, _ = self.served.service.served.door.issue_token(
            officer_id(staff),
            label="client",
            read_only=False,
            ttl_s=3600,
            now_s=self.served.service.clock.now_s,
        )
        client = importlib.import_module(f"{PACKAGE}.client")
        return client.AuthenticatedClient(base_url=self.served.url, token=text)

    def model(self, name: str, /, **fields: Any) -> Any:
        models = importlib.import_module(f"{PACKAGE}.models")
        return getattr(models, name).from_dict(fields)

    def ask(self, staff: str, noun: str, act: str, *ids: Any, **fields: Any) -> Any:
        operation = importlib.import_module(f"{PACKAGE}.api.{noun}.{noun}_{act}")
        with self.client(staff) as client:
            answer = operation.sync_detailed(*ids, client=client, **fields)
        assert answer.status_code in (200, 201), answer.content
        return answer.parsed

    def file(self, name: str, content: bytes) -> Any:
        types = importlib.import_module(f"{PACKAGE}.types")
        return types.File(payload=io.BytesIO(content), file_name=name)

    def signed(self, staff: str, prepared: Any) -> dict[str, str]:
        signer = self.served.service.world.officers[staff]
        return {
            "payload": prepared.payload,
            "key_id": signer.public_key.key_id,
            "signature": b64encode(signer.sign(b64decode(prepared.to_sign))).decode(),
        }


def test_it_drives_a_whole_campaign(package: Generated) -> None:
    receipt = package.model(
        "ReceiptForm",
        organisation_code="C01",
        earmark=EARMARK,
        source="地方财政",
        document="拨〔2017〕7号",
        vintage=2017,
        amount_fen=200_000,
    )
    taken = package.ask("K-C01", "appropriations", "create_appropriation", body=receipt)
    assert taken.receipt.position == taken.last_position
    order = {
        "from_code": "C01",
        "to_code": "X01",
        "earmark": EARMARK,
        "document": "下拨〔2017〕7号",
        "amount_fen": 200_000,
    }
    form = package.model("AllocationForm", **order)
    prepared = package.ask("A-C01", "allocations", "prepare", body=form)
    signed = package.model(
        "SignedAllocation", allocation=order, signed=package.signed("A-C01", prepared)
    )
    given = package.ask("A-C01", "allocations", "create_allocation", body=signed)
    id_ = given.result.allocation_id
    dated = package.model("DatedForm")
    package.ask("K-X01", "allocations", "acknowledge", id_, body=dated)
    filed = package.model(
        "ArchiveFileForm",
        file_number="DA71",
        organisation_code="X01",
        category=CARD_CLASS,
        opened_on="2016-12-02",
        name=ONE.name,
        id_number=ONE.id_number,
        card_number=ONE.card,
    )
    entered = package.ask("H-X01", "archive", "create_file", body=filed)
    assert entered.result.entered == 1

    models = importlib.import_module(f"{PACKAGE}.models")
    draft = models.BodyBatchesCreateBatch(
        code="G1",
        campaign_code=CAMPAIGN,
        organisation_code="X01",
        earmark=EARMARK,
        channel=models.Channel("银行卡"),
        bank_format="unionpay-df",
        roster=package.file("r.csv", roster_csv(ONE)),
    )
    drafted = package.ask("H-X01", "batches", "create_batch", body=draft)
    batch = drafted.result.batch_id
    package.ask("R-X01", "batches", "review", batch, body=dated)
    prepared = package.ask("A-X01", "batches", "prepare_batch_approval", batch)
    approval = package.model("SignedApproval", signed=package.signed("A-X01", prepared))
    approved = package.ask("A-X01", "batches", "approve", batch, body=approval)
    assert (approved.result.paid, approved.result.total_fen) == (1, 80_000)
    wanted = package.model("BankFileForm", reason="代发", made_for="徽商银行")
    file = package.ask("K-X01", "batches", "write_bank_file", batch, body=wanted)
    returned = models.BodyBatchesTakeReturn(
        file=package.file("回盘.txt", answered(file.payload.read()))
    )
    assert package.ask("K-X01", "batches", "take_return", batch, body=returned).result.settled == 1
    package.ask("K-X01", "batches", "end_batch", batch, body=dated)

    shown = package.ask("U-C01", "batches", "show_batch", batch)
    assert shown.state == "closed"
    [payment] = package.ask("U-C01", "disbursements", "list_disbursements", batch_id=batch).items
    assert (payment.status, payment.payee.state) == ("settled", "kept")
    held = package.ask("U-C01", "balances", "list_balances", organisation_id=organisation_id("X01"))
    assert sum(each.paid_fen for each in held.items) >= 80_000
    package.served.service.world.check_log()
