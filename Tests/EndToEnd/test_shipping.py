"""Shipping of records to a receiver that shares no code with Tollgate.

Nothing may be missing whatever the receiver does, what comes again is counted, and no request waits
for any of it.
"""

import json
import os
import signal
import socket
import subprocess
import threading
import time

import grpc
import httpx
import pytest
import yaml

import harness
import ledger_check
import ship_rounds
from harness import DRAIN_SECONDS, Stack, StackOptions, free_port, poll
from ledger_check import ORIGIN, segments, write_segment
from otlp_receiver import Answer, Receiver
from ship_rounds import hold_against, lines_of, seq_of

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
INVALID_ARGUMENT = grpc.StatusCode.INVALID_ARGUMENT


def shipping(*targets: str, envoy: bool = False, more: tuple[str, ...] = ()) -> Stack:
    arguments = tuple(item for target in targets for item in ("--ship", target))
    options = StackOptions(tollgate_arguments=arguments + more)
    if not envoy:
        options.envoy = None
    return Stack(options)


def grow(stack: Stack, times: int = 1) -> None:
    """Each begins a segment, whose checkpoint is a record."""
    for _ in range(times):
        before = len(lines_of(stack.tollgate.data))
        stack.tollgate.process.signal(signal.SIGUSR1)
        poll("there is a record more", lambda: len(lines_of(stack.tollgate.data)) > before)


def end(stack: Stack) -> dict[int, bytes]:
    """SIGTERM; every record of the ledger."""
    stack.tollgate.expected_dead = True
    assert stack.tollgate.process.stop() == 0, stack.tollgate.process.log()[-3000:]
    return lines_of(stack.tollgate.data)


def cursors(stack: Stack) -> list[int]:
    files = sorted((stack.tollgate.data / "ship").glob("*.cursor"))
    return [json.loads(file.read_text())["seq"] for file in files]


def restart_with(stack: Stack, *targets: str) -> None:
    stack.tollgate.arguments = tuple(i for target in targets for i in ("--ship", target))
    stack.tollgate.start()


def value_of(any_value):
    """An AnyValue as Python has it."""
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        return [value_of(item) for item in any_value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: value_of(item.value) for item in any_value.kvlist_value.values}
    return getattr(any_value, kind) if kind else None


def conventional(body: dict) -> dict:
    """The attributes of OpenTelemetry's conventions for generative AI, as the guide describes them."""
    if body["type"] not in ("admission", "completion") or body["operation"] is None:
        return {}
    error = body.get("reason")
    if body["type"] == "completion":
        error = body["end_reason"] if body["end_reason"] != "complete" else None
        if (body["http_status"] or 0) >= 400:
            error = str(body["http_status"])
    attributes = {
        "gen_ai.operation.name": body["operation"],
        "gen_ai.provider.name": body.get("provider"),
        "gen_ai.request.model": body["model"],
        "error.type": error,
    }
    if body.get("usage_source") == "reported":
        attributes["gen_ai.usage.input_tokens"] = body["prompt_tokens"]
        attributes["gen_ai.usage.output_tokens"] = body["completion_tokens"]
    if body.get("finish_reason"):
        attributes["gen_ai.response.finish_reasons"] = [body["finish_reason"]]
    return {name: value for name, value in attributes.items() if value is not None}


