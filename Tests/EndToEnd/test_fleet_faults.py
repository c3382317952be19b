"""The store fails while eight replicas are under load: no answer takes long, each limit goes by its
`on_store_loss`, and no budget, bucket or slot is given twice, then or afterwards."""

import pytest

from fleet import Fleet, FleetOptions
from fleet_bench import Bench
from fleet_faults import break_store, tenants
from fleet_policy import fleet_policy
from redis_servers import Standalone

# `Tests/Fleet/run` has all of them, for longer.
NAMES = ("killed", "paused", "locked", "slow", "flushed", "aged")
SECONDS = {"aged": 1, "flushed": 1}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with Standalone(tmp_path_factory.mktemp("store")) as store:
        policy = fleet_policy(tenants(*NAMES))
        # Deadlines are the subject, so the shipped one.
        with Fleet(FleetOptions(policy, store.url, store_timeout="50ms")) as fleet:
            yield Bench(fleet, store)


@pytest.mark.parametrize("name", NAMES)
def test_the_store_fails_under_load(bench, name):
    print(break_store(bench, name, SECONDS.get(name, 4), crowd=0.5).row())
