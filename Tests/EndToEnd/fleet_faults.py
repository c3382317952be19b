"""Scenarios of a store that fails while a fleet is under load: each limit goes by its `on_store_loss`, no
answer takes long, and what must hold throughout holds when the store is back."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from fault_proxy import Fault
from fleet import Fleet
from fleet_bench import ANSWER_SECONDS, CODES_WHEN_LOST, Bench, is_spent, wait_until
from fleet_books import FleetBooks
from fleet_clients import Answer, Caller
from fleet_policy import chat, counter_of
from harness import poll
from redis_servers import PASSWORD, RedisServer

AMOUNT = 600
SLOTS = 5
BURST, PER_MINUTE = 20, 1200
# What was leased when the sum was last seen, and was given back before the store lost it.
GONE_MAX = 100
RETURN_SECONDS = 60
# "Lost" is said after a second without an answer; then `deny` lets nothing through.
LOST_SECONDS = 2.5
KINDS = ("lease", "deny", "allow", "local", "slots", "bucket")
# By kind: clients, and requests a second of all of them. Slots are taken as fast as they come.
LOAD = {"lease": (40, 40), "deny": (40, 40), "allow": (30, 20), "local": (30, 20), "bucket": (40, 40)}
SLOTS_CLIENTS = 20


def limits(amount: int) -> dict[str, list[dict]]:
    """A tenant for each way to be without a store, and for each kind of limit."""
    return {
        "lease": [{"name": "n", "requests": amount, "per": "month"}],
        "deny": [{"name": "n", "requests": amount, "per": "month", "on_store_loss": "deny"}],
        "allow": [{"name": "n", "requests": 100_000, "per": "month", "on_store_loss": "allow"}],
        "local": [{"name": "n", "requests": 100_000, "per": "month", "on_store_loss": "local"}],
        "slots": [{"name": "n", "concurrent": SLOTS}],
        "bucket": [{"name": "n", "requests": PER_MINUTE, "per": "minute", "burst": BURST}],
    }


def tenants(*scenarios: str, seconds: float = 0) -> dict[str, list[dict]]:
    """Each scenario's tenants, which no other has asked for; their budgets outlast `seconds` of load."""
    amount = AMOUNT + int(seconds * LOAD["lease"][1] * 1.2)
    return {
        f"{kind}-{name}": one for name in scenarios for kind, one in limits(amount).items()
    }  # fmt: skip


@dataclass
class Loss:
    """What was answered while the store failed, and how the limits stood at the end."""

    # Of the budgets of `lease` and `deny`.
    amount: int
    # By kind of tenant: let through before, during and after the fault.
    admitted: dict[str, tuple[int, int, int]]
    unavailable: dict[str, int]
    # `deny`: let through when the loss was known.
    denied_late: int
    # The longest answer, in seconds.
    longest: float
    peaks: dict[str, float]
    used: dict[str, int]
    # Of budgets: held by nobody, because the store had lost writes.
    gone: dict[str, int]
    # From the fault's end until each kind was let through, or refused as spent.
    returned: float
    books: FleetBooks

    def row(self) -> str:
        counts = "  ".join(f"{kind} {'/'.join(map(str, three))}" for kind, three in
                           self.admitted.items())  # fmt: skip
        gone = f", held by nobody {sum(self.gone.values())}" if sum(self.gone.values()) else ""
        return (f"{counts}; unavailable {sum(self.unavailable.values())}, longest answer "
                f"{self.longest * 1000:.0f} ms, back after {self.returned:.1f} s{gone}")  # fmt: skip

    def check(self, is_lost: bool) -> None:
        """`is_lost`: the store could not be asked for longer than a second."""
        assert self.longest < ANSWER_SECONDS, f"an answer took {self.longest:.1f} s"
        assert self.peaks["lease"] <= self.amount, self.peaks
        assert self.peaks["deny"] <= self.amount, self.peaks
        assert self.peaks["slots"] <= SLOTS, self.peaks
        assert self.peaks["bucket"] <= BURST, self.peaks
        assert self.used["slots"] == 0
        # Nothing that was leased stayed behind.
        for kind in ("lease", "deny"):
            assert self.used[kind] + self.gone[kind] == self.amount, (self.used, self.gone)
            assert self.gone[kind] <= GONE_MAX, self.gone
        assert self.unavailable["allow"] == 0, self.unavailable
        if is_lost:
            assert self.denied_late == 0, f"{self.denied_late} were let through by `deny`"
            assert self.unavailable["deny"] > 0
            assert self.admitted["allow"][1] > 0 and self.admitted["local"][1] > 0