def test_a_request_through_envoy_arrives_with_its_fields_and_its_trace():
    port = free_port()
    with Receiver(f"127.0.0.1:{port}") as receiver:
        with shipping(f"otlp://127.0.0.1:{port}?age=50ms", envoy=True) as stack:
            headers = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
            request_id = stack.chat(headers=headers).headers["x-ai-request-id"]
            assert stack.chat(key="wrong", headers=headers).status_code == 401
            bad = {"traceparent": f"00-{'0' * 32}-{SPAN}-01"}
            other_id = stack.chat(headers=bad).headers["x-ai-request-id"]
            stack.ledger.completion(other_id)
            lines = end(stack)
        shipped = hold_against(lines, [export.lines for export in receiver.exports])
        assert shipped.repeats == 0
        resource = receiver.exports[0].request.resource_logs[0].resource
        identity = {item.key: value_of(item.value) for item in resource.attributes}
        assert identity["service.name"] == "tollgate" and identity["service.version"]
        assert len(identity["service.instance.id"]) == 36
        records = {}
        for export in receiver.exports:
            for record in export.records:
                body = json.loads(record.body.string_value)
                records[body["seq"]] = (record, body)
                assert record.event_name == f"tollgate.{body['type']}"
                assert record.time_unix_nano == ledger_check.milliseconds(body["timestamp"]) * 10**6
                assert record.observed_time_unix_nano > 0
                lists = {"counters", "open", "estimates", "totals", "keys", "revoked"} if body["type"] == "checkpoint" else set()
                fields = {item.key: value_of(item.value) for item in record.attributes}
                assert fields == {
                    name: value for name, value in body.items()
                    if value is not None and name not in lists
                } | conventional(body)  # fmt: skip
                # Also a whole number of dollars is a double: some stores index a field by its type.
                costs = [a.value for a in record.attributes if a.key == "estimated_cost_usd"]
                assert all(cost.WhichOneof("value") == "double_value" for cost in costs)
        about = [pair for pair in records.values() if pair[1].get("request_id") == request_id]
        assert [body["type"] for _, body in about] == ["admission", "completion"]
        denied = [p for p in records.values() if p[1].get("decision") == "deny"]
        assert [record.severity_text for record, _ in denied] == ["WARN"]
        for record, _ in about + denied:
            assert (record.trace_id.hex(), record.span_id.hex(), record.flags) == (TRACE, SPAN, 1)
        for record, body in records.values():
            if body.get("request_id") == other_id:
                assert not record.trace_id and body["traceparent"] is None


def test_every_code_but_one_holds_the_target_until_it_takes_the_records():
    """What the receiver says of itself (no permission, no such service) costs no record."""
    codes = [code for code in grpc.StatusCode if code not in (grpc.StatusCode.OK, INVALID_ARGUMENT)]
    port = free_port()
    failing: list = []

    def plan(number: int) -> Answer | None:
        return Answer(failing.pop()) if failing else None

    with Receiver(f"127.0.0.1:{port}", plan) as receiver:
        with shipping(f"otlp://127.0.0.1:{port}?age=0s") as stack:
            poll("the start is shipped", lambda: len(receiver.accepted) >= 2)
            for code in codes:
                before = len(receiver.exports)
                failing.append(code)
                grow(stack)
                poll("an export behind it", lambda: len(receiver.exports) > before + 1)
                failed = receiver.exports[before]
                assert failed.answer.code is code
                assert failed.seqs[0] in receiver.exports[before + 1].seqs, code
            target = status_of(stack)
            assert (target["rejected"], target["dropped"]) == (0, 0)
            lines = end(stack)
            assert "PERMISSION_DENIED" in stack.tollgate.process.log()
        assert receiver.accepted == [lines[seq] for seq in sorted(lines)]


def refused_file(stack: Stack) -> list[dict]:
    files = list((stack.tollgate.data / "ship").glob("*.refused.jsonl"))
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in files)
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def recorded(port: int, bodies: list[dict], more: str = "") -> Stack:
    """A stack, not started, that will ship to `port` the records it has already."""
    target = f"otlp://127.0.0.1:{port}?age=20ms{more}"
    stack = Stack(StackOptions(envoy=None, tollgate_arguments=("--ship", target)))
    write_segment(stack.tollgate.data, 1, int(time.time() * 1000) - 60_000, ORIGIN, bodies)
    return stack


