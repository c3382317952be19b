"""A fleet with its store and its books: what every scenario of the fleet's tests needs."""

import time
from dataclasses import dataclass

from fleet import Fleet
from fleet_books import FleetBooks, at_rest
from fleet_clients import Caller, Crowd
from harness import SANITIZER

# What the product may answer; anything else is Envoy's, or a fault.
CODES_WHEN_WELL = {"", "rate_limit_exceeded", "insufficient_quota"}
CODES_WHEN_LOST = CODES_WHEN_WELL | {"store_unavailable"}
# No answer takes longer, whatever the store does. Far above `--store-timeout`, for busy machines;
# far below what Envoy waits for (5 s).
ANSWER_SECONDS = 15 if SANITIZER else 3


@dataclass
class Bench:
    fleet: Fleet
    # A `Standalone`, `SentinelSet` or `RedisCluster`; None: the replicas share nothing.
    store: object | None = None

    def crowd(self, callers: list[Caller]) -> Crowd:
        return Crowd(self.fleet.listener, callers)

    def rest(self, crowd: Crowd, codes: set[str] = CODES_WHEN_WELL) -> FleetBooks:
        """When the load has stopped: as `is_well`, and everything is on record."""
        self.is_well(crowd, codes)
        return self.books(crowd)

    def is_well(self, crowd: Crowd, codes: set[str] = CODES_WHEN_WELL) -> None:
        """Nobody waited for long, every answer was one of these, and every replica lives."""
        self.fleet.check()
        assert crowd.hung == 0 and crowd.broken == [], (crowd.hung, crowd.broken[:3])
        others = [answer for answer in crowd.answers if answer.code not in codes]
        assert not others, f"{len(others)} of {len(crowd.answers)} answers, such as {others[:3]}"

    def books(self, crowd: Crowd) -> FleetBooks:
        books = at_rest(self.fleet.ledgers)
        books.match(crowd.answers)
        return books

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


def wait_until(moment: float) -> None:
    """Unix seconds. For stretches of load that a scenario is about, never for readiness."""
    time.sleep(max(0, moment - time.time()))
