"""A calendar window ends under load, by the store's clock, for all replicas at once."""

import time

from fleet import Fleet, FleetOptions
from fleet_bench import CODES_WHEN_LOST, Bench, wait_until
from fleet_clients import Caller
from fleet_policy import chat, counter_of, fleet_policy
from harness import poll
from redis_servers import Standalone
from wall_clock import WallClock

AMOUNT = 400
DAY = 86_400
TENANTS = {"days": [{"name": "n", "requests": AMOUNT, "per": "day"}]}


def test_each_window_has_its_own_budget_and_no_request_is_of_two(tmp_path):
    clock = WallClock(tmp_path)
    environment = {"LD_PRELOAD": str(clock.library), "TEST_WALL_CLOCK": str(clock.path)}
    # The day begins anew some seconds from now, when all are started.
    midnight = int(time.time()) + 12
    clock.set(-midnight % DAY)
    options = FleetOptions(fleet_policy(TENANTS), environment=environment)
    with Standalone(tmp_path, environment=environment) as store:
        options.store = store.url
        with Fleet(options) as fleet:
            bench = Bench(fleet, store)
            callers = [Caller("days", chat("days"), 0.25, obeys=False)] * 30
            with bench.crowd(callers) as crowd:
                wait_until(midnight + 1)
                poll("the second day's budget is spent, too", lambda: any(
                    answer.began > midnight + 1 for answer in crowd.refused("days", "insufficient_quota")
                ))  # fmt: skip
                wait_until(time.time() + 3)
            books = bench.rest(crowd, CODES_WHEN_LOST)
            counter = counter_of("days", "n")
            first, second = sorted(books.windows(counter))
            assert second - first == DAY * 1000
            assert books.peak(counter, first) <= AMOUNT
            assert books.peak(counter, second) == books.used(counter, second) == AMOUNT
