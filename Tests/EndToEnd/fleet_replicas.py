"""Scenarios of replicas that stop, die and come back, with their ledger, an old copy of it or none, and of
a fleet that is replaced under load."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from fleet import Replica
from fleet_bench import CODES_WHEN_LOST, CODES_WHEN_WELL, Bench, is_spent, wait_until
from fleet_books import FleetBooks
from fleet_clients import Caller, Crowd
from fleet_policy import chat, counter_of
from harness import poll

# How Envoy itself answers where a replica is gone in the middle of an exchange.
CODES_OF_ENVOY = {"unreadable", "upstream_unavailable", "no_route"}
SPENT_SECONDS = 90


@dataclass
class Life:
    peak: int
    used: int
    answers: int
    # Answers that were Envoy's own, by code.
    failed: int
    books: FleetBooks


def budget_crowd(bench: Bench, tenant: str, clients: int = 60, rate: float = 200) -> Crowd:
    return bench.crowd([Caller(tenant, chat(tenant), clients / rate)] * clients)


def until(crowd: Crowd, tenant: str, count: int) -> None:
    poll(f"{count} are let through", lambda: len(crowd.allowed(tenant)) >= count, SPENT_SECONDS)


def spend_rest(bench: Bench, tenant: str, codes: set[str]) -> None:
    """What is left of the budget, to the last."""
    with bench.crowd([Caller(tenant, chat(tenant))] * 40) as crowd:
        poll("it is spent", lambda: is_spent(crowd, tenant), SPENT_SECONDS)
    bench.rest(crowd, codes)


def life(bench: Bench, crowd: Crowd, tenant: str, codes: set[str]) -> Life:
    """What came of a budget: on record, and as clients saw it."""
    books = bench.rest(crowd, codes)
    counter = counter_of(tenant, "n")
    failed = sum(answer.code in CODES_OF_ENVOY for answer in crowd.answers)
    return Life(books.peak(counter), books.used(counter), len(crowd.answers), failed, books)


def pause_one(bench: Bench, tenant: str, amount: int, seconds: float) -> Life:
    """One replica hangs, with leases in hand, for longer than leases last."""
    replica = bench.fleet.replicas[0]
    codes = CODES_WHEN_WELL | CODES_OF_ENVOY
    with budget_crowd(bench, tenant) as crowd:
        until(crowd, tenant, amount // 4)
        with replica.paused():
            wait_until(time.time() + seconds)
        poll("envoy sees it again", lambda: replica.path in bench.fleet.seen())
        until(crowd, tenant, amount // 2)
    spend_rest(bench, tenant, codes)
    return life(bench, crowd, tenant, codes)


def kill_one(bench: Bench, tenant: str, amount: int, comes_back: str) -> Life:
    """kill -9 of a replica that has leases out. It `comes_back` "whole", with its ledger; "old", with a
    copy of its ledger from before; "empty"."""
    fleet = bench.fleet
    replica = fleet.replicas[0]
    codes = CODES_WHEN_LOST | CODES_OF_ENVOY
    kept = fleet.folder / f"kept-{tenant}"
    if comes_back == "old":
        replica.stop()
        shutil.copytree(replica.data, kept)
        replica.start()
        poll("envoy sees it", lambda: replica.path in fleet.seen())
    with budget_crowd(bench, tenant) as crowd:
        until(crowd, tenant, amount // 3)
        replica.kill()
        if comes_back != "whole":
            lost = fleet.folder / f"lost-{tenant}"
            replica.data.rename(lost)
            fleet.gone.append(_Record(lost))
        if comes_back == "old":
            kept.rename(replica.data)
        replica.start()
        poll("envoy sees it again", lambda: replica.path in fleet.seen())
        until(crowd, tenant, amount // 2)
    spend_rest(bench, tenant, codes)
    return life_without(bench, crowd, tenant, codes)


@dataclass
class _Record:
    """A data directory that was put aside: what is in it happened."""

    data: Path


def life_without(bench: Bench, crowd: Crowd, tenant: str, codes: set[str]) -> Life:
    """As `life`, where a directory was put aside: what was open in it stays open, as reserved."""
    bench.fleet.check()
    assert crowd.hung == 0
    others = [answer for answer in crowd.answers if answer.code not in codes]
    assert not others, others[:3]
    aside = {entry.data for entry in bench.fleet.gone if isinstance(entry, _Record)}

    def books() -> FleetBooks | None:
        now = FleetBooks(bench.fleet.ledgers)
        places = [number for number, path in enumerate(bench.fleet.ledgers) if path in aside]
        left = [one for one in now.open if now.admitted[one][0] not in places]
        return None if left else now

    now = poll("what is open in the others has ended", books, 30)
    for answer in crowd.answers:
        assert not answer.is_allowed or answer.request_id in now.admitted, answer
    counter = counter_of(tenant, "n")
    failed = sum(answer.code in CODES_OF_ENVOY for answer in crowd.answers)
    return Life(now.peak(counter), now.used(counter), len(crowd.answers), failed, now)


def replace_all(bench: Bench, tenant: str, amount: int) -> tuple[Life, float]:
    """Every replica is replaced under load, the new one ready before the old one drains, as a rollout
    does it; and how long that took."""
    fleet = bench.fleet
    with budget_crowd(bench, tenant) as crowd:
        until(crowd, tenant, amount // 20)
        began = time.monotonic()
        for old in list(fleet.replicas):
            new = Replica(fleet, f"{old.name}n")
            new.start()
            fleet.replicas.append(new)
            fleet.serve([*(one for one in fleet.replicas if one is not old)])
            fleet.replicas.remove(old)
            fleet.gone.append(old)
            old.stop()
        lasted = time.monotonic() - began
    spend_rest(bench, tenant, CODES_WHEN_WELL)
    return life(bench, crowd, tenant, CODES_WHEN_WELL), lasted
