"""What an officer's own program is about to sign, in words: nobody signs what they did not read."""

import json
from collections.abc import Iterator
from typing import Any

from ledger.commands.officer_keys import PROPOSAL_TYPE
from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import NotCanonical, parse_canonical
from ledger.evidence.envelope import PAYLOAD_TYPE, pae
from ledger.evidence.tree_heads import TREE_HEAD, tree_head_of
from ledger.evidence.verify import MEMBERS
from ledger.packs.labels import EVENTS, label

FEN = 100


class NothingToSign(LedgerError):
    """What is to be signed is base64, as the service prepared it."""

    code = "key.nothing_to_sign"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("give `to_sign` as the service answered it, in base64")


def told(message: bytes) -> list[str]:
    """Say in lines what a message is that an officer may sign: an event, or a proof of their key.

    Args:
        message: The pre-authentication encoding (DSSE), which is what is signed.

    Raises:
        NothingToSign: It is neither, so nobody could say what a signature under it would mean.
    """
    for kind, read in ((PAYLOAD_TYPE, _event), (PROPOSAL_TYPE, _proposal)):
        head = pae(kind, b"").removesuffix(b"0 ")
        payload = message.removeprefix(head).partition(b" ")[2]
        if pae(kind, payload) == message:
            return [_printable(line) for line in read(payload)]
    raise NothingToSign


def _event(payload: bytes) -> Iterator[str]:
    try:
        event = parse_canonical(payload)
        if not isinstance(event, dict) or tuple(event) != MEMBERS:
            raise NothingToSign
        facts = dict(event["data"])
        head = tree_head_of(facts)
    except (NotCanonical, TypeError, ValueError, RecursionError):
        raise NothingToSign from None
    yield f"{label(EVENTS, str(event['type']))} ({event['type']})"
    yield f"  log 账本: {event['origin']}"
    yield f"  on 日期: {event['happened_on']}, recorded 记录时间 {event['recorded_at']}"
    yield f"  by 经办人: {event['actor']}"
    yield f"  of 对象: {event['stream']}, version {event['version']}"
    if head is None:
        yield "  UPON NO LOG 未依据账本状态: this signature would fit any history of that log"
    else:
        root = facts[TREE_HEAD]["root"]
        yield f"  upon a log of 签名所依的账本: {head.size} entries with the root {root}"
    for name in sorted(facts.keys() - {TREE_HEAD}):
        yield f"  {name}: {_value(name, facts[name])}"


def _proposal(payload: bytes) -> Iterator[str]:
    try:
        origin, officer, key_id = payload.decode().removesuffix("\n").split("\n")
    except ValueError:
        raise NothingToSign from None
    yield "proof that you hold a key 持有密钥的证明"
    yield f"  log 账本: {origin}"
    yield f"  officer 经办人: {officer}"
    yield f"  key 密钥: {key_id}"


def _value(name: str, value: Any) -> str:
    written = json.dumps(value, ensure_ascii=False)
    if name.endswith("_fen") and type(value) is int:
        yuan, fen = divmod(abs(value), FEN)
        return f"{written} ({'-' if value < 0 else ''}{yuan:,}.{fen:02} 元)"
    return written


def _printable(line: str) -> str:
    """Write out what a terminal would obey, or what would turn the order of letters around."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in line
    )
