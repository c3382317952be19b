"""From one replica without a store to several with one, as the guide says it: the month does not begin anew."""

import shutil

import pytest

from fleet import Fleet, FleetOptions
from fleet_bench import Bench, is_spent
from fleet_clients import Caller, Crowd
from fleet_policy import chat, fleet_policy
from harness import SANITIZER, poll
from redis_servers import Standalone

AMOUNT, BEFORE = 40, 25
TENANT = "moved"
POLICY = fleet_policy({TENANT: [{"name": "n", "requests": AMOUNT, "per": "month"}]})

pytestmark = pytest.mark.skipif(bool(SANITIZER), reason="what it does, others do too")


def spent(fleet: Fleet) -> int:
    """How many are let through until nothing is."""
    crowd = Crowd(fleet.listener, [Caller(TENANT, chat(TENANT), 0.2, obeys=False)] * 4)
    with crowd:
        poll("it is spent", lambda: is_spent(crowd, TENANT), 30)
    return len(crowd.allowed(TENANT))


@pytest.mark.parametrize("leaves", [False, True])
def test_what_was_used_without_a_store_is_used_for_all(tmp_path, leaves):
    """`leaves`: the one that has it is gone when the others begin, as in the guide's second step."""
    data = tmp_path / "data"
    with Fleet(FleetOptions(POLICY, replicas=1)) as alone:
        with Crowd(alone.listener, [Caller(TENANT, chat(TENANT), 0.05, obeys=False)]) as crowd:
            poll("some of it is used", lambda: len(crowd.allowed(TENANT)) >= BEFORE)
        used = len(crowd.allowed(TENANT))
        books = Bench(alone).books(crowd)
        assert len(books.admitted) == used < AMOUNT
        # It runs, and no copy is made of a socket.
        shutil.copytree(alone.replicas[0].data, data, ignore=shutil.ignore_patterns("*.sock"))
    with Standalone(tmp_path) as store:
        fleet = Fleet(FleetOptions(POLICY, store.url, replicas=2))
        old, _ = fleet.replicas
        old.data = data
        with fleet:
            if leaves:
                fleet.serve([replica for replica in fleet.replicas if replica is not old])
                old.stop()
                fleet.gone.append(old)
                fleet.replicas.remove(old)
            assert spent(fleet) == AMOUNT - used
