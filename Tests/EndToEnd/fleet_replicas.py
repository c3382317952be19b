"""Scenarios of replicas that stop, die and come back, with their ledger, an old copy of it or none, and of
a fleet that is replaced under load."""

import shutil
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from fleet import Replica
from fleet_bench import (
    CODES_OF_ENVOY, CODES_WHEN_LOST, CODES_WHEN_WELL, Bench, is_spent, wait_until,
)  # fmt: skip
from fleet_books import FleetBooks, ledger_id
from fleet_clients import Caller, Crowd
from fleet_policy import chat, counter_of, fleet_policy
from harness import poll

# What a replica that does not come back can have held: about a second of its own use.
HELD_MAX = 100
SPENT_SECONDS = 90
# Where a scenario's tenant has one beside it with this ending, its slots are in use meanwhile.
SLOTS_OF, SLOTS_CLIENTS, SLOTS_HELD_MS = "-slots", 24, 60


@dataclass
class Life:
    peak: int
    used: int
    answers: int
    # Answers that were Envoy's own, by code.
    failed: int
    # The most slots in use at one moment; 0 where none are.
    slots: int
    books: FleetBooks


def tenants(amount: int, slots: int, *scenarios: str) -> dict[str, list[dict]]:
    """For each scenario a tenant with a budget, and one with slots."""
    budgets = {name: [{"name": "n", "requests": amount, "per": "month"}] for name in scenarios}
    return budgets | {name + SLOTS_OF: [{"name": "n", "concurrent": slots}] for name in scenarios}


def budget_crowd(bench: Bench, tenant: str, clients: int = 60, rate: float = 200) -> Crowd:
    callers = [Caller(tenant, chat(tenant), clients / rate)] * clients
    slots = tenant + SLOTS_OF
    if slots in bench.fleet.options.policy["tenants"]:
        callers += [Caller(slots, chat(slots, SLOTS_HELD_MS), patience=0.2)] * SLOTS_CLIENTS
    return bench.crowd(callers)


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
    counter, slots = counter_of(tenant, "n"), counter_of(tenant + SLOTS_OF, "n")
    failed = sum(answer.code in CODES_OF_ENVOY for answer in crowd.answers)
    users = {books.ledgers[move.ledger] for move in books.moves[slots]}
    # What a ledger that was put aside holds is taken back when others lack slots, or it comes back.
    if users and not users & books.aside:
        bench.holds_nothing(tenant + SLOTS_OF)
    return Life(
        books.peak(counter), books.used(counter), len(crowd.answers), failed, books.peak(slots), books
    )


