"""The store's side of the books: what Redis holds of a counter, read from its keys alone.

Written from the description of the layout (Sources/Store/README.md), without the product's code.
"""

import hashlib
from dataclasses import dataclass, field

KINDS = ("requests", "tokens", "prompt_tokens", "completion_tokens", "usd", "concurrent")


@dataclass(frozen=True)
class Share:
    """What one ledger has of a counter."""

    hold: int
    unspent: int
    # Of a budget.
    settled: int = 0


@dataclass
class StoreCounter:
    kind: str = ""
    # Over all ledgers; money in micro-dollars.
    sum: int = 0
    settled: int = 0
    # What was in use before the store lost writes, and nobody claims.
    gone: int = 0
    shares: dict[str, Share] = field(default_factory=dict)

    @property
    def unspent(self) -> int:
        return sum(share.unspent for share in self.shares.values())


def counter_id(name: str, limit: dict) -> str:
    """The end of a counter's key: a hash of its name and of what it counts."""
    (kind,) = (kind for kind in KINDS if kind in limit)
    per = limit.get("per")
    shape = {None: "slots", "second": "bucket/1000", "minute": "bucket/60000",
             "hour": "bucket/3600000"}.get(per, per)  # fmt: skip
    return hashlib.sha256(f"{name}|{kind}|{shape}".encode()).hexdigest()[:32]


def read_counter(store, name: str, limit: dict) -> StoreCounter:
    """The counter as its master has it; empty where there is none."""
    pattern = f"{{tollgate:*}}:{counter_id(name, limit)}"
    for server in store.masters():
        with server.client() as client:
            cursor, keys = b"0", []
            while True:
                cursor, found = client("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)
                keys += found
                if cursor == b"0":
                    break
            if keys:
                (key,) = set(keys)
                words = client("HGETALL", key)
                return _counter(dict(zip(words[::2], words[1::2])))
    return StoreCounter()


def _counter(fields: dict[bytes, bytes]) -> StoreCounter:
    counter = StoreCounter(fields[b"kind"].decode(), int(fields[b"sum"]))
    counter.settled, counter.gone = int(fields.get(b"settled", 0)), int(fields.get(b"gone", 0))
    for name, value in fields.items():
        if len(name) == 32:
            # start number nonce hold unspent, then of a budget settled
            _, _, _, hold, unspent, last, *_ = value.split()
            is_budget = counter.kind == "budget"
            counter.shares[name.decode()] = Share(
                int(hold), int(unspent), int(last) if is_budget else 0
            )
    return counter
