"""A scenario of a calendar window that ends under load, by the store's clock, for all replicas at once."""

import time
from dataclasses import dataclass
from pathlib import Path

from fleet import REPLICAS, Fleet, FleetOptions
from fleet_bench import CODES_WHEN_LOST, Bench, wait_until
from fleet_clients import Caller
from fleet_policy import chat, counter_of, fleet_policy
from harness import poll
from redis_servers import Standalone
from wall_clock import WallClock

DAY = 86_400
# When the day begins anew, all are started.
START_SECONDS = 12


@dataclass(frozen=True)
class Days:
    """How the budgets of two days were used."""

    peaks: tuple[int, int]
    used: tuple[int, int]
    # Answers that were neither a model's nor a limit's refusal.
    unavailable: int


def end_day(folder: Path, amount: int, replicas: int = REPLICAS, lease: bool = True) -> Days:
    """Two days' budgets of requests are asked for by a fleet of its own."""
    clock = WallClock(folder)
    environment = {"LD_PRELOAD": str(clock.library), "TEST_WALL_CLOCK": str(clock.path)}
    midnight = int(time.time()) + START_SECONDS
    clock.set(-midnight % DAY)
    policy = fleet_policy({"days": [{"name": "n", "requests": amount, "per": "day"}]})
    options = FleetOptions(policy, replicas=replicas, lease=lease, environment=environment)
    with Standalone(folder, environment=environment) as store:
        options.store = store.url
        with Fleet(options) as fleet:
            bench = Bench(fleet, store)
            callers = [Caller("days", chat("days"), 30 / (amount * 0.3), obeys=False)] * 30
            with bench.crowd(callers) as crowd:
                wait_until(midnight + 1)
                poll("the second day's budget is spent, too", lambda: any(
                    answer.began > midnight + 1 for answer in crowd.refused("days", "insufficient_quota")
                ))  # fmt: skip
                wait_until(time.time() + 3)
            books = bench.rest(crowd, CODES_WHEN_LOST)
            assert bench.equals_store(books, "days") == 0
    counter = counter_of("days", "n")
    first, second = sorted(books.windows(counter))
    assert second - first == DAY * 1000
    return Days(
        (books.peak(counter, first), books.peak(counter, second)),
        (books.used(counter, first), books.used(counter, second)),
        len(crowd.refused("days", "store_unavailable")),
    )  # fmt: skip
