"""Scenarios of limits that a fleet shares: each spends a tenant's limit with many clients and says what
came of it. Used by the tests, in short, and by `Tests/Fleet/run`, at length."""

import time
from collections import Counter
from dataclasses import dataclass

from fleet_bench import Bench, wait_until
from fleet_books import PERIODS, UNCERTAINTY_MS, FleetBooks
from fleet_clients import Caller, Crowd
from fleet_policy import chat, counter_of
from harness import poll

SPENT_SECONDS = 120
# When a limit is spent to the last, after the first refusal.
EVEN_OUT_SECONDS = 3


@dataclass(frozen=True)
class Spent:
    """How a budget was spent."""

    amount: int
    # By the first refusal, and `EVEN_OUT_SECONDS` after it.
    at_refusal: int
    at_end: int
    # The most that was taken at one moment, and what is taken now.
    peak: int
    used: int
    # The largest reservation of one request.
    largest: int
    replicas: int


def spend(
    bench: Bench, tenant: str, amount: int, clients: int = 200, rate: float = 0
) -> tuple[Spent, FleetBooks, Crowd]:
    """Many clients ask for more than a budget has; `rate`: so many requests a second in all, evenly."""
    spent, books, crowd = spend_all(bench, {tenant: amount}, clients, rate)
    return spent[tenant], books, crowd


def spend_all(
    bench: Bench, amounts: dict[str, int], clients: int = 200, rate: float = 0
) -> tuple[dict[str, Spent], FleetBooks, Crowd]:
    """As `spend`, the budgets of several tenants at the same time, each by its part of the clients."""
    interval = clients / rate if rate else 0
    part = clients // len(amounts)
    callers = [Caller(tenant, chat(tenant), interval) for tenant in amounts for _ in range(part)]
    with bench.crowd(callers) as crowd:
        first = {
            tenant: poll(f"a refusal of {tenant}", lambda: crowd.first_refusal(tenant), SPENT_SECONDS)
            for tenant in amounts
        }
        wait_until(max(answer.ended for answer in first.values()) + EVEN_OUT_SECONDS)
    books = bench.rest(crowd)
    told = {
        tenant: _spent(books, tenant, amount, first[tenant].ended)
        for tenant, amount in amounts.items()
    }
    return told, books, crowd


def _spent(books: FleetBooks, tenant: str, amount: int, refused: float) -> Spent:
    counter = counter_of(tenant, "n")
    admissions = books.admissions(counter)

    def taken(until: float) -> int:
        return sum(move.amount for move in books.moves[counter] if move.time <= until * 1000)

    return Spent(
        amount, taken(refused), taken(refused + EVEN_OUT_SECONDS), books.peak(counter),
        books.used(counter), max(move.amount for move in admissions),
        len({move.ledger for move in admissions}),
    )  # fmt: skip


@dataclass(frozen=True)
class Skewed:
    """How a budget was spent where one replica gets most of the load."""

    spent: Spent
    # What the others used in the last second before the first refusal: as much may have lain with them.
    bound: int


def skew(bench: Bench, tenant: str, amount: int, rate: float, share: float = 0.8) -> Skewed:
    """As `spend`, where the first replica gets that share of the requests."""
    replicas = bench.fleet.replicas
    others = len(replicas) - 1
    bench.fleet.weigh({replicas[0].name: round(100 * others * share / (1 - share))}, 100)
    try:
        spent, books, _ = spend(bench, tenant, amount, rate=rate)
    finally:
        bench.fleet.weigh({}, 1)
    moves = sorted(books.admissions(counter_of(tenant, "n")), key=lambda move: move.time)
    by_ledger = Counter(move.ledger for move in moves)
    [(busiest, _)] = by_ledger.most_common(1)
    assert by_ledger[busiest] > 0.6 * len(moves), by_ledger
    second = [move for move in moves[:spent.at_refusal] if move.ledger != busiest
              and move.time > moves[spent.at_refusal - 1].time - 1000]  # fmt: skip
    return Skewed(spent, len(second))


@dataclass(frozen=True)
class Rate:
    """How a bucket was drawn from."""

    # The most that a stretch of time took beyond its refill; to be at most the capacity.
    peak: float
    capacity: int
    # Admitted, and what the bucket had for the time from the first request to the last.
    admitted: int
    had: float
    asked: int

    @property
    def share(self) -> float:
        return self.admitted / self.had


