"""Webhooks: every event asked for is delivered, in order, signed, until it is taken."""

import asyncio
import hmac
import json
import ssl
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api.background.addresses import UrlRefused
from api.background.deliveries import Deliveries, Line
from api.background.events import TopicUnknown
from api.background.sealing import Seal
from api.background.store import BackgroundStore
from api.background.webhooks import (
    FIRST_WAIT_S,
    GIVE_UP_S,
    SUBSCRIPTIONS_MAX,
    Subscriptions,
    SubscriptionsTooMany,
    SubscriptionUnknown,
    signed_headers,
)
from ledger.database import DiskFull
from tests.background.receiver import Receiver, receiving
from tests.background.standing import KEY, OFFICER, Hands
from tests.world import World


@dataclass
class Desk:
    """A small ledger, and the webhooks that tell of it."""

    world: World
    folder: Path
    hands: Hands = field(default_factory=Hands)
    line: Line = field(default_factory=Line)
    inside: bool = True

    def subscriptions(self) -> Subscriptions:
        store = BackgroundStore(self.folder / "jobs.sqlite")
        return Subscriptions(store, Seal(KEY), inside=self.inside)

    def deliver(self) -> None:
        """Deliver once, as a process that has just started."""
        deliveries = Deliveries(
            self.world.ledger, self.subscriptions(), self.hands, lambda: 1.0, self.line
        )
        asyncio.run(deliveries.deliver())

    def subscribe(self, url: str, *topics: str, start: int = 0) -> tuple[str, bytes]:
        made, secret = self.subscriptions().make(url, topics, OFFICER, start, self.hands())
        return made.subscription_id, b64decode(secret.removeprefix("whsec_"))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    world = World.at(tmp_path)
    world.settle_in()
    yield Desk(world, tmp_path)
    world.ledger.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def positions(receiver: Receiver) -> list[int]:
    return [json.loads(each.body)["position"] for each in receiver.got]


def test_what_was_asked_for_is_delivered_in_order_with_where_and_when_alone(
    desk: Desk, receiver: Receiver
) -> None:
    desk.subscribe(receiver.url(), "organisation", "policy.adopted")
    expected = [
        each
        for each in desk.world.ledger.read(0, 1000)
        if each.event.TOPIC.startswith("organisation.") or each.event.TOPIC == "policy.adopted"
    ]

    desk.deliver()

    assert [json.loads(each.body) for each in receiver.got] == [
        {
            "type": each.event.TOPIC,
            "position": each.position,
            "stream": str(each.event.originator_id),
            "version": each.event.originator_version,
            "recorded_at": each.event.recorded_at,
            "happened_on": each.event.happened_on.isoformat(),
        }
        for each in expected
    ]
    assert len(expected) == 5
    desk.deliver()
    assert len(receiver.got) == 5, "nothing is delivered twice"


def test_a_receiver_can_tell_that_it_is_ours(desk: Desk, receiver: Receiver) -> None:
    id_, secret = desk.subscribe(receiver.url(), "policy")

    desk.deliver()

    [got] = receiver.got
    position = json.loads(got.body)["position"]
    assert got.headers["webhook-id"] == f"msg_{id_}_{position}"
    assert got.headers["webhook-timestamp"] == str(desk.hands())
    signed = f"msg_{id_}_{position}.{desk.hands()}.".encode() + got.body
    expected = b64encode(hmac.digest(secret, signed, sha256)).decode()
    assert got.headers["webhook-signature"] == f"v1,{expected}"
    assert got.headers["content-type"] == "application/json"


