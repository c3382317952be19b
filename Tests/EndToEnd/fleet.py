"""A fleet: many Tollgates that share a store, behind one real Envoy that deals exchanges to them in turn.

Each replica has its own ledger, socket and admin port. Envoy learns the replicas from a file, as it
does from Kubernetes, and asks each for its health; so a test takes one out and puts another in
while requests run.
"""

import contextlib
import json
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path

import httpx

import policy as policies
from envoy_config import EnvoyOptions, Place, bootstrap
from exposition import Metrics
from fleet_policy import ROUTE
from harness import (
    BINARIES, DRAIN_SECONDS, ENVOY_ARGUMENTS, SANITIZER, Process, Tollgate, _listens, envoy_binary,
    envoy_runtime, free_port, poll, session_folder,
)  # fmt: skip
from redis_servers import PASSWORD

REPLICAS = 3 if SANITIZER else 8
ASSIGNMENT = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"


@dataclass
class FleetOptions:
    policy: dict
    # `--store`; None: each replica counts for itself.
    store: str | None = None
    replicas: int = REPLICAS
    lease: bool = True
    # Shorter than the default, so that nothing has to be waited for long.
    lease_ttl: str = "3s"
    # Longer than the default: on a busy machine an answer may take its time. The tests of deadlines
    # have the default.
    store_timeout: str = "1s"
    password: str = PASSWORD
    arguments: tuple[str, ...] = ()
    environment: dict | None = None