def draw(
    bench: Bench, tenant: str, amount: int, period: str, capacity: int, seconds: float,
    clients: int = 100, times: float = 2,
) -> Rate:  # fmt: skip
    """For so many seconds, `times` as much is asked of a bucket of requests as is refilled."""
    rate = amount / PERIODS[period] * 1000
    caller = Caller(tenant, chat(tenant), clients / (rate * times), obeys=False)
    with bench.crowd([caller] * clients) as crowd:
        poll("it begins", lambda: crowd.allowed(tenant), 30)
        wait_until(time.time() + seconds)
    books = bench.rest(crowd)
    counter = counter_of(tenant, "n")
    began = min(answer.began for answer in crowd.answers)
    ended = max(answer.began for answer in crowd.answers)
    return Rate(
        books.bucket_peak(counter, amount, period), capacity, len(books.admissions(counter)),
        capacity + rate * (ended - began), len(crowd.answers),
    )  # fmt: skip


@dataclass(frozen=True)
class Slots:
    amount: int
    # The most at one moment, in the kindest order.
    peak: int
    admitted: int
    refused: int
    left: int


def crowd_slots(
    bench: Bench, tenant: str, amount: int, seconds: float, clients: int = 40, delay_ms: int = 60
) -> Slots:
    """More clients than slots, each holding its slot for a while, for so many seconds."""
    assert delay_ms > 4 * UNCERTAINTY_MS, "too short to be told apart"
    caller = Caller(tenant, chat(tenant, delay_ms), patience=0.1)
    with bench.crowd([caller] * clients) as crowd:
        poll("it begins", lambda: crowd.allowed(tenant), 30)
        wait_until(time.time() + seconds)
    books = bench.rest(crowd)
    counter = counter_of(tenant, "n")
    return Slots(
        amount, books.peak(counter), len(crowd.allowed(tenant)), len(crowd.refused(tenant)),
        books.used(counter),
    )  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """What refusals cost the store."""

    refusals: int
    # Scripts a second, for each replica: for these refusals, and before them.
    calls: float
    idle: float


def refuse(
    bench: Bench, tenant: str, seconds: float, amount: int = 0, clients: int = 100, rate: float = 200
) -> Cost:
    """A caller over its limit goes on asking; `amount` of its requests are let through before. What the
    store is asked anyway is measured before the load and taken off."""
    began, before = time.monotonic(), bench.calls()
    wait_until(time.time() + 2)
    idle = (bench.calls() - before) / (time.monotonic() - began)
    caller = Caller(tenant, chat(tenant), clients / rate, obeys=False)
    with bench.crowd([caller] * clients) as crowd:
        poll("all are refused", lambda: len(crowd.refused(tenant)) > 10 * clients ** 0.5
             and len(crowd.allowed(tenant)) == amount, 30)  # fmt: skip
        began, before, refused = time.monotonic(), bench.calls(), len(crowd.refused(tenant))
        allowed = len(crowd.allowed(tenant))
        wait_until(time.time() + seconds)
        calls, lasted = bench.calls() - before, time.monotonic() - began
        refusals = len(crowd.refused(tenant)) - refused
        assert len(crowd.allowed(tenant)) == allowed, "it was let through meanwhile"
    bench.is_well(crowd)
    return Cost(refusals, (calls / lasted - idle) / len(bench.fleet.replicas),
                idle / len(bench.fleet.replicas))  # fmt: skip


def crowd_out(bench: Bench, tenant: str, slots: int, seconds: float) -> Cost:
    """All slots are taken for the whole time, and a crowd asks for one."""
    holder = Caller(tenant, chat(tenant, delay_ms=int(seconds * 1000) + 8_000))
    with bench.crowd([holder] * slots) as crowd:
        poll("all slots are taken", lambda: bench.inflight() == slots)
        cost = refuse(bench, tenant, seconds)
        crowd.abandon()
    return cost


@dataclass(frozen=True)
class Decided:
    """Where admissions came from."""

    from_slices: int
    decisions: int

    @property
    def share(self) -> float:
        return self.from_slices / self.decisions


def decide(bench: Bench, tenant: str, seconds: float, rate: float, clients: int = 80) -> Decided:
    """Callers of `rate` requests a second at each replica."""
    replicas = len(bench.fleet.replicas)
    caller = Caller(tenant, chat(tenant), clients / (rate * replicas))

    def decisions() -> Counter:
        sums: Counter = Counter()
        for replica in bench.fleet.replicas:
            sums.update(replica.metrics().by("ai_gateway_store_decisions_total", "from"))
        return sums

    with bench.crowd([caller] * clients) as crowd:
        # From the second use within a second on there are slices.
        poll("all are in use", lambda: len(crowd.allowed(tenant)) > 2 * rate * replicas)
        before = decisions()
        wait_until(time.time() + seconds)
        told = decisions() - before
    bench.is_well(crowd)
    assert sum(told.values()) > 0.6 * rate * seconds * replicas, f"the load was too small: {told}"
    return Decided(int(told["slices",]), int(sum(told.values())))