def test_the_signature_is_the_one_of_the_specification() -> None:
    """The example that implementations of Standard Webhooks are tested with."""
    secret = b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    headers = signed_headers(
        secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_is_not_taken_is_tried_again_later_and_later_under_the_same_id(
    desk: Desk, receiver: Receiver
) -> None:
    id_, _ = desk.subscribe(receiver.url(), "policy")
    receiver.statuses = [500, 302, 503]
    waits = []
    for _ in range(3):
        desk.deliver()
        desk.deliver()  # it is not due yet
        found = desk.subscriptions().find(id_)
        waits.append(found.next_try_s - desk.hands())
        desk.hands.now_s = found.next_try_s

    desk.deliver()

    assert waits == [FIRST_WAIT_S, 2 * FIRST_WAIT_S, 4 * FIRST_WAIT_S]
    assert len(receiver.got) == 4
    assert len({each.headers["webhook-id"] for each in receiver.got}) == 1
    assert len({each.headers["webhook-timestamp"] for each in receiver.got}) == 4
    taken = desk.subscriptions().find(id_)
    assert (taken.failures, taken.failing_since_s, taken.last_outcome) == (0, None, "answered 204")


def test_after_a_day_it_is_paused_and_goes_on_where_it_stood_when_resumed(
    desk: Desk, receiver: Receiver
) -> None:
    id_, _ = desk.subscribe(receiver.url(), "policy")
    receiver.statuses = [500, 500]
    desk.deliver()
    desk.hands.now_s += GIVE_UP_S
    desk.deliver()
    paused = desk.subscriptions().find(id_)
    assert (paused.paused_because, paused.failures) == ("answered 500", 2)
    desk.hands.now_s += GIVE_UP_S
    desk.deliver()
    assert len(receiver.got) == 2

    assert desk.subscriptions().resume(id_).paused_because is None
    desk.deliver()

    assert len(set(positions(receiver))) == 1
    assert desk.subscriptions().find(id_).last_outcome == "answered 204"


def test_who_says_gone_is_left_alone(desk: Desk, receiver: Receiver) -> None:
    id_, _ = desk.subscribe(receiver.url(), "policy")
    receiver.statuses = [410]

    desk.deliver()

    assert desk.subscriptions().find(id_).paused_because == "answered 410"


def test_a_redirect_is_not_followed(desk: Desk, receiver: Receiver) -> None:
    with receiving() as elsewhere:
        receiver.statuses, receiver.location = [307], elsewhere.url()
        id_, _ = desk.subscribe(receiver.url(), "policy")

        desk.deliver()

        assert elsewhere.got == []
    assert desk.subscriptions().find(id_).last_outcome == "answered 307"


def test_a_proxy_of_the_environment_is_not_asked(
    desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url())
        monkeypatch.setenv("ALL_PROXY", proxy.url())
        desk.subscribe(receiver.url(), "policy")

        desk.deliver()

        assert proxy.got == []
    assert len(receiver.got) == 1


def test_a_slow_receiver_is_left_and_others_do_not_wait_for_it(
    desk: Desk, receiver: Receiver
) -> None:
    desk.line = Line(total_s=0.5)
    with receiving() as slow:
        slow.drip_s = 3
        id_, _ = desk.subscribe(slow.url(), "policy")
        desk.subscribe(receiver.url(), "organisation")
        began = time.monotonic()

        desk.deliver()

        assert time.monotonic() - began < 2
        assert desk.subscriptions().find(id_).last_outcome == "timed out"
    assert len(receiver.got) == 4


def test_nobody_there_is_tried_again(desk: Desk) -> None:
    with receiving() as gone:
        url = gone.url()
    id_, _ = desk.subscribe(url, "policy")

    desk.deliver()

    found = desk.subscriptions().find(id_)
    assert (found.last_outcome, found.failures) == ("unreachable", 1)


def test_a_name_that_leads_inside_by_now_is_not_posted_to(desk: Desk, receiver: Receiver) -> None:
    async def rebound(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    desk.inside, desk.line = False, Line(lookup=rebound)
    id_, _ = desk.subscribe(receiver.url("https", "hooks.example.org"), "policy")

    desk.deliver()

    assert receiver.got == []
    assert desk.subscriptions().find(id_).last_outcome == "webhook.url_refused"


def certificate(host: str) -> tuple[bytes, bytes]:
    """Return a certificate for a host that its own key signed, and the key, both as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return made.public_bytes(serialization.Encoding.PEM), private


def test_the_address_is_pinned_and_the_name_is_still_the_one_that_tls_asks_for(
    desk: Desk, tmp_path: Path
) -> None:
    async def lookup(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    public, private = certificate("hooks.example.org")
    (tmp_path / "both.pem").write_bytes(public + private)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(tmp_path / "both.pem")
    believing = ssl.create_default_context(cadata=public.decode())
    desk.line = Line(lookup, believing)
    with receiving(serving) as receiver:
        desk.subscribe(receiver.url("https", "hooks.example.org"), "policy")
        other, _ = desk.subscribe(receiver.url("https", "other.example.org"), "policy")

        desk.deliver()

        assert [each.headers["host"] for each in receiver.got] == [
            f"hooks.example.org:{receiver.port}"
        ]
        assert desk.subscriptions().find(other).last_outcome == "unreachable"


def test_what_is_passed_over_is_not_read_again(desk: Desk, receiver: Receiver) -> None:
    id_, _ = desk.subscribe(receiver.url(), "fund.received")

    desk.deliver()

    assert receiver.got == []
    assert desk.subscriptions().find(id_).next_position == desk.world.ledger.size()
    desk.world.receive("C01", 1000)
    desk.deliver()
    assert len(receiver.got) == 1


def test_secrets_are_sealed_and_go_with_their_subscription(desk: Desk, receiver: Receiver) -> None:
    id_, secret = desk.subscribe(receiver.url())

    for path in desk.folder.glob("jobs.sqlite*"):
        assert secret not in path.read_bytes()
        assert b64encode(secret) not in path.read_bytes()
    assert desk.subscriptions().secret_of(id_) == secret
    desk.subscriptions().end(id_)
    for gone in (desk.subscriptions().find, desk.subscriptions().end, desk.subscriptions().resume):
        with pytest.raises(SubscriptionUnknown):
            gone(id_)


def test_what_no_event_is_called_cannot_be_asked_for_and_there_are_bounds(desk: Desk) -> None:
    with pytest.raises(TopicUnknown):
        desk.subscribe("https://hooks.example.org/", "batch.aproved")
    for _ in range(SUBSCRIPTIONS_MAX):
        desk.subscribe("https://hooks.example.org/", "batch")
    with pytest.raises(SubscriptionsTooMany):
        desk.subscribe("https://hooks.example.org/", "batch")


def test_the_thread_delivers_by_itself_and_lets_go_at_once(desk: Desk, receiver: Receiver) -> None:
    with receiving() as slow:
        slow.drip_s = 8
        desk.subscribe(slow.url(), "policy")
        desk.subscribe(receiver.url(), "policy")
        deliveries = Deliveries(desk.world.ledger, desk.subscriptions(), desk.hands, lambda: 1.0)
        deliveries.start()
        end = time.monotonic() + 10
        while not (receiver.got and slow.got):
            assert time.monotonic() < end
            time.sleep(0.02)

        began = time.monotonic()
        assert deliveries.stop(10)

        assert time.monotonic() - began < 3
        slow.drip_s = 0


@pytest.mark.parametrize("host", ["hooks..example.org", f"{'a' * 64}.example.org", ".example.org"])
def test_a_name_that_nobody_can_have_is_refused(desk: Desk, host: str) -> None:
    with pytest.raises(UrlRefused):
        desk.subscribe(f"https://{host}/x", "policy")


def test_a_name_that_cannot_be_looked_up_is_tried_later_and_holds_up_nobody(
    desk: Desk, receiver: Receiver
) -> None:
    async def looked_up(host: str, _port: int) -> list[str]:
        if host == "hooks.example.org":
            raise UnicodeError
        return ["127.0.0.1"]

    desk.line = Line(lookup=looked_up)
    odd, _ = desk.subscribe("https://hooks.example.org/x", "policy")
    desk.subscribe(receiver.url(), "policy")

    desk.deliver()

    assert len(receiver.got) == 1
    found = desk.subscriptions().find(odd)
    assert (found.last_outcome, found.failures) == ("unreachable", 1)


def test_one_that_cannot_be_written_down_is_told_when_all_others_have_ended(
    desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as gone:
        nobody = gone.url()
    desk.subscribe(nobody, "policy")
    desk.subscribe(receiver.url(), "policy")

    def full(*_: object, **__: object) -> None:
        raise DiskFull

    monkeypatch.setattr(Subscriptions, "failed", full)
    with pytest.raises(DiskFull):
        desk.deliver()

    assert len(receiver.got) == 1
