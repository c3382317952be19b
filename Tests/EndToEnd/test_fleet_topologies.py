"""Eight replicas whose store has sentinels, or is a cluster: the same limits, also while its masters change
and its slots move."""

import pytest

from fleet import Fleet, FleetOptions
from fleet_bench import Bench
from fleet_policy import fleet_policy
from fleet_topologies import change, fail_over, lose_master, move_slots, tenants
from redis_servers import RedisCluster, SentinelSet

AMOUNT = 120


@pytest.fixture(scope="module", params=["sentinel", "cluster"])
def bench(request, tmp_path_factory):
    kind = {"sentinel": SentinelSet, "cluster": lambda folder: RedisCluster(folder, replicas=3)}
    policy = fleet_policy(tenants(AMOUNT, "moved", "failed"))
    with kind[request.param](tmp_path_factory.mktemp("store")) as store:
        with Fleet(FleetOptions(policy, store.url)) as fleet:
            yield Bench(fleet, store)


def test_slots_of_the_cluster_move_under_load(bench):
    if not isinstance(bench.store, RedisCluster):
        pytest.skip("only a cluster has slots")
    moved = change(bench, "moved", AMOUNT, lambda: move_slots(bench.store, every=1))
    print(moved.row())
    moved.check()


def test_a_master_dies_under_load(bench):
    dies = lose_master if isinstance(bench.store, RedisCluster) else fail_over
    moved = change(bench, "failed", AMOUNT, lambda: dies(bench.store))
    print(moved.row())
    moved.check()
