"""A store that refuses a replica stops a rollout at it, and one that is only away does not for ever."""

import httpx
import pytest

from fleet import Fleet, FleetOptions, Replica
from fleet_policy import fleet_policy
from harness import free_port, poll
from redis_servers import PASSWORD, Standalone

POLICY = fleet_policy({"a": [{"name": "n", "requests": 5, "per": "month"}]})
SERVING, NOT_SERVING = 1, 2
# What is wrong: the password, the server's settings, what is added to the address; and what is told.
REFUSALS = {
    "wrong password": ("not-the-password", (), "", "WRONGPASS"),
    "no right to run scripts": (PASSWORD, ("user default on +@all -evalsha -eval -script ~* >" + PASSWORD,),
                                "", "NOPERM"),
    "evicts": (PASSWORD, ("maxmemory 100mb", "maxmemory-policy allkeys-lru"), "", "allkeys-lru"),
    "no cluster": (PASSWORD, (), "?cluster", "not part of a cluster"),
}  # fmt: skip


def reasons(replica: Replica) -> str:
    try:
        return httpx.get(replica.admin + "/readyz", timeout=5, trust_env=False).text
    except httpx.HTTPError:
        return ""


@pytest.mark.parametrize("name", REFUSALS)
def test_a_store_that_refuses_the_replica_holds_readiness_until_it_is_mended(tmp_path, name):
    password, settings, behind, told = REFUSALS[name]
    with Standalone(tmp_path, *settings) as store:
        fleet = Fleet(FleetOptions(POLICY, store.url + behind, replicas=1, password=password))
        replica = fleet.replicas[0]
        replica.launch()
        try:
            poll("it says why", lambda: told in reasons(replica))
            assert told in replica.status()["store"]["refusal"]
            # Listeners are open; only nobody is to send anything.
            assert replica.health() == NOT_SERVING and replica.probe() == 503
            assert PASSWORD not in replica.process.log()
            if name == "no cluster":
                return
            if name == "wrong password":
                fleet.write_password(PASSWORD)
                replica.reload()
            if name == "evicts":
                store.server("CONFIG", "SET", "maxmemory-policy", "noeviction")
            if name == "no right to run scripts":
                store.server("ACL", "SETUSER", "default", "+@all")
            replica.wait_until_ready()
            assert replica.status()["store"]["refusal"] is None
            assert replica.health() == SERVING
            # Once it is ready, nothing about the store takes that back.
            fleet.write_password("not-the-password")
            replica.reload()
            poll("it is refused", lambda: replica.status()["store"]["refusal"])
            assert replica.health() == SERVING and replica.probe() == 200
        finally:
            replica.stop()


def test_a_store_that_is_away_refuses_nobody(tmp_path):
    options = FleetOptions(POLICY, f"redis://127.0.0.1:{free_port()}", replicas=1)
    replica = Fleet(options).replicas[0]
    replica.launch()
    try:
        poll("it says why", lambda: "cannot be used" in reasons(replica))
        assert replica.status()["store"]["refusal"] is None
        assert replica.health() == NOT_SERVING
    finally:
        replica.stop()


def all_opened(replica: Replica) -> list[dict]:
    """The events of openings, when those of every partition are told."""
    events = [event for event in replica.status()["store"]["events"] if event["event"] == "opened"]
    return events if sum(event["partitions"] for event in events) == 64 else []


def test_a_new_store_has_lost_nothing(tmp_path):
    with Standalone(tmp_path) as store:
        fleet = Fleet(FleetOptions(POLICY, store.url, replicas=1))
        replica = fleet.replicas[0]
        replica.start()
        try:
            poll("it is told", lambda: "is new to this replica" in replica.process.log())
            opened = poll("all of it is open", lambda: all_opened(replica))
            assert all(event["is_first"] for event in opened)
            assert replica.status()["store"]["events"][-1]["event"] == "joined"
            assert "had lost" not in replica.process.log()
        finally:
            replica.stop()
