"""Draws a sample again, written from the section "Sample" of FORMAT.md alone."""

from hashlib import sha256


def drawn(method: str, size: int, universe: bytes, sample: str, root: bytes) -> list[int]:
    lines = [line.split(" ", 2) for line in universe.decode().split("\n")[:-1]]
    seed = sha256(b"nuanzhang sample 1\n" + sample.encode() + b"\n" + root).digest()

    def rank(position: int) -> bytes:
        return sha256(b"\x05" + seed + position.to_bytes(8, "big")).digest()

    ordered = sorted((rank(int(at)), int(at), int(fen), name) for at, fen, name in lines)
    if method == "monetary_unit":
        total = sum(fen for _, _, fen, _ in ordered)
        start = int.from_bytes(sha256(b"\x06" + seed).digest(), "big") % total
        points = [(k * total + start) // size for k in range(size)]
        struck, end = [], 0
        for _, at, fen, _ in ordered:
            if any(end <= point < end + fen for point in points):
                struck.append(at)
            end += fen
        return sorted(struck)
    strata: dict[str, list[int]] = {}
    for _, at, _, name in ordered:
        strata.setdefault(name if method == "stratified" else "", []).append(at)
    rest = size - len(strata)
    left = len(ordered) - len(strata)
    shares = {s: 1 + (rest * (len(of) - 1) // left if left else 0) for s, of in strata.items()}
    over = {s: rest * (len(of) - 1) % left if left else 0 for s, of in strata.items()}
    for name in sorted(strata, key=lambda s: (-over[s], s.encode()))[: size - sum(shares.values())]:
        shares[name] += 1
    return sorted(at for name, of in strata.items() for at in of[: shares[name]])
