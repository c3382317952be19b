"""The ledger without room: nothing is let through, nothing on record is lost, and it heals itself."""

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import threading
import time

import httpx
import pytest

import harness
import ledger_check
from crash_rounds import Load, books_policy
from harness import Stack, StackOptions, error_code, free_port, poll
from ledger_check import ORIGIN, check, segments, write_segment
from test_audit import tollgate
from test_crash import HELD, data_of, end, event, filler, serve_again, settled

MEBIBYTE = 1 << 20


@pytest.fixture
def disk(tmp_path):
    """A file system of 2 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a tmpfs")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m,mode=0755", "tmpfs", str(folder)],
        capture_output=True, text=True,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


class Ballast:
    """A file that fills the file system."""

    def __init__(self, folder):
        self.path = folder / "ballast"

    def fill(self) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            for size in (65_536, 4096, 1):
                try:
                    while True:
                        os.write(descriptor, bytes(size))
                except OSError:
                    continue
        finally:
            os.close(descriptor)

    def free(self) -> None:
        self.path.unlink()


def on_disk(disk, policy: dict) -> Stack:
    # No bound of its own: it is to meet the disk's end.
    arguments = ("--ledger-max-bytes", "none")
    stack = Stack(StackOptions(policy=policy, tollgate_arguments=arguments))
    stack.tollgate.data = disk / "data"
    return stack


def refused(stack: Stack, count: int) -> None:
    """That many requests are each refused for the ledger, and reach no backend."""
    for number in range(count):
        name = f"full-{time.monotonic_ns()}-{number}"
        response = stack.chat(headers={"x-test-id": name})
        assert response.status_code == 503, response.text
        assert error_code(response) == "ledger_unavailable"
        assert response.headers["content-type"] == "application/json"
        assert int(response.headers["retry-after"]) >= 1
        assert stack.recorder.by_id(name) == [], "a backend was reached without a record"
    # Tollgate's own answers are recorded too; when that is impossible they are refused as well.
    models = stack.request("GET", "/v1/models")
    assert (models.status_code, error_code(models)) == (503, "ledger_unavailable")


def until_refused(stack: Stack) -> list[str]:
    """Asks until the ledger refuses; the ids of those let through before."""
    allowed: list[str] = []

    def asked() -> bool:
        response = stack.chat()
        if response.status_code == 200:
            allowed.append(response.headers["x-ai-request-id"])
        return response.status_code == 503

    poll("the ledger has no room", asked)
    return allowed


def test_a_full_disk_lets_nothing_through_and_heals_without_a_restart(disk):
    policy = books_policy()
    with on_disk(disk, policy) as stack:
        pid = stack.tollgate.process.pid
        ballast = Ballast(disk)
        allowed = [stack.chat().headers["x-ai-request-id"] for _ in range(5)]
        held: list = []
        clients = [
            threading.Thread(target=lambda: held.append(stack.chat(headers=HELD)))
            for _ in range(4)
        ]
        for client in clients:
            client.start()
        poll("four are at the backend", lambda: stack.recorder.open == 4)
        ballast.fill()
        allowed += until_refused(stack)
        refused(stack, 20)
        # What was on record before goes on to its end.
        stack.recorder.release()
        for client in clients:
            client.join(60)
        assert [response.status_code for response in held] == [200] * 4
        refused(stack, 5)
        ballast.free()
        poll("it heals", lambda: stack.chat().status_code == 200)
        healed = stack.chat()
        assert stack.tollgate.process.pid == pid and stack.tollgate.process.is_running
        log = stack.tollgate.process.log()
        assert "No space left on device" in log and "written again" in log
        assert end(stack, signal.SIGTERM) == 0, stack.tollgate.process.log()[-3000:]
        _, sums = check(disk / "data", policy, had_faults=True)
        ids = allowed + [response.headers["x-ai-request-id"] for response in held + [healed]]
        assert set(ids) <= sums.completed.keys()
        for seen in stack.recorder.seen:
            assert seen.value("x-ai-request-id") in sums.admitted
        assert {sums.completed[request_id] for request_id in ids} == {"complete"}
        assert not sums.open and sums.slots_taken == 0
        stack.tollgate.start()
        _, sums = check(disk / "data", policy, had_faults=True)
        assert not sums.open and set(ids) <= sums.completed.keys()


def test_a_disk_that_fills_and_empties_under_load_loses_nothing(disk):
    policy = books_policy()
    with on_disk(disk, policy) as stack, Load(stack.listener) as load:
        ballast = Ballast(disk)
        for _ in range(4):
            known = len(load.allowed)
            poll("answers", lambda: len(load.allowed) > known + 30)
            ballast.fill()
            full = load.statuses[503]
            poll("refusals", lambda: load.statuses[503] > full + 30)
            ballast.free()
        known = len(load.allowed)
        poll("answers", lambda: len(load.allowed) > known + 30)
        load.stop()
        assert load.problems == []
        assert end(stack, signal.SIGTERM) == 0, stack.tollgate.process.log()[-3000:]
        _, sums = check(disk / "data", policy, had_faults=True)
        assert not sums.open and sums.slots_taken == 0
        assert set(load.allowed) <= sums.completed.keys()
        reached = {seen.value("x-ai-request-id") for seen in stack.recorder.seen}
        assert reached <= sums.admitted
        stack.tollgate.start()
        check(disk / "data", policy, had_faults=True)


def test_a_kill_on_a_full_disk_is_recovered_when_there_is_room(disk):
    policy = books_policy()
    with on_disk(disk, policy) as stack:
        ballast = Ballast(disk)
        allowed = [stack.chat().headers["x-ai-request-id"] for _ in range(5)]
        ballast.fill()
        allowed += until_refused(stack)
        end(stack)
        before = {path.name: path.read_bytes() for _, path in segments(disk / "data" / "ledger")}
        second = serve_again(stack)
        assert second.returncode == 1
        assert "No space left on device" in second.stderr
        after = {path.name: path.read_bytes() for _, path in segments(disk / "data" / "ledger")}
        assert after == before, "a start that failed changed the ledger"
        ballast.free()
        stack.tollgate.start()
        _, sums = check(disk / "data", policy, had_faults=True)
        assert set(allowed) <= sums.completed.keys()
        assert not sums.open
        assert stack.chat().status_code == 200


def total(stack: Stack) -> int:
    return sum(path.stat().st_size for _, path in segments(data_of(stack) / "ledger"))


def test_the_ledgers_bound_is_a_bound_and_keeps_room_for_what_is_open():
    policy = books_policy()
    bound = 8 * MEBIBYTE
    options = StackOptions(policy=policy, tollgate_arguments=("--ledger-max-bytes", "8MiB"))
    stack = Stack(options)
    yesterday = int(time.time() * 1000) - 86_400_000
    line = len(ledger_check.sealed(ORIGIN, {"seq": 12345, "timestamp": ledger_check.text(0)} | filler(1)[0])[0])
    count = (bound - 64 * 1024) // line
    bodies = [event("start"), *filler(count), event("stop")]
    write_segment(data_of(stack), 1, yesterday, ORIGIN, bodies)
    with stack:
        allowed = [stack.chat().headers["x-ai-request-id"]]
        held: list = []
        client = threading.Thread(
            target=lambda: held.append(stack.chat(headers=HELD))
        )
        client.start()
        poll("one is at the backend", lambda: stack.recorder.open == 1)
        allowed += until_refused(stack)
        assert len(allowed) > 3
        refused(stack, 20)
        poll("it is said", lambda: "--ledger-max-bytes is reached" in stack.tollgate.process.log())
        # Refusals of every kind are recorded too, but not beyond the bound.
        for _ in range(15):
            assert stack.chat(key=None).status_code == 401
            assert stack.chat(model="nothing").status_code == 404
            assert stack.request("POST", "/nowhere", json={}).status_code == 404
            assert stack.chat(host="tenant-b.ai.example.com").status_code == 403
        stack.recorder.release()
        client.join(60)
        assert held[0].status_code == 200
        allowed.append(held[0].headers["x-ai-request-id"])
        _, sums = settled(stack, policy)
        assert set(allowed) == sums.completed.keys()
        assert end(stack, signal.SIGTERM) == 0
        assert total(stack) <= bound
        stack.tollgate.arguments = ("--ledger-max-bytes", "16MiB")
        stack.tollgate.start()
        assert stack.chat().status_code == 200
        settled(stack, policy)


def test_segments_older_than_retain_go_and_the_chain_starts_later():
    policy = books_policy()
    stack = Stack(StackOptions(policy=policy, tollgate_arguments=("--retain", "24h")))
    day = 86_400_000
    now = int(time.time() * 1000)
    seq, previous = write_segment(
        data_of(stack), 1, now - 9 * day, ORIGIN, [event("start"), *filler(10)]
    )
    second = seq
    seq, previous = write_segment(data_of(stack), seq, now - 8 * day, previous, filler(10))
    third = seq
    write_segment(data_of(stack), seq, now - 7 * day, previous, [*filler(10), event("stop")])
    with stack:
        first = lambda: segments(data_of(stack) / "ledger")[0][0]  # noqa: E731
        # The third one's records may be younger than a day: its successor began just now.
        poll("the first two are gone", lambda: first() == third)
        assert second < third
        assert stack.chat().status_code == 200
        reader, sums = settled(stack, policy)
        assert reader.segment_count == 2 and sums.checkpoints == 2


def limit_files(stack: Stack, size: int) -> None:
    """The largest file that tollgate may write."""
    pid = stack.tollgate.process.pid
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


def test_a_file_size_limit_is_a_full_disk_and_ends_nothing():
    """SIGXFSZ, which ends a process that does not mind it: Python gives children its default."""
    policy = books_policy()
    with Stack(StackOptions(policy=policy)) as stack:
        pid = stack.tollgate.process.pid
        allowed = [stack.chat().headers["x-ai-request-id"] for _ in range(20)]
        # The open segment is full; the next one has room.
        limit_files(stack, total(stack) + 200)
        allowed += until_refused(stack)
        poll("it heals", lambda: stack.chat().status_code == 200)
        # No segment has room, nor has the log.
        limit_files(stack, 64)
        allowed += until_refused(stack)
        refused(stack, 5)
        assert stack.tollgate.health() == 1
        limit_files(stack, resource.RLIM_INFINITY)
        poll("it heals", lambda: stack.chat().status_code == 200)
        assert stack.tollgate.process.pid == pid and stack.tollgate.process.is_running
        assert "File too large" in stack.tollgate.process.log()
        assert end(stack, signal.SIGTERM) == 0, stack.tollgate.process.log()[-3000:]
        _, sums = check(data_of(stack), policy, had_faults=True)
        assert set(allowed) <= sums.completed.keys() and not sums.open


@pytest.mark.parametrize("kind", ["drop", "retain", "delivered", "recycle"])
def test_a_bound_that_is_always_met_stops_nothing(kind):
    """All that is written is younger than the start: segments begin, and go, by themselves."""
    policy = books_policy()
    port = free_port()
    target = f"tcp://127.0.0.1:{port}"
    options = {
        "drop": ("--ship", f"{target}?on_full=drop"),
        "retain": ("--retain", "1s"),
        "delivered": ("--ship", f"{target}?age=20ms"),
        "recycle": ("--ledger-full", "recycle"),
    }[kind]
    # What is delivered is known to the ledger a second later.
    bound = 8 * MEBIBYTE if kind == "delivered" else MEBIBYTE
    arguments = (*options, "--ledger-max-bytes", str(bound))
    with contextlib.ExitStack() as around:
        if kind == "delivered":
            around.enter_context(taking_everything(port))
        stack = around.enter_context(
            Stack(StackOptions(policy=policy, tollgate_arguments=arguments))
        )
        folder = data_of(stack) / "ledger"
        with Load(stack.listener) as load:
            first = 1
            for _ in range(3):
                poll("the oldest segments go", lambda: segments(folder)[0][0] > first)
                first = segments(folder)[0][0]
                assert total(stack) <= bound
            load.stop()
        assert load.problems == []
        if kind == "drop":
            # By age, segments go a while after they end; what may be dropped goes at once.
            assert load.statuses[503] == 0
            check_all_is_shipped_or_dropped(stack, port, first)
        if kind in ("delivered", "recycle"):
            assert load.statuses[503] == 0
            page = httpx.get(stack.tollgate.admin + "/metrics", trust_env=False).text
            assert "\nai_gateway_ledger_hours_left " not in page
            assert f"ai_gateway_ledger_max_bytes {bound}" in page
        poll("it serves", lambda: stack.chat().status_code == 200)
        assert end(stack, signal.SIGTERM) == 0
        reader = ledger_check.LedgerReader(data_of(stack))
        records = reader.read()
        assert records[0].seq > 1 and records[-1].type == "stop"
        if kind in ("delivered", "recycle"):
            drops = [record.body for record in records if record.type == "drop"]
            reason = "delivered" if kind == "delivered" else "full"
            assert {(drop["target"], drop["reason"]) for drop in drops} == {(None, reason)}
            assert drops[-1]["last_seq"] <= records[0].seq


@contextlib.contextmanager
def taking_everything(port: int):
    """A receiver that reads all that comes, and answers nothing."""

    def take(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    while connection.recv(1 << 16):
                        pass

    with socket.create_server(("127.0.0.1", port)) as listener:
        threading.Thread(target=take, args=(listener,), daemon=True).start()
        yield


def check_all_is_shipped_or_dropped(stack: Stack, port: int, first: int) -> None:
    """The target comes up at last: what it is not sent is said by `drop` records. What it was to be
    sent first is in memory, whether or not it has gone from the disk."""
    lines: list[bytes] = []

    def take(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as file:
            lines.extend(file)

    with socket.create_server(("127.0.0.1", port)) as listener:
        receiver = threading.Thread(target=take, args=(listener,), daemon=True)
        receiver.start()

        def missing() -> set[int]:
            seen = [json.loads(line) for line in list(lines)]
            last = max((record["seq"] for record in seen), default=0)
            known = {record["seq"] for record in seen}
            for drop in (record for record in seen if record["type"] == "drop"):
                known.update(range(drop["first_seq"], drop["last_seq"] + 1))
            return set(range(1, last + 1)) - known if last > first else {0}

        poll("all is sent or said to be dropped", lambda: not missing())


def remove(path) -> None:
    path.unlink()


def replace(path) -> None:
    """Another file of the same name and content."""
    copy = path.with_name(path.name + ".copy")
    copy.write_bytes(path.read_bytes())
    copy.rename(path)


def move(path) -> None:
    path.rename(path.with_name(path.name + ".moved"))


TAMPERING = [remove, replace, move]


def not_ready(stack: Stack) -> str:
    """What `/readyz` says while it is not ready; empty while it is."""
    answer = httpx.get(stack.tollgate.admin + "/readyz", trust_env=False, timeout=30)
    return "" if answer.status_code == 200 else answer.text


@pytest.mark.parametrize("tamper", TAMPERING)
def test_a_lock_file_that_goes_ends_all_writing_and_a_second_process_is_alone(tamper):
    policy = books_policy()
    with Stack(StackOptions(policy=policy)) as stack:
        allowed = [stack.chat().headers["x-ai-request-id"] for _ in range(5)]
        tamper(data_of(stack) / "lock")
        # A second process takes the lock at once, while the first still runs.
        first = stack.tollgate.process
        command = [
            str(harness.BINARIES / "tollgate"), "serve", "--policy", str(stack.policy_path),
            "--data", str(data_of(stack)), "--listen", f"unix:{stack.folder}/second.sock",
            "--admin", f"127.0.0.1:{free_port()}",
        ]  # fmt: skip
        second = harness.Process("second", command, stack.folder, {"SWIFT_BACKTRACE": "enable=no"})
        poll("the second serves", lambda: "is ready on" in second.log())
        # Whatever the first was asked since: it let nothing through that is not on record.
        refused(stack, 5)
        reason = poll("the first is not ready", lambda: not_ready(stack))
        assert "lock" in reason and "restart" in reason
        assert "must be restarted" in first.log()
        before = {path.name: path.read_bytes() for _, path in segments(data_of(stack) / "ledger")}
        refused(stack, 5)
        time.sleep(1.5)  # The first one looks each second, and tries to open a segment.
        after = {path.name: path.read_bytes() for _, path in segments(data_of(stack) / "ledger")}
        assert after == before, "the first wrote into the second's ledger"
        assert end(stack, signal.SIGTERM) == 1, "its end could not be recorded"
        assert second.stop() == 0, second.log()
        _, sums = check(data_of(stack), policy)
        assert set(allowed) <= sums.completed.keys() and not sums.open
        stack.tollgate.start()
        assert stack.chat().status_code == 200
        settled(stack, policy)


@pytest.mark.parametrize("tamper", TAMPERING)
def test_a_segment_that_goes_is_followed_by_another_and_no_counter_is_lost(tamper):
    policy = books_policy()
    policy["tenants"]["tenant-a"]["limits"].append(
        {"name": "ten", "requests": 10, "per": "day", "models": ["llama3-8b"]}
    )
    with Stack(StackOptions(policy=policy)) as stack:
        for _ in range(6):
            assert stack.chat().status_code == 200
        ((first, path),) = segments(data_of(stack) / "ledger")
        tamper(path)
        log = stack.tollgate.process.log
        poll("it is said", lambda: f"{path.name} was removed or replaced" in log())
        poll("it goes on", lambda: "is written again" in log())
        second = segments(data_of(stack) / "ledger")[-1]
        assert second[0] > first
        assert [stack.chat().status_code for _ in range(5)] == [200] * 4 + [429]
        assert end(stack, signal.SIGTERM) == 0, log()[-3000:]
        stack.tollgate.start()
        assert stack.chat().status_code == 429, "and no start finds less"


def test_old_segments_that_somebody_removes_are_said():
    policy = books_policy()
    with Stack(StackOptions(policy=policy)) as stack:
        folder = data_of(stack) / "ledger"
        for count in (2, 3, 4):
            assert stack.chat().status_code == 200
            stack.tollgate.process.signal(signal.SIGUSR1)
            poll("a segment begins", lambda: len(segments(folder)) == count)
        for _, path in segments(folder)[:2]:
            path.unlink()
        poll("it is said", lambda: "ledger were not removed by Tollgate" in stack.tollgate.process.log())
        assert stack.chat().status_code == 200
        assert not_ready(stack) == ""


def test_the_ledgers_whole_directory_is_waited_for():
    policy = books_policy()
    with Stack(StackOptions(policy=policy)) as stack:
        assert stack.chat().status_code == 200
        folder = data_of(stack) / "ledger"
        folder.rename(folder.with_name("elsewhere"))
        poll("it is noticed without a request", lambda: not_ready(stack))
        refused(stack, 3)
        folder.mkdir(mode=0o700)
        poll("it heals", lambda: stack.chat().status_code == 200)


def test_records_of_several_segments_in_one_file_are_read_as_they_are():
    """As somebody has them who kept what was shipped."""
    policy = books_policy()
    with Stack(StackOptions(policy=policy)) as stack:
        folder = data_of(stack) / "ledger"
        allowed = []
        for count in (2, 3):
            allowed.append(stack.chat().headers["x-ai-request-id"])
            stack.tollgate.process.signal(signal.SIGUSR1)
            poll("a segment begins", lambda: len(segments(folder)) == count)
        end(stack)
        parts = [path for _, path in segments(folder)]
        whole = b"".join(path.read_bytes() for path in parts)
        for path in parts[1:]:
            path.unlink()
        parts[0].write_bytes(whole)
        verified = tollgate("audit", "verify", str(data_of(stack)))
        assert verified.returncode == 0, verified.stderr
        stack.tollgate.start()
        assert stack.chat().status_code == 200
        usage = json.loads(tollgate("usage", str(data_of(stack)), "--json").stdout)
        assert usage["total"]["requests"] >= len(allowed)
        assert end(stack, signal.SIGTERM) == 0, stack.tollgate.process.log()[-3000:]
        verified = tollgate("audit", "verify", str(data_of(stack)))
        assert verified.returncode == 0, verified.stderr


GUIDE = harness.REPOSITORY / "envoy" / "README.md"


def stated(words: str) -> int:
    """The bytes that the guide's table says a request takes in the ledger."""
    (row,) = [line for line in GUIDE.read_text().splitlines() if line.startswith(f"| {words} |")]
    return int(row.split("|")[2].replace(",", ""))


