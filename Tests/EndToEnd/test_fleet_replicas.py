"""Replicas of a fleet hang, die and come back, with their ledger, an old copy of it or none; and all are
replaced under load. What they held is given once."""

import shutil
import time

import pytest

from fleet import Fleet, FleetOptions, Replica
from fleet_bench import Bench
from fleet_policy import fleet_policy
from fleet_replicas import HELD_MAX, copy_one, kill_one, lower, pause_one, replace_all, tenants, twin
from harness import poll
from redis_servers import Standalone

AMOUNT, SLOTS = 900, 5
NAMES = ("paused", "whole", "old", "empty", "same-name", "copied", "lowered", "rolled")


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with Standalone(tmp_path_factory.mktemp("store")) as store:
        with Fleet(FleetOptions(fleet_policy(tenants(AMOUNT, SLOTS, *NAMES)), store.url)) as fleet:
            yield Bench(fleet, store)


def test_a_replica_that_hangs_with_leases_in_hand_harms_nobody(bench):
    told = pause_one(bench, "paused", AMOUNT, seconds=5)
    assert (told.peak, told.used) == (AMOUNT, AMOUNT)
    assert told.slots <= SLOTS


def test_a_killed_replica_gives_back_what_it_held_when_its_ledger_is_opened_again(bench):
    told = kill_one(bench, "whole", AMOUNT, "whole")
    assert (told.peak, told.used) == (AMOUNT, AMOUNT)
    assert told.slots <= SLOTS


@pytest.mark.parametrize("comes_back", ["old", "empty"])
def test_a_killed_replica_without_its_ledger_costs_what_it_held_and_no_limit(bench, comes_back):
    told = kill_one(bench, comes_back, AMOUNT, comes_back)
    assert told.peak <= AMOUNT
    assert AMOUNT - HELD_MAX <= told.used <= AMOUNT


def test_two_replicas_of_one_name_are_two(bench):
    told = twin(bench, "same-name", AMOUNT)
    assert (told.peak, told.used) == (AMOUNT, AMOUNT)


def test_an_amount_that_is_lowered_holds_from_then_on(bench):
    told = lower(bench, "lowered", AMOUNT)
    assert (told.peak, told.used) == (AMOUNT // 2, AMOUNT // 2)


def test_all_replicas_are_replaced_under_load_and_nothing_is_lost_or_charged_twice(bench):
    told, lasted = replace_all(bench, "rolled", AMOUNT)
    print(f"{told.answers} answers while eight were replaced in {lasted:.1f} s")
    assert told.failed == 0
    assert told.slots <= SLOTS
    assert (told.peak, told.used) == (AMOUNT, AMOUNT)


def test_a_rollout_with_a_wrong_password_stops_at_its_first_replica(bench):
    fleet = bench.fleet
    fleet.write_password("wrong-password")
    new = Replica(fleet, "wrong")
    new.launch()
    try:
        poll("its probes are answered", lambda: new.probe() == 503)
        end = time.monotonic() + 3
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
    told = copy_one(bench, "copied", AMOUNT)
    assert (told.peak, told.used) == (AMOUNT, AMOUNT)
