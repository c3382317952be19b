"""The store that the fleet's tests use: that its faults are what they are called."""

import time

import pytest

from fault_proxy import Fault
from redis_servers import PASSWORD, RedisCluster, Standalone
from resp import RedisClient, RedisError


def test_one_server_behind_a_proxy_with_faults(tmp_path):
    with Standalone(tmp_path) as store:
        server = store.server
        with pytest.raises(RedisError, match="NOAUTH"):
            RedisClient(server.port)("PING")
        client = RedisClient(server.address, PASSWORD, 2)
        assert client("SET", "a", 1) == b"OK"
        assert server.calls()["set"] == 1
        with server.proxy.during(Fault.SLOW):
            began = time.monotonic()
            assert client("GET", "a") == b"1"
            assert time.monotonic() - began >= server.proxy.delay
        with server.proxy.during(Fault.HOLE), pytest.raises(TimeoutError):
            client("INCR", "a")
        # It was swallowed, and arrived when the fault ended.
        with RedisClient(server.address, PASSWORD) as fresh:
            assert fresh("GET", "a") == b"2"
        with server.proxy.during(Fault.REFUSE), pytest.raises(OSError):
            RedisClient(server.address, PASSWORD)
        client = RedisClient(server.address, PASSWORD, 2)
        server.proxy.cut()
        with pytest.raises(OSError):
            client("PING")
        with server.paused(), pytest.raises(TimeoutError):
            RedisClient(server.address, PASSWORD, 0.5)
        server.kill()
        server.start()
        assert server("DBSIZE") == 0


def test_a_cluster_whose_slots_move(tmp_path):
    with RedisCluster(tmp_path) as store:
        slot = store.servers[0]("CLUSTER", "KEYSLOT", "{3}:a")
        owner = store.owner(slot)
        owner("SET", "{3}:a", 1)
        target = next(server for server in store.masters() if server is not owner)
        with pytest.raises(RedisError, match="MOVED"):
            target("GET", "{3}:a")
        store.move(slot, target)
        assert store.owner(slot) is target
        assert target("GET", "{3}:a") == b"1"
