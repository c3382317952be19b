"""Real Redis servers for the tests: one alone, a master with replicas and sentinels, a cluster.

Each is on loopback, with a password, without persistence, behind a proxy of its own (`FaultProxy`);
who asks a sentinel or the cluster for addresses is told the proxies'. Readiness is asked for, every
wait is bounded, and every server is ended by its pid.
"""

import contextlib
import shutil
import signal
from pathlib import Path

import pytest

from fault_proxy import FaultProxy
from harness import Process, free_port, poll
from resp import RedisClient, RedisError, fields_of

PASSWORD = "store-password-0123456789"
CLUSTER_SLOTS = 16384
STOP_SECONDS = 10


def need_redis() -> None:
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed")


class RedisServer:
    """One redis-server. `address` is its proxy's port, `port` its own."""

    def __init__(
        self, folder: Path, *settings: str, sentinel: bool = False, proxied: bool = True,
        environment: dict | None = None,
    ):  # fmt: skip
        self.port = free_port()
        self.proxy = FaultProxy(free_port(), self.port) if proxied else None
        self.folder = folder / f"redis-{self.port}"
        self.settings = settings
        self.is_sentinel = sentinel
        self.password: str | None = None if sentinel else PASSWORD
        self.process: Process | None = None
        self.environment = environment or {}

    @property
    def address(self) -> int:
        return self.proxy.port if self.proxy else self.port

    def start(self) -> "RedisServer":
        """Also again after `kill`: it then knows nothing of what it held."""
        self.folder.mkdir(exist_ok=True)
        if self.proxy and not self.process:
            self.proxy.start()
        config = self.folder / "redis.conf"
        if not config.exists():
            config.write_text("\n".join(self._lines()) + "\n")
        command = ["redis-server", str(config)] + ["--sentinel"] * self.is_sentinel
        self.process = Process("redis", command, self.folder, self.environment)
        poll("redis answers", self._answers, 20)
        return self

    def _lines(self) -> list[str]:
        lines = [f"port {self.port}", "bind 127.0.0.1", f"dir {self.folder}", "protected-mode no"]
        if self.is_sentinel:
            return [*lines, *self.settings]
        return [
            *lines, 'save ""', "appendonly no", f"requirepass {PASSWORD}", f"masterauth {PASSWORD}",
            "maxmemory-policy noeviction", *self.settings,
        ]  # fmt: skip

    def _answers(self) -> bool:
        assert self.process and self.process.is_running, self.process.log()[-2000:]
        try:
            return self("PING") == b"PONG"
        except (OSError, RedisError):
            return False

    def client(self, seconds: float = 5) -> RedisClient:
        """A connection to the server itself, past its proxy."""
        return RedisClient(self.port, self.password, seconds)

    def __call__(self, *words: object):
        """One command on a connection of its own."""
        with self.client() as client:
            return client(*words)

    def info(self, section: str) -> dict[str, str]:
        return fields_of(self("INFO", section))

    def calls(self) -> dict[str, int]:
        """How often each command was called since the server started, scripts' own included."""
        return {
            name.removeprefix("cmdstat_"): int(fields_of(value.replace(",", "\n").replace("=", ":")
                                                         .encode())["calls"])
            for name, value in self.info("commandstats").items()
        }  # fmt: skip

    def kill(self) -> None:
        self.process.signal(signal.SIGKILL)
        self.process.wait(STOP_SECONDS)

    @contextlib.contextmanager
    def paused(self):
        """SIGSTOP: it hangs, its connections stay."""
        self.process.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.signal(signal.SIGCONT)

    def stop(self) -> None:
        if self.process:
            if self.process.is_running:
                self.process.signal(signal.SIGCONT)
            self.process.stop(STOP_SECONDS)
        if self.proxy:
            self.proxy.stop()


class Standalone:
    """One server, as `--store redis://HOST:PORT/0` names it."""

    def __init__(self, folder: Path, *settings: str, environment: dict | None = None):
        need_redis()
        self.server = RedisServer(folder, *settings, environment=environment)
        self.servers = [self.server]

    def __enter__(self) -> "Standalone":
        _start(self)
        return self

    def __exit__(self, *_) -> None:
        _stop(self)

    def _begin(self) -> None:
        self.server.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.server.address}/0"

    def masters(self) -> list[RedisServer]:
        return [self.server]