def lose(
    bench: Bench, name: str, fault: AbstractContextManager, seconds: float, crowd_part: float = 1
) -> Loss:
    """The store fails for so many seconds under the load of every kind of tenant."""
    callers = []
    for kind, (clients, rate) in LOAD.items():
        tenant, clients = f"{kind}-{name}", int(clients * crowd_part)
        callers += [Caller(tenant, chat(tenant), clients / rate, obeys=False)] * clients
    slots = f"slots-{name}"
    callers += [Caller(slots, chat(slots, 60), patience=0.2)] * int(SLOTS_CLIENTS * crowd_part)
    with bench.crowd(callers) as crowd:
        for kind in KINDS:
            poll(f"{kind} is let through", lambda: len(crowd.allowed(f"{kind}-{name}")) >= 5)
        began = time.time()
        with fault:
            wait_until(began + seconds)
        ended = time.time()
        for kind in KINDS:
            poll(f"{kind} is let through again, or refused as spent",
                 lambda: any(_is_back(answer) for answer in crowd.of(f"{kind}-{name}")
                             if answer.began > ended), RETURN_SECONDS)  # fmt: skip
        returned = time.time() - ended
        # Faster: to the last of it.
        spenders = [Caller(f"{kind}-{name}", chat(f"{kind}-{name}"))
                    for kind in ("lease", "deny")] * 10  # fmt: skip
        with bench.crowd(spenders) as rest:
            for kind in ("lease", "deny"):
                poll(f"{kind} is spent", lambda: is_spent(rest, f"{kind}-{name}"), RETURN_SECONDS)
    bench.rest(rest, CODES_WHEN_LOST)
    books = bench.rest(crowd, CODES_WHEN_LOST)
    gone = {kind: bench.equals_store(books, f"{kind}-{name}")
            for kind in ("lease", "deny", "allow", "local")}  # fmt: skip
    for kind in ("slots", "bucket"):
        bench.holds_nothing(f"{kind}-{name}")

    def of(kind: str) -> list[Answer]:
        return crowd.of(f"{kind}-{name}")

    def between(kind: str, first: float, last: float) -> int:
        return sum(answer.is_allowed and first <= answer.began < last for answer in of(kind))

    counters = {kind: counter_of(f"{kind}-{name}", "n") for kind in KINDS}
    peaks = {kind: books.peak(counter) for kind, counter in counters.items()}
    peaks["bucket"] = books.bucket_peak(counters["bucket"], PER_MINUTE, "minute")
    [budget] = bench.fleet.options.policy["tenants"][f"lease-{name}"]["limits"]
    return Loss(
        budget["requests"],
        {kind: (between(kind, 0, began), between(kind, began, ended), between(kind, ended, 1e12))
         for kind in KINDS},
        {kind: sum(answer.code == "store_unavailable" for answer in of(kind)) for kind in KINDS},
        between("deny", began + LOST_SECONDS, ended),
        max(answer.seconds for answer in (*crowd.answers, *rest.answers)),
        peaks, {kind: books.used(counter) for kind, counter in counters.items()}, gone, returned, books,
    )  # fmt: skip


def _is_back(answer: Answer) -> bool:
    return answer.is_allowed or answer.status == 429


# Faults of one server.


@contextlib.contextmanager
def killed(server: RedisServer):
    """kill -9; what comes back knows nothing."""
    server.kill()
    yield
    server.start()


@contextlib.contextmanager
def flushed(server: RedisServer):
    server("FLUSHALL")
    yield