def pause_one(bench: Bench, tenant: str, amount: int, seconds: float) -> Life:
    """One replica hangs, with leases in hand, for longer than leases last. Its exchanges in flight are
    not among the slots that are told: the store does not hear of them, and gives them to others."""
    replica = bench.fleet.replicas[0]
    place = bench.fleet.ledgers.index(replica.data)
    codes = CODES_WHEN_WELL | CODES_OF_ENVOY
    with budget_crowd(bench, tenant) as crowd:
        until(crowd, tenant, amount // 4)
        with replica.paused():
            paused = time.time() * 1000
            wait_until(time.time() + seconds)
        poll("envoy sees it again", lambda: replica.path in bench.fleet.seen())
        until(crowd, tenant, amount // 2)
    spend_rest(bench, tenant, codes)
    told = life(bench, crowd, tenant, codes)
    in_flight = sum(
        move.amount for move in told.books.moves[counter_of(tenant + SLOTS_OF, "n")]
        if move.ledger == place and move.time <= paused
    )  # fmt: skip
    told.slots -= in_flight
    return told


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
            fleet.aside.append(lost)
        if comes_back == "old":
            kept.rename(replica.data)
        replica.start()
        poll("envoy sees it again", lambda: replica.path in fleet.seen())
        until(crowd, tenant, amount // 2)
    spend_rest(bench, tenant, codes)
    return life(bench, crowd, tenant, codes)


def twin(bench: Bench, tenant: str, amount: int) -> Life:
    """A replica more that has another's name."""
    fleet = bench.fleet
    other = Replica(fleet, f"twin-{tenant}", called=fleet.replicas[0].name)
    other.start()
    fleet.replicas.append(other)
    fleet.serve(fleet.replicas)
    with budget_crowd(bench, tenant) as crowd:
        until(crowd, tenant, amount // 2)
    spend_rest(bench, tenant, CODES_WHEN_WELL)
    told = life(bench, crowd, tenant, CODES_WHEN_WELL)
    assert told.books.by_ledger[len(fleet.ledgers) - 1] > 0, "the twin was not used"
    fleet.serve(fleet.replicas[:-1])
    fleet.replicas.remove(other)
    fleet.gone.append(other)
    other.stop()
    return told


def copy_one(bench: Bench, tenant: str, amount: int) -> Life:
    """A copy of a running replica's directory is started: it takes the place of the original, which is
    in the fleet no more afterwards."""
    fleet = bench.fleet
    original = fleet.replicas[0]
    data = fleet.folder / f"copied-{tenant}"
    shutil.copytree(original.data, data)
    copy = Replica(fleet, f"copy-{tenant}", data)
    copy.start()
    poll("the first says that it is out", lambda: original.probe() == 503)
    poll("envoy leaves it", lambda: original.path not in fleet.seen())
    fleet.replicas.append(copy)
    fleet.serve([one for one in fleet.replicas if one is not original])
    with budget_crowd(bench, tenant) as crowd:
        until(crowd, tenant, amount // 2)
    spend_rest(bench, tenant, CODES_WHEN_WELL)
    told = life(bench, crowd, tenant, CODES_WHEN_WELL)
    assert "another process goes on with this ledger" in original.process.log()
    fleet.replicas.remove(original)
    fleet.gone.append(original)
    original.stop()
    return told


def lower(bench: Bench, tenant: str, amount: int) -> Life:
    """The amount becomes half of it under load, slow enough that the half is not spent before every
    replica has read the new policy."""
    fleet = bench.fleet
    policy = fleet.options.policy
    limits = {name: entry["limits"] for name, entry in policy["tenants"].items()}
    limits[tenant] = [{"name": "n", "requests": amount // 2, "per": "month"}]
    with budget_crowd(bench, tenant, rate=40) as crowd:
        until(crowd, tenant, amount // 20)
        fleet.reload(fleet_policy(limits))
    spend_rest(bench, tenant, CODES_WHEN_WELL)
    return life(bench, crowd, tenant, CODES_WHEN_WELL)


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


@dataclass
class Balance:
    """All that was ever used, when every ledger was opened again and all is idle."""

    # Budgets of which store, ledgers and clients were held against each other.
    budgets: int
    # What the store has settled, and what clients saw of it.
    settled: int
    seen: int
    # Held by nobody, because the store had lost writes.
    gone: int
    opened: int

    def row(self) -> str:
        return (f"{self.budgets} budgets: the store has {self.settled} settled, as the ledgers have; clients "
                f"saw {self.seen}, {self.gone} are held by nobody; {self.opened} ledgers were opened again")  # fmt: skip


def balance(bench: Bench, aged: frozenset[str] = frozenset()) -> Balance:
    """Of every budget: what is settled in the store is the sum of all ledgers, and what clients saw.
    Nothing is leased, and no slot is taken. `aged`: tenants of which an old copy of a ledger does not
    know all."""
    gone = bench.fleet.ledgers[:-len(bench.fleet.replicas)]
    opened = sum(_open_again(bench, number, data) for number, data in enumerate(gone))
    books = FleetBooks(bench.fleet.ledgers)
    saw: Counter = Counter()
    unsure: Counter = Counter()
    for answer in (answer for crowd in bench.crowds for answer in crowd.answers):
        saw[answer.tenant] += answer.is_allowed
        unsure[answer.tenant] += answer.code in CODES_OF_ENVOY
    told = Balance(0, 0, 0, 0, opened)
    for tenant, entry in bench.fleet.options.policy["tenants"].items():
        [limit] = entry["limits"]
        if limit.get("per") != "month":
            bench.holds_nothing(tenant)
            continue
        told.gone += bench.equals_store(books, tenant, HELD_MAX if tenant in aged else 0)
        if "requests" in limit:
            used = books.used(counter_of(tenant, limit["name"]))
            assert saw[tenant] <= used <= saw[tenant] + unsure[tenant], (
                f"{tenant}: {used} used, {saw[tenant]} seen, {unsure[tenant]} not sure")  # fmt: skip
            told.budgets += 1
            told.settled += bench.counter(tenant).settled
            told.seen += saw[tenant]
    return told


def _open_again(bench: Bench, number: int, data: Path) -> bool:
    """Starts a process on a directory that was put aside, so that what it holds goes back. Not where a
    later directory goes on with the same ledger: that one counts."""
    later = bench.fleet.ledgers[number + 1 :]
    if ledger_id(data) in map(ledger_id, later):
        return False
    again = Replica(bench.fleet, f"again-{number}", data)
    again.start()
    again.stop()
    return True

