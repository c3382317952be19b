"""What a shared store keeps, read by the tests' own means.

Nothing of the product is used: keys are computed again from the counters' names, so that what the
store has can be held against the ledgers. The layout is described in Sources/Store/README.md.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from resp import RedisClient, RedisError

PARTITIONS = 64
SCRIPTS = Path(__file__).resolve().parents[2] / "Sources/Store/Scripts"


@dataclass
class Holder:
    """What the store keeps for one ledger."""

    start: int
    number: int
    hold: int
    unspent: int
    settled: int = 0
    heard_ms: int = 0


@dataclass
class Counter:
    """A counter of the store."""

    kind: str
    sum: int
    settled: int
    gone: int
    window: tuple[int, int]
    holders: dict[str, Holder] = field(default_factory=dict)

    @property
    def unspent(self) -> int:
        """What is leased and not spent, by all."""
        return sum(holder.unspent for holder in self.holders.values())


class Store:
    """A standalone server, or a cluster's by any of its servers."""

    def __init__(self, address: str, password: str | None = None, database: int = 0):
        self.address, self.password, self.database = address, password, database
        self.connections: dict[str, RedisClient] = {}

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_) -> None:
        for connection in self.connections.values():
            connection.close()

    def ask(self, *words):
        """A command, at the server of the cluster that has the key."""
        address = self.address
        for _ in range(3):
            if address not in self.connections:
                self.connections[address] = RedisClient(
                    address, self.password, database=self.database)
            try:
                return self.connections[address](*words)
            except RedisError as error:
                if not str(error).startswith("MOVED "):
                    raise
                address = str(error).split(" ")[2]
        raise RedisError("moved again and again")

    def hash(self, key: str) -> dict[str, str]:
        flat = [part.decode() for part in self.ask("HGETALL", key)]
        return dict(zip(flat[::2], flat[1::2]))

    def counter(self, name: str, kind: str, shape: str) -> Counter | None:
        """The counter of a limit; None where the store has none. `kind` and `shape`: see `key`."""
        return read_counter(self.hash(key(name, kind, shape)))

    def sums(self, counters: list[tuple[str, str, str]]) -> dict[str, int]:
        """By name, the sum of each counter; 0 where the store has none."""
        found = {name: self.counter(name, kind, shape) for name, kind, shape in counters}
        return {name: counter.sum if counter else 0 for name, counter in found.items()}

    def is_open(self, partition: int) -> str | None:
        """The run of the server that a partition was opened on; None where it is not."""
        return self.hash(f"{{tollgate:{partition:02}}}:open").get("run")

    def replicas(self) -> dict[str, tuple[int, int, str, str]]:
        """By ledger: start number, when it was heard, revision and name."""
        found = {}
        for ledger, text in self.hash("tollgate:replicas").items():
            if len(ledger) != 32:
                continue
            start, _, _, revision, name = text.split(" ", 4)
            heard = self.ask("ZSCORE", "{tollgate:replicas}:heard", ledger)
            found[ledger] = (int(start), int(float(heard)), revision, name)
        return found


def script(name: str = "state") -> bytes:
    """The text of a script, as the gateway puts it together."""
    parts = ["common", "opening", "counters", "state"] if name == "state" else ["common", name]
    return b"".join((SCRIPTS / f"{part}.lua").read_bytes() for part in parts)


def owner(name: str) -> str:
    """Whose partition a counter is in, by the counter's name."""
    words = name.split("/")
    if words[0] == "global":
        return "/".join(words[:2])
    tenant = words[4] if words[0] == "class" else words[1]
    return "tenant/" + tenant.replace("%2F", "/").replace("%25", "%")


def partition(name: str) -> int:
    digest = hashlib.sha256(owner(name).encode()).digest()
    return int.from_bytes(digest[:8], "big") % PARTITIONS


def key(name: str, kind: str, shape: str) -> str:
    """The key of a counter. `kind`: what is counted, as records name it (`requests`, `tokens`, …).
    `shape`: `bucket/` and its period in milliseconds, `day`, `week`, `month` or `slots`."""
    digest = hashlib.sha256(f"{name}|{kind}|{shape}".encode()).hexdigest()
    return f"{{tollgate:{partition(name):02}}}:{digest[:32]}"


def read_counter(fields: dict[str, str]) -> Counter | None:
    """A counter from its hash; of nothing, None. The sum must be that of its holders."""
    if not fields:
        return None
    kind = fields["kind"]
    holders = {}
    for ledger, text in fields.items():
        if len(ledger) != 32:
            continue
        words = text.split(" ")
        start, number, hold, unspent = (int(words[place]) for place in (0, 1, 3, 4))
        holders[ledger] = Holder(
            start, number, hold, unspent,
            settled=int(words[5]) if kind == "budget" else 0,
            heard_ms=int(words[5]) if kind != "budget" else 0)
    counter = Counter(
        kind, int(fields["sum"]), int(fields.get("settled", 0)), int(fields.get("gone", 0)),
        (int(fields.get("start", 0)), int(fields.get("end", 0))), holders)
    if len(holders) != int(fields["holders"]):
        raise ValueError(f"{len(holders)} holders are there, {fields['holders']} were counted")
    if kind != "bucket":
        total = sum(holder.hold for holder in holders.values()) + counter.gone
        if total != counter.sum:
            raise ValueError(f"the sum is {counter.sum}, its parts come to {total}")
    return counter