@pytest.mark.parametrize("code", ["PERMISSION_DENIED", "UNAUTHENTICATED", "UNIMPLEMENTED"])
def test_a_receiver_without_permission_gets_every_record_when_it_has_one(code: str):
    """202 records wait, whatever it says; the page says that it is held, and why."""
    port = free_port()
    broken = threading.Event()
    broken.set()

    def plan(number: int) -> Answer | None:
        return Answer(grpc.StatusCode[code]) if broken.is_set() else None

    with Receiver(f"127.0.0.1:{port}", plan) as receiver:
        stack = recorded(port, denials(201, 300), "&batch=20")
        with stack:
            poll("three refusals", lambda: len(receiver.exports) >= 3)
            target = poll("it is held", lambda: (
                found := status_of(stack))["state"] == "held" and found)  # fmt: skip
            assert code in target["last_error"] and target["rejected"] == 0
            assert target["acknowledged_seq"] == 0 and target["lag_records"] >= 202
            assert refused_file(stack) == []
            broken.clear()
            poll("all is shipped", lambda: cursors(stack) == [max(lines_of(stack.tollgate.data))])
            lines = end(stack)
        assert receiver.accepted == [lines[seq] for seq in sorted(lines)]


def test_a_record_that_is_refused_by_itself_is_set_aside_and_can_be_shipped_again():
    """The receiver refuses each batch with one of these; then it is mended, and they are sent by hand."""
    port = free_port()
    bad = {5, 77, 78, 150}
    receiver = Receiver(f"127.0.0.1:{port}")
    receiver.judge = lambda seqs: Answer(INVALID_ARGUMENT) if bad & set(seqs) else None
    with receiver:
        stack = recorded(port, denials(201, 300))
        with stack:
            poll("all is shipped", lambda: cursors(stack) == [max(lines_of(stack.tollgate.data))])
            assert status_of(stack)["rejected"] == len(bad)
            aside = refused_file(stack)
            wrong = run_ship(stack.tollgate.data, port, "--from", "5", "--until", "5")
            assert wrong.returncode == 1 and "has 0 of 1 record" in wrong.stdout, wrong
            before = cursors(stack)
            receiver.judge = lambda seqs: None
            for seq in sorted(bad):
                again = run_ship(stack.tollgate.data, port, "--from", str(seq), "--until", str(seq))
                assert again.returncode == 0 and "has 1 of 1 record" in again.stdout, again
            assert cursors(stack) == before
            lines = end(stack)
        assert [entry["seq"] for entry in aside] == sorted(bad)
        assert all(entry["line"].encode() == lines[entry["seq"]] for entry in aside)
        assert all("INVALID_ARGUMENT" in entry["reason"] for entry in aside)
        assert sorted(receiver.accepted, key=seq_of) == [lines[seq] for seq in sorted(lines)]


def test_a_receiver_that_refuses_everything_is_held_after_ten_records():
    port = free_port()
    receiver = Receiver(f"127.0.0.1:{port}")
    receiver.judge = lambda seqs: Answer(INVALID_ARGUMENT)
    with receiver:
        stack = recorded(port, denials(50, 300))
        with stack:
            target = poll("it is held", lambda: (
                found := status_of(stack))["state"] == "held" and found)  # fmt: skip
            assert target["rejected"] == 10 and "10 records in a row" in target["last_error"]
            receiver.judge = lambda seqs: None
            poll("all is shipped", lambda: cursors(stack) == [max(lines_of(stack.tollgate.data))])
            aside = refused_file(stack)
            lines = end(stack)
        assert [entry["seq"] for entry in aside] == list(range(1, 11))
        assert receiver.accepted == [lines[seq] for seq in sorted(lines) if seq > 10]