class Replica(Tollgate):
    """One Tollgate of a fleet."""

    def __init__(
        self, fleet: "Fleet", name: str, data: Path | None = None, called: str | None = None
    ):
        """`data`: a directory that is there already; `called`: `--replica`, where it is not the name."""
        self.name = name
        folder = fleet.folder / name
        folder.mkdir()
        options = fleet.options
        # One worker: there are many processes on few cores.
        arguments = ("--workers", "1", "--drain-timeout", "20s", *options.arguments)
        if options.store:
            arguments += (
                "--store", options.store, "--store-credentials", str(fleet.credentials),
                "--replica", called or name, "--lease", "on" if options.lease else "off",
                "--lease-ttl", options.lease_ttl, "--store-timeout", options.store_timeout,
            )  # fmt: skip
        super().__init__(folder, fleet.policy_path, arguments)
        self.data = data or self.data
        self.environment = options.environment or {}

    def start(self) -> None:
        self.launch()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """It serves, and has been told by the store what it may give out."""
        poll(f"{self.name} serves", self.is_ready)
        poll(f"{self.name} is ready", lambda: self.probe() == 200)

    @property
    def path(self) -> str:
        return self.socket.removeprefix("unix:")

    def kill(self) -> None:
        """kill -9, and gone."""
        self.expected_dead = True
        self.process.signal(signal.SIGKILL)
        self.process.wait(10)
        self.check_log()

    @contextlib.contextmanager
    def paused(self):
        """SIGSTOP: it hangs, its connections stay, its clock goes on."""
        self.process.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.signal(signal.SIGCONT)

    def metrics(self) -> Metrics:
        return Metrics(self.scrape())

    def status(self) -> dict:
        answer = httpx.get(self.admin + "/api/v1/status", timeout=30, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def is_store_open(self) -> bool:
        partitions = self.status()["store"]["partitions"]
        return partitions["opening"] == partitions["lost"] == 0

    def probe(self) -> int:
        """The status of `/readyz`, as Kubernetes asks it; 0 when nobody answers."""
        try:
            return httpx.get(self.admin + "/readyz", timeout=5, trust_env=False).status_code
        except httpx.HTTPError:
            return 0


class Fleet:
    """Replicas, the model simulator and Envoy; a context manager."""

    def __init__(self, options: FleetOptions):
        self.options = options
        self.folder = Path(tempfile.mkdtemp(prefix="f-", dir=session_folder()))
        self.policy_path = self.folder / "policy.json5"
        self.write_policy(options.policy)
        self.credentials = self.folder / "credentials"
        self.write_password(options.password)
        self.replicas = [Replica(self, f"r{number}") for number in range(options.replicas)]
        # Those of a test's middle: they are on record too.
        self.gone: list[Replica] = []
        # Data directories that were put aside when their process was killed.
        self.aside: list[Path] = []
        self.listener, self.admin = free_port(), free_port()
        self.backend = free_port()
        self.endpoints = self.folder / "endpoints.json"
        self.weights: dict[str, int] = {}
        self.envoy: Process | None = None
        self.simulator: Process | None = None

    def __enter__(self) -> "Fleet":
        try:
            command = [str(BINARIES / "model-simulator"), "--name", ROUTE,
                       "--listen", f"127.0.0.1:{self.backend}"]  # fmt: skip
            self.simulator = Process("simulator", command, self.folder)
            poll("the simulator listens", lambda: _listens(self.backend))
            for replica in self.replicas:
                replica.launch()
            for replica in self.replicas:
                replica.wait_until_ready()
            self._start_envoy()
        except BaseException:
            for process in self._processes():
                process.stop(5)
            raise
        return self

    def __exit__(self, kind, *_) -> None:
        problems = []
        if not self.envoy.is_running:
            problems.append(f"envoy died:\n{self.envoy.log()[-3000:]}")
        self.envoy.stop(10)
        running = [replica for replica in self.replicas if replica.process.is_running]
        for replica in running:
            replica.process.signal(signal.SIGCONT)
            replica.process.signal(signal.SIGTERM)
        for replica in running:
            try:
                code = replica.process.wait(DRAIN_SECONDS)
                assert code == 0, f"ended with {code}:\n{replica.process.log()[-4000:]}"
                replica.check_log()
            except AssertionError as problem:
                replica.process.stop(1)
                problems.append(f"{replica.name}: {problem}")
        self.simulator.stop(10)
        if not problems and kind is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        assert not problems, "\n".join(problems)

    def _processes(self) -> list[Process]:
        every = (self.envoy, self.simulator, *(replica.process for replica in self.replicas))
        return [process for process in every if process]

    def check(self) -> None:
        """Every replica that should run does, and none reported a fault."""
        for replica in self.replicas:
            replica.check()

    @property
    def ledgers(self) -> list[Path]:
        return [*self.aside, *(replica.data for replica in (*self.gone, *self.replicas))]

    def write_policy(self, policy: dict) -> None:
        fresh = self.policy_path.with_name("policy.fresh")
        fresh.write_text(policies.text(policy))
        fresh.rename(self.policy_path)

    def reload(self, policy: dict) -> None:
        """Every replica takes another policy; waits until all have it."""
        before = [self._generation(replica) for replica in self.replicas]
        self.write_policy(policy)
        for replica in self.replicas:
            replica.reload()
        for replica, old in zip(self.replicas, before):
            poll("the new policy is there", lambda: self._generation(replica) > old)

    @staticmethod
    def _generation(replica: Replica) -> float:
        return replica.metrics().value("ai_gateway_policy_generation")

    def write_password(self, password: str) -> None:
        fresh = self.credentials.with_name("credentials.fresh")
        fresh.write_text(password + "\n")
        fresh.chmod(0o600)
        fresh.rename(self.credentials)

    # Envoy.

    def _start_envoy(self) -> None:
        self._write_endpoints(self.replicas)
        config = self.folder / "envoy.json"
        config.write_text(json.dumps(self._configuration() | envoy_runtime(), indent=1))
        self.envoy = Process(
            "envoy",
            [envoy_binary(), "-c", str(config), *ENVOY_ARGUMENTS, "--concurrency", "1",
             "--drain-time-s", "1", "--file-flush-interval-msec", "100"],
            self.folder,
        )  # fmt: skip
        poll("envoy sees every replica", lambda: self.seen() == {r.path for r in self.replicas})

    def _configuration(self) -> dict:
        options = EnvoyOptions(filters=("ext_proc",), edge_removes=True)
        place = Place(self.listener, self.admin, self.replicas[0].path, {ROUTE: self.backend},
                      str(self.folder / "access.log"))  # fmt: skip
        config = bootstrap(options, place)
        cluster = config["static_resources"]["clusters"][0]
        assert cluster["name"] == "tollgate"
        del cluster["load_assignment"]
        source = {"path": str(self.endpoints), "watched_directory": {"path": str(self.folder)}}
        cluster |= {
            "type": "EDS",
            "lb_policy": "ROUND_ROBIN",
            # One that is taken out is gone at once, and not when it fails.
            "ignore_health_on_host_removal": True,
            "eds_cluster_config": {
                "eds_config": {"resource_api_version": "V3", "path_config_source": source},
            },
            "health_checks": [{
                "grpc_health_check": {}, "interval": "0.2s", "timeout": "2s",
                "unhealthy_threshold": 1, "healthy_threshold": 1,
            }],
        }  # fmt: skip
        return config

    def weigh(self, weights: dict[str, int], others: int) -> None:
        """Envoy deals exchanges by these weights, by the replica's name."""
        self.weights = weights | {
            replica.name: others for replica in self.replicas if replica.name not in weights
        }  # fmt: skip
        self._write_endpoints(self.replicas)
        wanted = {replica.path: self.weights[replica.name] for replica in self.replicas}
        poll("envoy has the new weights", lambda: {
            host["address"]["pipe"]["path"]: host["weight"] for host in self._hosts()
        } == wanted)  # fmt: skip

    def _write_endpoints(self, replicas: list[Replica]) -> None:
        hosts = [
            {"endpoint": {"address": {"pipe": {"path": one.path}}},
             "load_balancing_weight": self.weights.get(one.name, 1)} for one in replicas
        ]  # fmt: skip
        assignment = {
            "@type": ASSIGNMENT, "cluster_name": "tollgate",
            "endpoints": [{"lb_endpoints": hosts}],
        }  # fmt: skip
        fresh = self.folder / "endpoints.fresh"
        fresh.write_text(json.dumps({"resources": [assignment]}))
        fresh.rename(self.endpoints)

    def serve(self, replicas: list[Replica]) -> None:
        """Envoy deals exchanges to these alone; waits until it does."""
        self._write_endpoints(replicas)
        wanted = {replica.path for replica in replicas}
        poll("envoy has the new set of replicas", lambda: self.seen() == wanted)

    def seen(self) -> set[str]:
        """The sockets that Envoy knows and takes for healthy."""
        return {
            host["address"]["pipe"]["path"] for host in self._hosts()
            if not host["health_status"].get("failed_active_health_check")
            and not host["health_status"].get("pending_active_hc")
        }  # fmt: skip

    def _hosts(self) -> list[dict]:
        assert self.envoy.is_running, f"envoy ended:\n{self.envoy.log()[-4000:]}"
        try:
            answer = httpx.get(
                f"http://127.0.0.1:{self.admin}/clusters?format=json", timeout=5, trust_env=False
            )
        except httpx.HTTPError:
            return []
        for cluster in answer.json()["cluster_statuses"]:
            if cluster["name"] == "tollgate":
                return cluster.get("host_statuses", [])
        return []
