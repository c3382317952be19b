"""That the fleet's bench sees what it is there for: replicas without a store overspend together."""

import time

from fleet import Fleet, FleetOptions
from fleet_books import at_rest
from fleet_clients import Caller, Crowd
from fleet_policy import chat, counter_of, fleet_policy
from harness import poll

AMOUNT = 50
REPLICAS = 4
TENANTS = {
    "budget": [{"name": "n", "requests": AMOUNT, "per": "month"}],
    "slots": [{"name": "n", "concurrent": 2}],
    "bucket": [{"name": "n", "requests": 600, "per": "minute", "burst": 10}],
}


def test_replicas_that_share_nothing_overspend_and_the_books_say_so():
    options = FleetOptions(fleet_policy(TENANTS), replicas=REPLICAS)
    callers = [Caller("budget", chat("budget"))] * 8
    callers += [Caller("slots", chat("slots", delay_ms=100))] * 12
    callers += [Caller("bucket", chat("bucket"), interval=0.1, obeys=False)] * 16
    with Fleet(options) as fleet:
        with Crowd(fleet.listener, callers) as crowd:
            began = time.monotonic()
            poll("each has spent it", lambda: len(crowd.allowed("budget")) >= AMOUNT * REPLICAS)
            poll("some seconds of load", lambda: time.monotonic() - began > 3)
        books = at_rest(fleet.ledgers, crowd.tenants)
        books.match(crowd.answers)
        assert crowd.hung == 0 and crowd.broken == []
        assert all(books.by_ledger[number] > 0 for number in range(REPLICAS)), books.by_ledger
        assert books.peak(counter_of("budget", "n")) == AMOUNT * REPLICAS
        assert 2 < books.peak(counter_of("slots", "n")) <= 2 * REPLICAS
        assert books.bucket_peak(counter_of("bucket", "n"), 600, "minute") > 15
        assert crowd.refused("budget", "insufficient_quota")
        assert crowd.refused("bucket", "rate_limit_exceeded")
