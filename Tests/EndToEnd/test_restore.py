"""A node is lost: its ledger comes back out of what it had shipped, to the last counter."""

import json
import signal
import socket
import threading

import pytest

import ledger_check
from crash_rounds import Load, books_policy
from harness import Stack, StackOptions, free_port, poll
from ledger_check import check
from test_audit import tollgate
from test_crash import HELD, data_of, end, settled


class Collector:
    """A receiver of lines that keeps them in a file."""

    def __init__(self, path):
        self.path, self.port = path, free_port()
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.take, daemon=True).start()

    def take(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.keep, args=(connection,), daemon=True).start()

    def keep(self, connection: socket.socket) -> None:
        with connection, self.path.open("ab") as file:
            while piece := connection.recv(1 << 16):
                file.write(piece)
                file.flush()

    @property
    def target(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"


def as_a_collector_writes_it(path, count: int = 7) -> str:
    """The lines in the shape of the file exporter of the OpenTelemetry Collector: a request a line."""
    lines = path.read_text().splitlines()
    requests = []
    for at in range(0, len(lines), count):
        records = [
            {"timeUnixNano": "1", "body": {"stringValue": line}, "attributes": [
                {"key": "type", "value": {"stringValue": json.loads(line)["type"]}}]}
            for line in lines[at : at + count]
        ]  # fmt: skip
        requests.append({"resourceLogs": [{"resource": {"attributes": []}, "scopeLogs": [
            {"scope": {"name": "tollgate"}, "logRecords": records}]}]})  # fmt: skip
    return "".join(json.dumps(request) + "\n" for request in requests)


@pytest.mark.parametrize("form", ["lines", "otlp"])
def test_a_lost_nodes_ledger_comes_back_to_the_last_counter(form, tmp_path):
    policy = books_policy()
    collector = Collector(tmp_path / "shipped.jsonl")
    stack = Stack(StackOptions(policy=policy, tollgate_arguments=("--ship", collector.target)))
    with stack:
        with Load(stack.listener) as load:
            for number in range(3):
                poll("answers", lambda: len(load.allowed) >= 30 * (number + 1))
                stack.tollgate.process.signal(signal.SIGUSR1)
            load.stop()
        held = threading.Thread(target=lambda: stack.chat(headers=HELD), daemon=True)
        held.start()
        poll("one is open", lambda: stack.recorder.open == 1)

        def lag() -> str:
            page = stack.tollgate.scrape()
            return [line for line in page.splitlines() if line.startswith("ai_gateway_ship_lag_records")]

        poll("all is shipped", lambda: lag()[0].endswith(" 0"))
        end(stack, signal.SIGKILL)
        stack.recorder.release()
        held.join(60)
        lost, sums = check(data_of(stack), policy)
        assert len(sums.open) == 1 and sums.last.seq > 100
        # What the node had is gone: only what was shipped is left.
        shipped = collector.path
        if form == "otlp":
            shipped = tmp_path / "exported.json"
            shipped.write_text(as_a_collector_writes_it(collector.path))
        before = {
            path.name: path.read_bytes() for _, path in ledger_check.segments(data_of(stack) / "ledger")
        }
        restored = tmp_path / "restored"
        done = tollgate("audit", "restore", str(restored), "--from", str(shipped), "--json")
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        assert (result["first_seq"], result["last_seq"]) == (1, sums.last.seq)
        after = {path.name: path.read_bytes() for _, path in ledger_check.segments(restored / "ledger")}
        assert before.keys() == after.keys()
        assert all(after[name].startswith(content) for name, content in before.items())
        again = tollgate("audit", "restore", str(restored), "--from", str(shipped))
        assert again.returncode == 1 and "is there already" in again.stderr
        assert tollgate("audit", "verify", str(restored)).returncode == 0
        # The start's checkpoint is held against the sum of all records, counter by counter.
        stack.tollgate.data = restored
        stack.tollgate.start()
        assert stack.chat().status_code == 200
        reader, now = settled(stack, policy)
        assert now.compared >= sums.compared + 1
        assert "interrupted" in now.completed.values()
        assert set(load.allowed) <= now.completed.keys()
        starts = [json.loads(line) for line in (reader_lines(restored)) if b'"type":"start"' in line[:20]]
        assert {start["ledger_id"] for start in starts} == {result["ledger_id"]}
        assert [start["start_number"] for start in starts] == [1, 2]


def reader_lines(data) -> list[bytes]:
    return [
        line for _, path in ledger_check.segments(data / "ledger") for line in path.read_bytes().splitlines()
    ]


def test_a_gap_and_a_mixture_are_refused_and_nothing_is_written(tmp_path):
    policy = books_policy()
    files = []
    for name in ("one", "two"):
        collector = Collector(tmp_path / name)
        options = StackOptions(policy=policy, tollgate_arguments=("--ship", collector.target))
        with Stack(options) as stack:
            for _ in range(3):
                assert stack.chat().status_code == 200
            settled(stack, policy)
            assert end(stack, signal.SIGTERM) == 0
        files.append(collector.path)
    target = tmp_path / "restored"
    done = tollgate("audit", "restore", str(target), "--from", str(files[0]), str(files[1]))
    assert done.returncode == 1 and "--ledger" in done.stderr
    lines = files[0].read_bytes().splitlines(keepends=True)
    ids = [json.loads(file.read_bytes().splitlines()[0])["ledger_id"] for file in files]
    assert all(ledger in done.stderr for ledger in ids)
    holed = tmp_path / "holed"
    holed.write_bytes(b"".join(lines[:3] + lines[5:]))
    done = tollgate("audit", "restore", str(target), "--from", str(holed))
    assert done.returncode == 1 and "records 4 to 5" in done.stderr
    assert not (target / "ledger").exists()
    done = tollgate(
        "audit", "restore", str(target), "--from", str(files[0]), "--from", str(files[1]),
        "--ledger", ids[1],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert check(target, policy)[1].completed.keys()