class SentinelSet:
    """A master, two replicas of it and three sentinels."""

    NAME = "books"

    def __init__(self, folder: Path, down_after_ms: int = 1000):
        need_redis()
        self.folder, self.down_after_ms = folder, down_after_ms
        # Alone it stops taking writes before another can be made master.
        settings = ("repl-diskless-sync-delay 0", "min-replicas-to-write 1", "min-replicas-max-lag 1",
                    "replica-announce-ip 127.0.0.1", "repl-ping-replica-period 1")  # fmt: skip
        self.servers = [RedisServer(folder, *settings) for _ in range(3)]
        for server in self.servers:
            server.settings += (f"replica-announce-port {server.address}",)
        for server in self.servers[1:]:
            server.settings += (f"replicaof 127.0.0.1 {self.servers[0].address}",)
        self.sentinels: list[RedisServer] = []

    def __enter__(self) -> "SentinelSet":
        _start(self)
        return self

    def __exit__(self, *_) -> None:
        for sentinel in self.sentinels:
            sentinel.stop()
        _stop(self)

    def _begin(self) -> None:
        for server in self.servers:
            server.start()
        poll("both replicas follow", lambda: self._following(self.servers[0]) == 2, 30)
        self.sentinels = [
            RedisServer(self.folder, *self._sentinel_settings(), sentinel=True, proxied=False)
            for _ in range(3)
        ]
        for sentinel in self.sentinels:
            sentinel.start()
        poll("the sentinels know each other and the replicas", self._is_known, 30)

    def _sentinel_settings(self) -> tuple[str, ...]:
        name = self.NAME
        return (
            f"sentinel monitor {name} 127.0.0.1 {self.servers[0].address} 2",
            f"sentinel auth-pass {name} {PASSWORD}",
            f"sentinel down-after-milliseconds {name} {self.down_after_ms}",
            f"sentinel failover-timeout {name} 5000",
            f"sentinel parallel-syncs {name} 2",
        )

    @staticmethod
    def _following(master: RedisServer) -> int:
        replicas = master.info("replication")
        return sum("state=online" in value for name, value in replicas.items() if name[-1:].isdigit())

    def _is_known(self) -> bool:
        for sentinel in self.sentinels:
            words = sentinel("SENTINEL", "MASTER", self.NAME)
            state = dict(zip(words[::2], words[1::2]))
            if (state[b"num-slaves"], state[b"num-other-sentinels"]) != (b"2", b"2"):
                return False
        return True

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis://{hosts}/0?sentinel={self.NAME}"

    def master(self) -> RedisServer:
        """The one that the sentinels name."""
        _, port = self.sentinels[0]("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.NAME)
        return next(server for server in self.servers if server.address == int(port))

    def masters(self) -> list[RedisServer]:
        return [self.master()]

    def wait_for_another(self, old: RedisServer, seconds: float = 30) -> RedisServer:
        """The master after a fail-over away from `old`, once it takes writes."""

        def other() -> RedisServer | None:
            master = self.master()
            if master is old or master.info("replication")["role"] != "master":
                return None
            return master

        return poll("another master", other, seconds)


class RedisCluster:
    """Three masters, each with its third of the slots; replicas only where they are asked for."""

    def __init__(self, folder: Path, replicas: int = 0, node_timeout_ms: int = 2000):
        need_redis()
        settings = ("cluster-enabled yes", f"cluster-node-timeout {node_timeout_ms}",
                    "cluster-config-file nodes.conf", "repl-diskless-sync-delay 0",
                    "cluster-announce-ip 127.0.0.1")  # fmt: skip
        self.servers = [RedisServer(folder, *settings) for _ in range(3 + replicas)]
        for server in self.servers:
            # Ten thousand above its own, the usual place, would be outside of the range of ports.
            server.bus = free_port()
            server.settings += (
                f"cluster-port {server.bus}", f"cluster-announce-port {server.address}",
                f"cluster-announce-bus-port {server.bus}",
            )  # fmt: skip

    def __enter__(self) -> "RedisCluster":
        _start(self)
        return self

    def __exit__(self, *_) -> None:
        _stop(self)

    def _begin(self) -> None:
        for server in self.servers:
            server.start()
        first, *others = self.servers
        third = CLUSTER_SLOTS // 3
        for number, master in enumerate(self.servers[:3]):
            last = CLUSTER_SLOTS - 1 if number == 2 else (number + 1) * third - 1
            master("CLUSTER", "ADDSLOTSRANGE", number * third, last)
            master("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for server in others:
            first("CLUSTER", "MEET", "127.0.0.1", server.port, server.bus)
        poll("the nodes know each other", lambda: all(map(self._knows_all, self.servers)), 30)
        for number, replica in enumerate(self.servers[3:]):
            replica("CLUSTER", "REPLICATE", self.node(self.servers[number % 3]))
        poll("the cluster is whole", self.is_whole, 30)

    @staticmethod
    def node(server: RedisServer) -> str:
        return server("CLUSTER", "MYID").decode()

    def _knows_all(self, server: RedisServer) -> bool:
        state = fields_of(server("CLUSTER", "INFO"))
        return int(state["cluster_known_nodes"]) == len(self.servers)

    def is_whole(self) -> bool:
        """Every node that runs sees all slots served."""
        alive = [server for server in self.servers if server.process.is_running]
        return all(
            fields_of(server("CLUSTER", "INFO"))["cluster_state"] == "ok" for server in alive
        ) and all(
            server.info("replication").get("master_link_status", "up") == "up" for server in alive
        )

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{server.address}" for server in self.servers[:3])
        return f"redis://{hosts}/0?cluster"

    def masters(self) -> list[RedisServer]:
        return [
            server for server in self.servers
            if server.process.is_running and server.info("replication")["role"] == "master"
        ]  # fmt: skip

    def owner(self, slot: int) -> RedisServer:
        """The master that serves a slot, as it says itself."""
        for server in self.masters():
            for line in server("CLUSTER", "NODES").decode().splitlines():
                fields = line.split()
                if "myself" not in fields[2]:
                    continue
                for part in fields[8:]:
                    if part.startswith("["):
                        continue
                    low, _, high = part.partition("-")
                    if int(low) <= slot <= int(high or low):
                        return server
        raise AssertionError(f"nobody serves slot {slot}")

    def move(self, slot: int, target: RedisServer) -> None:
        """One slot with its keys to another master, as `redis-cli --cluster reshard` does."""
        source = self.owner(slot)
        if source is target:
            return
        target("CLUSTER", "SETSLOT", slot, "IMPORTING", self.node(source))
        source("CLUSTER", "SETSLOT", slot, "MIGRATING", self.node(target))
        while keys := source("CLUSTER", "GETKEYSINSLOT", slot, 100):
            source("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "AUTH", PASSWORD, "KEYS", *keys)
        for server in (target, source, *self.masters()):
            server("CLUSTER", "SETSLOT", slot, "NODE", self.node(target))


def _start(store) -> None:
    try:
        store._begin()
    except BaseException:
        store.__exit__(None)
        raise


def _stop(store) -> None:
    for server in store.servers:
        server.stop()
