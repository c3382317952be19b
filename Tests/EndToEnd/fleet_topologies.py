"""Scenarios of a store of several servers: its masters change, and its slots move, under load."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from fleet_bench import CODES_WHEN_LOST, Bench, is_spent
from fleet_clients import Caller
from fleet_policy import chat, counter_of
from harness import poll
from redis_servers import RedisCluster, SentinelSet

RETURN_SECONDS = 60
# As many tenants spread over the 64 partitions reach each of three masters.
TENANTS = 12
SLOTS = 3


def tenants(amount: int, *scenarios: str) -> dict[str, list[dict]]:
    """For each scenario many tenants with a budget each, and one with slots."""
    limits = {
        f"{name}-{number}": [{"name": "n", "requests": amount, "per": "month"}]
        for name in scenarios for number in range(TENANTS)
    }  # fmt: skip
    slots = {f"{name}-slots": [{"name": "n", "concurrent": SLOTS}] for name in scenarios}
    return limits | slots


@dataclass
class Moved:
    """How the limits stood after the store had changed under load."""

    amount: int
    peaks: list[int]
    # With what is held by nobody, because a master had lost writes: that is `gone`.
    used: list[int]
    gone: int
    slots_peak: int
    slots_left: int
    longest: float
    unavailable: int
    answers: int
    # From the change's end until every tenant was let through, or refused as spent.
    returned: float

    def row(self) -> str:
        return (f"{self.answers} answers, {self.unavailable} unavailable, longest "
                f"{self.longest * 1000:.0f} ms, back after {self.returned:.1f} s")  # fmt: skip

    def check(self) -> None:
        assert max(self.peaks) <= self.amount, self.peaks
        assert self.used == [self.amount] * TENANTS, self.used
        assert self.gone <= self.amount * TENANTS // 10, self.gone
        assert self.slots_peak <= SLOTS and self.slots_left == 0, self


def change(bench: Bench, name: str, amount: int, work: Callable[[], None]) -> Moved:
    """`work` changes the store under the load of tenants in every part of it."""
    names = [f"{name}-{number}" for number in range(TENANTS)]
    slots = f"{name}-slots"
    callers = [Caller(tenant, chat(tenant), 0.1, obeys=False) for tenant in names]
    callers += [Caller(slots, chat(slots, 60), patience=0.2)] * 6
    with bench.crowd(callers) as crowd:
        for tenant in (*names, slots):
            poll(f"{tenant} is let through", lambda: len(crowd.allowed(tenant)) >= 3)
        work()
        ended = time.time()
        for tenant in (*names, slots):
            poll(f"{tenant} is let through again, or refused as spent",
                 lambda: any(answer.status in (200, 429) for answer in crowd.of(tenant)
                             if answer.began > ended), RETURN_SECONDS)  # fmt: skip
        returned = time.time() - ended
        spenders = [Caller(tenant, chat(tenant)) for tenant in names] * 3
        with bench.crowd(spenders) as rest:
            for tenant in names:
                poll(f"{tenant} is spent", lambda: is_spent(rest, tenant), RETURN_SECONDS)
    bench.rest(rest, CODES_WHEN_LOST)
    books = bench.rest(crowd, CODES_WHEN_LOST)
    gone = [bench.equals_store(books, tenant) for tenant in names]
    counters = [counter_of(tenant, "n") for tenant in names]
    every = [*crowd.answers, *rest.answers]
    return Moved(
        amount, [books.peak(counter) for counter in counters],
        [books.used(counter) + left for counter, left in zip(counters, gone)], sum(gone),
        books.peak(counter_of(slots, "n")),
        books.used(counter_of(slots, "n")), bench.longest(crowd, rest),
        sum(answer.code == "store_unavailable" for answer in every), len(every), returned,
    )  # fmt: skip


def fail_over(store: SentinelSet) -> None:
    """The master is killed; the sentinels make another."""
    old = store.master()
    old.kill()
    store.wait_for_another(old)
    # The set is whole again for whoever comes next: the new master has a replica to write to.
    old.start()


def promote(store: SentinelSet) -> None:
    """An orderly fail-over, as before a server is taken out."""
    old = store.master()
    store.sentinels[0]("SENTINEL", "FAILOVER", store.NAME)
    store.wait_for_another(old)


def lose_master(store: RedisCluster) -> None:
    """A master of the cluster is killed; its replica takes its place."""
    store.servers[0].kill()
    poll("the cluster is whole again", store.is_whole, 60)


def move_slots(store: RedisCluster, every: int) -> None:
    """Slots go from the first master to the second under load: every n-th one of those with keys, and
    all of them back."""
    first, second = store.servers[:2]
    owned = [
        slot for slot in range(16384 // 3) if first("CLUSTER", "COUNTKEYSINSLOT", slot)
    ][::every]  # fmt: skip
    assert owned, "the first master has no keys"
    for target in (second, first):
        for slot in owned:
            store.move(slot, target)