def run_ship(data, port: int, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [harness.BINARIES / "tollgate", "audit", "ship", data, "--to", f"otlp://127.0.0.1:{port}?timeout=1s",
         *arguments], capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_a_new_receiver_gets_the_whole_ledger_by_hand():
    port = free_port()
    with shipping() as stack:
        grow(stack, 3)
        data = stack.tollgate.data
        refused = run_ship(data, port)
        assert refused.returncode == 1 and "has 0 of" in refused.stdout, refused
        with Receiver(f"127.0.0.1:{port}") as receiver:
            live = run_ship(data, port)
            count = len(lines_of(data))
            assert live.returncode == 0 and f"has {count} of {count} records" in live.stdout, live
            lines = end(stack)
            copied = run_ship(data, port, "--from", "2")
            assert copied.returncode == 0, copied
            got = [line for export in receiver.exports for line in export.lines]
        assert got == [lines[seq] for seq in range(1, count + 1)] + [
            lines[seq] for seq in range(2, len(lines) + 1)]  # fmt: skip
        assert not (data / "ship").exists()


def test_retry_info_and_partial_success_are_kept_to():
    port = free_port()
    answers = [
        Answer(grpc.StatusCode.RESOURCE_EXHAUSTED, retry_seconds=1.5),
        Answer(UNAVAILABLE, retry_seconds=1.2), Answer(rejected=1, message="too \x1b[31mold"),
    ]  # fmt: skip
    with Receiver(f"127.0.0.1:{port}", lambda n: answers[n] if n < 3 else None) as receiver:
        with shipping(f"otlp://127.0.0.1:{port}?age=300ms") as stack:
            poll("a partial success", lambda: len(receiver.exports) >= 3)
            first, second, third = receiver.exports[:3]
            assert second.at - first.at >= 1.5 and third.at - second.at >= 1.2
            assert first.lines == second.lines[: len(first.lines)]
            grow(stack)
            # Which record was rejected is not said: all that it may be are set aside.
            poll("they are set aside", lambda: len(refused_file(stack)) >= len(third.lines))
            aside = [entry["line"].encode() for entry in refused_file(stack)]
            assert aside == third.lines
            lines = end(stack)
            # The receiver's text is escaped: it cannot send control characters to a terminal.
            assert 'too ?[31mold' in stack.tollgate.process.log()
        # What was rejected is not sent again.
        hold_against(lines, [export.lines for export in receiver.exports[2:]])
        assert len(receiver.accepted) == len(set(receiver.accepted))


def test_a_receiver_that_is_down_half_open_or_slow_costs_no_request_and_no_record():
    """In turn: nobody listens, one accepts and never answers, one answers late; requests go on."""
    port = free_port()
    with shipping(f"otlp://127.0.0.1:{port}?age=20ms&timeout=1s", envoy=True) as stack:
        assert stack.chat().status_code == 200
        poll("it is said", lambda: "ship_failed" in stack.tollgate.process.log()
             or "it is tried again" in stack.tollgate.process.log())  # fmt: skip
        with socket.create_server(("127.0.0.1", port)) as silent:
            silent.settimeout(harness.READY_SECONDS)
            connection, _ = silent.accept()
            assert stack.chat().status_code == 200
            poll("it is given up", lambda: "no answer in 1s" in stack.tollgate.process.log())
            connection.close()
        slow = threading.Event()
        plan = lambda number: Answer(until=slow) if number == 0 else None  # noqa: E731
        with Receiver(f"127.0.0.1:{port}", plan) as receiver:
            poll("an export", lambda: receiver.exports)
            assert stack.chat().status_code == 200
            poll("it is shipped again", lambda: len(receiver.exports) > 1)
            slow.set()
            poll("all is shipped", lambda: cursors(stack) == [max(lines_of(stack.tollgate.data))])
            lines = end(stack)
            hold_against(lines, [export.lines for export in receiver.exports])


def test_a_unix_socket_stdout_and_tcp_get_the_same_lines():
    port = free_port()
    received = bytearray()

    def take(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        while data := connection.recv(65536):
            received.extend(data)

    with socket.create_server(("127.0.0.1", port)) as listener:
        reader = threading.Thread(target=take, args=(listener,), daemon=True)
        reader.start()
        path = f"/tmp/tg-ship-{os.getpid()}.sock"
        with Receiver(f"unix:{path}") as receiver:
            targets = (f"otlp+unix:{path}?age=20ms", "stdout", f"tcp://127.0.0.1:{port}?batch=2")
            with shipping(*targets) as stack:
                grow(stack, 5)
                lines = end(stack)
                output = stack.tollgate.process.log().encode()
            whole = [lines[seq] for seq in sorted(lines)]
            assert hold_against(lines, [export.lines for export in receiver.exports]).repeats == 0
            # The log's lines are in the same file.
            printed = [line for line in output.splitlines() if line.startswith(b'{"type":"')]
            assert printed == whole
            reader.join(10)
            assert bytes(received).splitlines() == whole


def test_a_stdout_that_nobody_reads_holds_nothing_up():
    """The pipe fills; requests, other records and the end of the process go on."""
    # Never started: it has the policy's file, and ports.
    stack = Stack(StackOptions(envoy=None))
    folder = stack.folder
    filler = [{"type": "denials", "tenant": None, "reason": "invalid_api_key", "count": 1,
               "since": ledger_check.text(0)}] * 1000  # fmt: skip
    write_segment(folder / "data", 1, int(time.time() * 1000) - 60_000, ORIGIN, filler)
    reading, writing = os.pipe()
    command = [str(harness.BINARIES / "tollgate"), "serve", "--policy", str(stack.policy_path),
               "--listen", stack.tollgate.target, "--data", str(folder / "data"),
               "--ship", "stdout"]  # fmt: skip
    child = subprocess.Popen(command, stdout=writing, stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        poll("it serves", lambda: stack.tollgate.health() == 1)
        child.send_signal(signal.SIGTERM)
        assert child.wait(DRAIN_SECONDS) == 0
        output = b""
        while data := os.read(reading, 65536):
            output += data
        # Whole lines, from the first on; the rest waits for the next start.
        lines = output.splitlines()
        assert 0 < len(lines) < 1000 and output.endswith(b"\n")
        assert [seq_of(line) for line in lines] == list(range(1, len(lines) + 1))
    finally:
        child.kill()
        child.wait()
        os.close(reading)


def test_a_cursor_that_cannot_be_used_and_a_new_target_begin_at_the_oldest_record():
    port, other = free_port(), free_port()
    target = f"otlp://127.0.0.1:{port}?age=20ms"
    with shipping(target) as stack:
        with Receiver(f"127.0.0.1:{port}") as receiver:
            end(stack)
            count = len(receiver.exports)
            restart_with(stack, target)
            lines = end(stack)
            # The cursor holds: nothing comes twice.
            assert hold_against(lines, [e.lines for e in receiver.exports]).repeats == 0
            assert len(receiver.exports) > count
            (file,) = (stack.tollgate.data / "ship").glob("*.cursor")
            assert file.stat().st_mode & 0o777 == 0o600
            file.write_bytes(file.read_bytes()[:-5])
            count = len(receiver.exports)
            with Receiver(f"127.0.0.1:{other}") as second:
                restart_with(stack, target, f"otlp://127.0.0.1:{other}")
                log = poll("it is said", lambda: "it is damaged" in stack.tollgate.process.log())
                assert log and file.name in stack.tollgate.process.log()
                lines = end(stack)
                assert hold_against(lines, [e.lines for e in second.exports]).repeats == 0
            hold_against(lines, [e.lines for e in receiver.exports[count:]])


def drops_of(stack: Stack) -> list[dict]:
    lines = lines_of(stack.tollgate.data).values()
    return [json.loads(line) for line in lines if line.startswith(b'{"type":"drop"')]


@pytest.mark.parametrize("on_full", ["hold", "drop"])
def test_at_the_ledgers_bound_only_targets_that_may_lose_records_do(on_full):
    """Old segments nobody has been sent: `hold` is 503, `drop` lets them go and says so."""
    port = free_port()
    # What may be lost goes although it is younger than --retain's default of 30 days.
    retain = ("--retain", "60s") if on_full == "hold" else ()
    arguments = ("--ship", f"otlp://127.0.0.1:{port}?on_full={on_full}&age=20ms",
                 *retain, "--ledger-max-bytes", "8MiB")  # fmt: skip
    options = StackOptions(tollgate_arguments=arguments)
    stack = Stack(options)
    filler = [{"type": "denials", "tenant": None, "reason": "x" * 8000, "count": 1,
               "since": ledger_check.text(0)}] * 230  # fmt: skip
    seq, previous, old = 1, ORIGIN, int(time.time() * 1000) - 86_400_000
    for _ in range(5):
        seq, previous = write_segment(stack.tollgate.data, seq, old, previous, filler)
    first_files = sorted((stack.tollgate.data / "ledger").glob("*.jsonl"))
    assert sum(file.stat().st_size for file in first_files) > 8 << 20
    with stack:
        if on_full == "hold":
            assert stack.chat().status_code == 503
            assert first_files[0].exists()
        else:
            poll("there is room", lambda: stack.chat().status_code == 200)
            assert not first_files[0].exists() and first_files[-1].exists()
        with Receiver(f"127.0.0.1:{port}") as receiver:
            poll("it is shipped", lambda: receiver.exports and cursors(stack)[0] >= seq - 1)
            if on_full == "hold":
                poll("there is room", lambda: stack.chat().status_code == 200)
                assert receiver.exports[0].seqs[0] == 1
            else:
                drops = poll("it is recorded", lambda: drops_of(stack))
                shipped = {seq for export in receiver.exports for seq in export.seqs}
                lost: set[int] = set()
                for drop in drops:
                    gone = range(drop["first_seq"], drop["last_seq"] + 1)
                    assert len(gone) > 0
                    if drop["target"] is not None:
                        assert shipped.isdisjoint(gone) and lost.isdisjoint(gone)
                        lost.update(gone)
                assert lost and shipped | lost >= set(range(1, seq))
                # What the ledger says for itself. Also of a segment that goes unsent, the target may have
                # had the first records in memory.
                for drop in drops:
                    if drop["target"] is None:
                        had = {"full": lost | shipped, "delivered": shipped}[drop["reason"]]
                        assert had >= set(range(drop["first_seq"], drop["last_seq"] + 1))
                assert "left the ledger" in stack.tollgate.process.log()


def denials(count: int, size: int) -> list[dict]:
    """Records of about `size` bytes."""
    return [{"type": "denials", "tenant": None, "reason": "x" * size, "count": 1,
             "since": ledger_check.text(0)}] * count  # fmt: skip


def status_of(stack: Stack) -> dict:
    (target,) = httpx.get(stack.tollgate.admin + "/api/v1/status", trust_env=False).json()["ship"]
    return target


def test_a_message_limit_costs_only_the_record_that_alone_is_over_it():
    """gRPC's own limit, as grpcio enforces it: batches become smaller, one record cannot."""
    port = free_port()
    with Receiver(f"127.0.0.1:{port}", message_bytes_max=300_000) as receiver:
        bodies = denials(60, 8_000) + denials(1, 400_000) + denials(3, 8_000)
        stack = recorded(port, bodies)
        with stack:
            large = 62
            poll("all is shipped", lambda: cursors(stack) == [max(lines_of(stack.tollgate.data))])
            target = status_of(stack)
            assert (target["rejected"], target["dropped"], target["damaged"]) == (1, 0, 0)
            lines = end(stack)
            log = stack.tollgate.process.log()
            size = len(lines[large]) + 1
            assert f"record {large} of {size} bytes is refused by itself" in log
            assert "max_recv_msg_size_mib" in log and "batches are of at most" in log
            assert log.count("RESOURCE_EXHAUSTED") < 20
        got = [seq for export in receiver.exports for seq in export.seqs]
        assert got == [seq for seq in sorted(lines) if seq != large]
        assert all(lines[seq_of(line)] == line for line in receiver.accepted)


def test_a_damaged_record_is_told_and_is_no_drop():
    """A changed digit in an old segment, which a start does not read: every other record is shipped."""
    port = free_port()
    with Receiver(f"127.0.0.1:{port}") as receiver:
        stack = Stack(StackOptions(
            envoy=None, tollgate_arguments=("--ship", f"otlp://127.0.0.1:{port}?age=20ms"),
        ))  # fmt: skip
        data, old = stack.tollgate.data, int(time.time() * 1000) - 60_000
        seq, previous = write_segment(data, 1, old, ORIGIN, denials(8, 10))
        write_segment(data, seq, old, previous, denials(1, 10))
        (_, first), *_ = segments(data / "ledger")
        whole = first.read_bytes()
        offset = whole.index(b'{"type":"denials","seq":5,')
        first.write_bytes(whole.replace(b'"seq":5,', b'"seq":7,'))
        with stack:
            poll("all is shipped", lambda: cursors(stack) == [max(lines_of(data))])
            target = status_of(stack)
            assert (target["damaged"], target["dropped"], target["rejected"]) == (1, 0, 0)
            assert f"{first.name}: offset {offset}" in target["last_error"]
            name = f'ai_gateway_ship_damaged_total{{target="otlp://127.0.0.1:{port}"}} 1'
            assert name in stack.tollgate.scrape()
            log = stack.tollgate.process.log()
            assert f"1 records, 5 to 5, are not shipped: {first.name}: offset {offset}" in log
            assert drops_of(stack) == []
            lines = end(stack)
        got = [seq for export in receiver.exports for seq in export.seqs]
        assert got == [seq for seq in sorted(lines) if seq != 5]


@pytest.mark.parametrize("when", ["at once", "after the first batch"])
def test_a_receiver_of_lines_that_closes_its_sending_side_gets_them_all(when):
    """It has nothing to say, and says so while a batch is on its way, which its small buffer makes
    long. Nothing is missing, and nothing is repeated for ever."""
    port = free_port()
    received: list[bytes] = []
    stack = Stack(StackOptions(
        envoy=None, tollgate_arguments=("--ship", f"tcp://127.0.0.1:{port}?age=0s"),
    ))  # fmt: skip
    data = stack.tollgate.data
    write_segment(data, 1, int(time.time() * 1000) - 60_000, ORIGIN, denials(100, 8_000))

    def take(connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            if when == "at once":
                connection.shutdown(socket.SHUT_WR)
            for line in stream:
                received.append(line.rstrip(b"\n"))
                if len(received) == 1 and when != "at once":
                    connection.shutdown(socket.SHUT_WR)

    def listen(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=take, args=(connection,), daemon=True).start()

    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        threading.Thread(target=listen, args=(listener,), daemon=True).start()
        with stack:
            for _ in range(4):
                grow(stack)
                last = max(lines_of(data))
                poll("it is shipped", lambda: received and seq_of(received[-1]) >= last)
            lines = end(stack)
            poll("the end is shipped", lambda: seq_of(received[-1]) == max(lines))
        assert set(received) == set(lines.values())
        if when == "at once":
            assert received == [lines[seq] for seq in sorted(lines)]


def test_the_sample_configurations_are_yaml_and_listen_where_they_say():
    folder = harness.REPOSITORY / "envoy" / "observability" / "shipping"
    collector = yaml.safe_load((folder / "otel-collector.yaml").read_text())
    grpc_receiver = collector["receivers"]["otlp"]["protocols"]["grpc"]
    assert grpc_receiver["endpoint"] == "127.0.0.1:4317"
    # gRPC's default of 4 MiB is less than a large ledger's checkpoint.
    assert grpc_receiver["max_recv_msg_size_mib"] >= 64
    pipeline = collector["service"]["pipelines"]["logs"]
    for kind in ("receivers", "processors", "exporters"):
        assert set(pipeline[kind]) <= set(collector[kind])
    bit = yaml.safe_load((folder / "fluent-bit.yaml").read_text())
    assert [item["port"] for item in bit["pipeline"]["inputs"]] == [4317, 5170]
    vector = yaml.safe_load((folder / "vector.yaml").read_text())
    assert vector["sources"]["tollgate_otlp"]["grpc"]["address"] == "127.0.0.1:4317"
    known = set(vector["sources"]) | set(vector["transforms"]) | {"tollgate_otlp.logs"}
    for step in (*vector["transforms"].values(), *vector["sinks"].values()):
        assert set(step["inputs"]) <= known


@pytest.mark.timeout(300)
def test_killing_either_side_under_load_loses_no_record_and_keeps_the_order():
    seed = int(os.environ.get("TOLLGATE_SEED", "20261122"))
    report = ship_rounds.run(rounds=6, seed=seed)
    print(f"seed {seed}: {report}")
    assert report.shipped.records > 100, report