def test_the_guides_table_has_the_bytes_that_a_request_takes():
    five = [
        {"name": "rpm", "requests": 60_000, "per": "minute"},
        {"name": "tpm", "tokens": 6_000_000, "per": "minute"},
        {"name": "daily", "tokens": 50_000_000, "per": "day"},
        {"name": "monthly", "usd": 500, "per": "month"},
        {"name": "parallel", "concurrent": 50},
    ]
    for words, limits, expected, count in (
        ("let through, one limit", five[:1], 200, 100),
        ("let through, five limits", five, 200, 100),
        # More in a second would only be counted.
        ("refused, on a record of its own", five, 404, 8),
    ):
        policy = books_policy()
        policy["limits"] = []
        policy["tenants"]["tenant-a"]["limits"] = limits
        policy["tenants"]["tenant-a"]["keys"][0].pop("limits", None)
        with Stack(StackOptions(policy=policy)) as stack:
            before = total(stack)
            for _ in range(count):
                model = "llama3-8b" if expected == 200 else "none"
                assert stack.chat(model=model).status_code == expected
            settled(stack, policy)
            measured = (total(stack) - before) // count
        print(words, measured)
        # A request of somebody else's has other names in it; the order of size is what it is for.
        assert measured <= stated(words) <= 2 * measured, (words, measured)
