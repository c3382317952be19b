"""A fleet with its store and its books: what every scenario of the fleet's tests needs."""

import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from fleet import Fleet
from fleet_books import FleetBooks, at_rest
from fleet_clients import Caller, Crowd
from fleet_policy import counter_of
from fleet_store import read_counter
from fleet_trace import trace
from harness import SANITIZER, poll
from store_reader import Counter

# How Envoy itself answers where a replica is gone in the middle of an exchange.
CODES_OF_ENVOY = {"unreadable", "upstream_unavailable", "no_route"}
# What the product may answer; anything else is Envoy's, or a fault.
CODES_WHEN_WELL = {"", "rate_limit_exceeded", "insufficient_quota"}
CODES_WHEN_LOST = CODES_WHEN_WELL | {"store_unavailable"}
# No answer takes longer, whatever the store does. Far above `--store-timeout`, for busy machines;
# far below what Envoy waits for (5 s).
ANSWER_SECONDS = 15 if SANITIZER else 3
# In which what is leased elsewhere comes back and is given out.
SPENT_SECONDS = 3
# Unused slices go back a second after the last use.
RETURNED_SECONDS = 20
# In which each replica notices that the store has lost what it knew.
OPEN_SECONDS = 3
NANO_IN_MICRO = 1000


@dataclass
class Bench:
    fleet: Fleet
    # A `Standalone`, `SentinelSet` or `RedisCluster`; None: the replicas share nothing.
    store: object | None = None
    # All that asked, for the balance at the end.
    crowds: list[Crowd] = field(default_factory=list)

    def crowd(self, callers: list[Caller]) -> Crowd:
        self.crowds.append(Crowd(self.fleet.listener, callers))
        return self.crowds[-1]

    def rest(self, crowd: Crowd, codes: set[str] = CODES_WHEN_WELL) -> FleetBooks:
        """When the load has stopped: as `is_well`, and everything is on record."""
        self.is_well(crowd, codes)
        return self.books(crowd)

    def is_well(self, crowd: Crowd, codes: set[str] = CODES_WHEN_WELL) -> None:
        """Nobody waited for long, every answer was one of these, and every replica lives."""
        self.fleet.check()
        assert crowd.hung == 0 and crowd.broken == [], (crowd.hung, crowd.broken[:3])
        others = [answer for answer in crowd.answers if answer.code not in codes]
        assert not others, f"of {len(crowd.answers)}: {trace(self.fleet, others)}"

    def longest(self, *crowds: Crowd) -> float:
        """The seconds that the longest answer took; none may take too long."""
        answers = [answer for crowd in crowds for answer in crowd.answers]
        slow = [answer for answer in answers if answer.seconds >= ANSWER_SECONDS]
        assert not slow, f"too slow, of {len(answers)}: {trace(self.fleet, slow)}"
        return max(answer.seconds for answer in answers)

    def books(self, crowd: Crowd) -> FleetBooks:
        books = at_rest(self.fleet.ledgers, crowd.tenants, frozenset(self.fleet.aside))
        books.match(crowd.answers)
        return books

    def counter(self, tenant: str) -> Counter:
        """The tenant's one counter, as the store has it now."""
        [limit] = self.fleet.options.policy["tenants"][tenant]["limits"]
        return read_counter(self.store, counter_of(tenant, limit["name"]), limit)

    def holds_nothing(self, tenant: str) -> None:
        """Some seconds after the last use nothing is leased of a bucket, and no slot is taken."""

        def is_at_rest() -> bool:
            counter = self.counter(tenant)
            return counter.unspent == 0 and (counter.kind != "slots" or counter.sum == 0)

        poll(f"nothing of {tenant} is held: {self.counter(tenant)}", is_at_rest, RETURNED_SECONDS)

    def equals_store(self, books: FleetBooks, tenant: str, unknown: int = 0) -> int:
        """Some seconds after the last use nothing is leased of a budget, and the store's sum is that of
        the ledgers; `books` are those of a fleet at rest. What was in use when the store lost writes
        and nobody claimed is returned; without such a loss it is 0. `unknown`: as much more the store may
        have, because an old copy of a ledger does not know what its process used last."""
        [limit] = self.fleet.options.policy["tenants"][tenant]["limits"]
        by_ledger: dict[int, int] = defaultdict(int)
        moves = books.moves[counter_of(tenant, limit["name"])]
        # The store keeps one window, the last.
        last = max((move.window for move in moves), default=None)
        for move in moves:
            by_ledger[move.ledger] += move.amount if move.window == last else 0
        # Money is rounded up once for each holder.
        unit = NANO_IN_MICRO if "usd" in limit else 1
        used = sum(-(-amount // unit) for amount in by_ledger.values())

        def is_at_rest() -> bool:
            counter = self.counter(tenant)
            return counter.unspent == 0 and counter.sum == counter.settled + counter.gone

        poll(f"nothing of {tenant} is leased: {self.counter(tenant)}", is_at_rest, RETURNED_SECONDS)
        counter = self.counter(tenant)
        less = counter.settled - used
        assert 0 <= less <= unknown, f"the store has {counter}, the ledgers {dict(by_ledger)}"
        assert sum(one.settled for one in counter.holders.values()) == counter.settled, counter
        return counter.gone

    def wait_until_open(self) -> None:
        """Every replica takes all that it asks of the store for open, for some time: one that has not
        noticed a loss yet does, too."""
        since = time.monotonic()

        def is_open() -> bool:
            nonlocal since
            if not all(replica.is_store_open() for replica in self.fleet.replicas):
                since = time.monotonic()
            return time.monotonic() - since > OPEN_SECONDS

        poll("the store is open to all", is_open)

    def inflight(self) -> int:
        """Exchanges that the replicas have under way now."""
        return sum(
            int(replica.metrics().sum("ai_gateway_inflight_requests"))
            for replica in self.fleet.replicas
        )

    def calls(self) -> int:
        """Scripts that the masters have run since they started."""
        count = 0
        for server in self.store.masters():
            calls = server.calls()
            count += sum(calls.get(name, 0) for name in ("eval", "evalsha", "fcall"))
        return count


def together(*scenarios: Callable[[], object]) -> list:
    """Scenarios of different tenants at the same time; what each returned."""
    with ThreadPoolExecutor(len(scenarios)) as pool:
        return [future.result() for future in [pool.submit(one) for one in scenarios]]


def is_spent(crowd: Crowd, tenant: str) -> bool:
    """For some seconds everything was refused, and for want of budget."""
    since = time.time() - SPENT_SECONDS
    answers = crowd.of(tenant)
    late = [answer for answer in answers if answer.began > since]
    return (
        min(answer.began for answer in answers) < since
        and len(late) >= 5 and all(answer.status == 429 for answer in late)
    ) if answers else False  # fmt: skip


def wait_until(moment: float) -> None:
    """Unix seconds. For stretches of load that a scenario is about, never for readiness."""
    time.sleep(max(0, moment - time.time()))