@contextlib.contextmanager
def cut(server: RedisServer):
    """The connections are reset, and those that follow, too."""
    for _ in range(5):
        server.proxy.cut()
        time.sleep(0.1)
    yield


@contextlib.contextmanager
def full(server: RedisServer):
    """`maxmemory` is reached: nothing that writes is done."""
    server("CONFIG", "SET", "maxmemory", 1)
    try:
        yield
    finally:
        server("CONFIG", "SET", "maxmemory", 0)


@contextlib.contextmanager
def locked(server: RedisServer):
    """Another password, and everybody has to give it again."""
    with server.client() as client:
        client("CONFIG", "SET", "requirepass", "another-password")
        client("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        try:
            yield
        finally:
            client("CONFIG", "SET", "requirepass", PASSWORD)


@contextlib.contextmanager
def mistaken(fleet: Fleet):
    """All replicas read a wrong password at a reload."""
    _read_password(fleet, "wrong-password")
    try:
        yield
    finally:
        _read_password(fleet, fleet.options.password)


def _read_password(fleet: Fleet, password: str) -> None:
    fleet.write_password(password)
    for replica in fleet.replicas:
        replica.reload()


@contextlib.contextmanager
def emptied(server: RedisServer, other: RedisServer):
    """A fail-over to a server that knows nothing."""
    server.proxy.target = other.port
    server.proxy.cut()
    yield


@contextlib.contextmanager
def aged(server: RedisServer, other: RedisServer, seconds: float = 1):
    """A fail-over to a replica that had stopped to follow some seconds before."""
    other("REPLICAOF", "127.0.0.1", server.port)
    poll("it follows", lambda: other.info("replication")["master_link_status"] == "up")
    other("REPLICAOF", "NO", "ONE")
    time.sleep(seconds)
    server.proxy.target = other.port
    server.proxy.cut()
    yield


# Each fault of one server: whether the store cannot be asked meanwhile.
FAULTS: dict[str, tuple[Callable[[Bench], AbstractContextManager], bool]] = {
    "killed": (lambda bench: killed(bench.store.server), True),
    "paused": (lambda bench: bench.store.server.paused(), True),
    "hole": (lambda bench: bench.store.server.proxy.during(Fault.HOLE), True),
    "refused": (lambda bench: bench.store.server.proxy.during(Fault.REFUSE), True),
    "full": (lambda bench: full(bench.store.server), True),
    "locked": (lambda bench: locked(bench.store.server), True),
    "mistaken": (lambda bench: mistaken(bench.fleet), True),
    "slow": (lambda bench: bench.store.server.proxy.during(Fault.SLOW), False),
    "cut": (lambda bench: cut(bench.store.server), False),
    "flushed": (lambda bench: flushed(bench.store.server), False),
}
# Each fail-over to another server.
OTHERS: dict[str, Callable[[RedisServer, RedisServer], AbstractContextManager]] = {
    "emptied": emptied, "aged": aged,
}  # fmt: skip


def break_store(bench: Bench, name: str, seconds: float, crowd: float = 1) -> Loss:
    """The fault of that name for so many seconds; what must hold is checked. `crowd`: the part of the
    clients that ask; each then asks more often."""
    if name in FAULTS:
        make, is_lost = FAULTS[name]
        loss = lose(bench, name, make(bench), seconds, crowd)
    else:
        is_lost = False
        with _other_server(bench) as other:
            loss = lose(bench, name, OTHERS[name](bench.store.server, other), seconds, crowd)
    loss.check(is_lost)
    return loss


@contextlib.contextmanager
def _other_server(bench: Bench) -> Iterator[RedisServer]:
    """One that can take the store's place. Afterwards the first one has it again, and knows nothing: it
    must not go on with what it held before."""
    server = bench.store.server
    other = RedisServer(Path(tempfile.mkdtemp(dir=bench.fleet.folder)), proxied=False).start()
    bench.store.acting = other
    try:
        yield other
    finally:
        server.kill()
        server.start()
        server.proxy.target = server.port
        server.proxy.cut()
        bench.store.acting = None
        other.stop()
        bench.wait_until_open()
