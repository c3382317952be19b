"""Replicas of a fleet hang, die and come back, with their ledger, an old copy of it or none; and all are
replaced under load. What they held is given once."""

import shutil
import time

import pytest

from fleet import Fleet, FleetOptions, Replica
from fleet_bench import CODES_WHEN_WELL, Bench
from fleet_policy import fleet_policy
from fleet_replicas import budget_crowd, kill_one, life, pause_one, replace_all, spend_rest, until
from harness import poll
from redis_servers import Standalone

AMOUNT = 900
NAMES = ("paused", "whole", "old", "empty", "same-name", "copied", "lowered", "rolled")
TENANTS = {name: [{"name": "n", "requests": AMOUNT, "per": "month"}] for name in NAMES}
# What a replica that does not come back can have held: about a second of its own use.
HELD_MAX = 100


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with Standalone(tmp_path_factory.mktemp("store")) as store:
        with Fleet(FleetOptions(fleet_policy(TENANTS), store.url)) as fleet:
            yield Bench(fleet, store)


def test_a_replica_that_hangs_with_leases_in_hand_harms_nobody(bench):
    told = pause_one(bench, "paused", AMOUNT, seconds=5)
    assert (told.peak, told.used) == (AMOUNT, AMOUNT)


def test_a_killed_replica_gives_back_what_it_held_when_its_ledger_is_opened_again(bench):
    told = kill_one(bench, "whole", AMOUNT, "whole")
    assert (told.peak, told.used) == (AMOUNT, AMOUNT)


@pytest.mark.parametrize("comes_back", ["old", "empty"])
def test_a_killed_replica_without_its_ledger_costs_what_it_held_and_no_limit(bench, comes_back):
    told = kill_one(bench, comes_back, AMOUNT, comes_back)
    assert told.peak <= AMOUNT
    assert AMOUNT - HELD_MAX <= told.used <= AMOUNT


def test_two_replicas_of_one_name_are_two(bench):
    fleet = bench.fleet
    twin = Replica(fleet, "twin", called=fleet.replicas[0].name)
    twin.start()
    fleet.replicas.append(twin)
    fleet.serve(fleet.replicas)
    with budget_crowd(bench, "same-name") as crowd:
        until(crowd, "same-name", AMOUNT // 2)
    spend_rest(bench, "same-name", CODES_WHEN_WELL)
    told = life(bench, crowd, "same-name", CODES_WHEN_WELL)
    assert (told.peak, told.used) == (AMOUNT, AMOUNT)
    assert told.books.by_ledger[len(fleet.ledgers) - 1] > 0, "the twin was not used"
    fleet.serve(fleet.replicas[:-1])
    fleet.replicas.remove(twin)
    fleet.gone.append(twin)
    twin.stop()


def test_an_amount_that_is_lowered_holds_from_then_on(bench):
    fleet = bench.fleet
    lowered = AMOUNT // 2
    limits = TENANTS | {"lowered": [{"name": "n", "requests": lowered, "per": "month"}]}
    # Slow enough that the half is not spent before every replica has read the new policy.
    with budget_crowd(bench, "lowered", rate=40) as crowd:
        until(crowd, "lowered", AMOUNT // 20)
        fleet.reload(fleet_policy(limits))
    spend_rest(bench, "lowered", CODES_WHEN_WELL)
    told = life(bench, crowd, "lowered", CODES_WHEN_WELL)
    assert (told.peak, told.used) == (lowered, lowered)


def test_all_replicas_are_replaced_under_load_and_nothing_is_lost_or_charged_twice(bench):
    told, lasted = replace_all(bench, "rolled", AMOUNT)
    print(f"{told.answers} answers while eight were replaced in {lasted:.1f} s")
    assert told.failed == 0
    assert (told.peak, told.used) == (AMOUNT, AMOUNT)


def test_a_rollout_with_a_wrong_password_stops_at_its_first_replica(bench):
    fleet = bench.fleet
    fleet.write_password("wrong-password")
    new = Replica(fleet, "wrong")
    new.launch()
    try:
        poll("its probes are answered", lambda: new.probe() == 503)
        end = time.monotonic() + 5
        while time.monotonic() < end:
            assert new.process.is_running, new.process.log()[-2000:]
            assert new.probe() == 503
            time.sleep(0.2)
        assert "wrong-password" not in new.process.log()
        assert all(replica.probe() == 200 for replica in fleet.replicas)
    finally:
        fleet.write_password(fleet.options.password)
        new.expected_dead = True
        new.process.stop()


def test_of_two_copies_of_a_stopped_replicas_directory_one_is_let_in(bench):
    fleet = bench.fleet
    stopped = Replica(fleet, "stopped")
    stopped.start()
    stopped.stop()
    pair = []
    for name in ("first", "second"):
        data = fleet.folder / f"data-{name}"
        shutil.copytree(stopped.data, data)
        pair.append(Replica(fleet, name, data))
    for copy in pair:
        copy.launch()
    try:
        poll("one is let in", lambda: sorted(copy.probe() for copy in pair) == [200, 503])
        end = time.monotonic() + 5
        while time.monotonic() < end:
            assert sorted(copy.probe() for copy in pair) == [200, 503]
            time.sleep(0.2)
    finally:
        for copy in pair:
            copy.expected_dead = True
            copy.process.stop()


def test_a_copied_directory_is_one_holder_and_the_later_start_wins(bench):
    """The last of this file: a replica of it is out afterwards."""
    fleet = bench.fleet
    original = fleet.replicas[0]
    data = fleet.folder / "copied"
    shutil.copytree(original.data, data)
    copy = Replica(fleet, "copy", data)
    copy.start()
    poll("the first says that it is out", lambda: original.probe() == 503)
    poll("envoy leaves it", lambda: original.path not in fleet.seen())
    fleet.replicas.append(copy)
    fleet.serve([one for one in fleet.replicas if one is not original])
    with budget_crowd(bench, "copied") as crowd:
        until(crowd, "copied", AMOUNT // 2)
    spend_rest(bench, "copied", CODES_WHEN_WELL)
    told = life(bench, crowd, "copied", CODES_WHEN_WELL)
    assert (told.peak, told.used) == (AMOUNT, AMOUNT)
    assert "another process goes on with this ledger" in original.process.log()
