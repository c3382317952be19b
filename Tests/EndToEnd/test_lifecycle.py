"""Drain loses nothing; a tollgate that is gone lets nothing through."""

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import threading

import grpc
import pytest

import direct
import load
import policy as policies
from harness import BINARIES, DRAIN_SECONDS, Stack, StackOptions, chat_body, poll, scaled
from ledger_check import segments
from load import Asked, request_bytes


def held_requests(count: int) -> list[Asked]:
    """Each stays at the backend until the recorder's `release()`."""
    raw = request_bytes("/v1/chat/completions", chat_body("llama3-8b"), policies.KEY_A,
                        headers={"x-test-hold": "1"})  # fmt: skip
    return [Asked("held", raw, 200, b'"cluster": "chat-llama3-8b-v1"')] * count


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_drain_under_load_loses_nothing(number):
    with Stack() as stack:
        count = scaled(200)
        tallies: list[load.Tally] = []
        client = threading.Thread(
            target=lambda: tallies.append(
                asyncio.run(load.all_at_once(stack.listener, held_requests(count)))
            )
        )
        client.start()
        poll("all are at the backend", lambda: stack.recorder.open == count)
        stack.tollgate.expected_dead = True
        process = stack.tollgate.process
        process.signal(number)
        poll("it drains", lambda: "draining" in process.log())
        assert process.is_running, "it left with exchanges open"
        stack.recorder.release()
        client.join(DRAIN_SECONDS)
        (tally,) = tallies
        assert tally.wrong[:5] == []
        assert tally.right["held"] == count
        assert process.wait(DRAIN_SECONDS) == 0, process.log()[-3000:]
        stack.tollgate.check_log()


def test_drain_turns_health_first_and_finishes_open_streams(request):
    with Stack(StackOptions(envoy=None)) as stack:
        stack.tollgate.expected_dead = True
        process = stack.tollgate.process
        with direct.channel(stack.tollgate.target) as over:
            watch = over.unary_stream("/grpc.health.v1.Health/Watch")(b"", timeout=60)
            assert next(watch) == b"\x08\x01"
            stream = direct.Exchange(over)
            stream.ask(direct.request_headers())
            process.signal(signal.SIGTERM)
            assert next(watch) == b"\x08\x02"
            body = b'{"model":"llama3-8b","messages":[]}'
            assert direct.kind(stream.ask(direct.request_body(body))) == "request_body"
            assert direct.kind(stream.ask(direct.response_headers())) == "response_headers"
            assert process.is_running, "it left with a stream open"
            stream.half_close()
            assert stream.rest() == []
            assert stream.code is grpc.StatusCode.OK
            watch.cancel()
        assert process.wait(DRAIN_SECONDS) == 0


def test_drain_gives_up_at_its_timeout():
    options = StackOptions(envoy=None, tollgate_arguments=("--drain-timeout", "1s"))
    with Stack(options) as stack:
        stack.tollgate.expected_dead = True
        with direct.channel(stack.tollgate.target) as over:
            stream = direct.Exchange(over)
            stream.ask(direct.request_headers())
            stack.tollgate.process.signal(signal.SIGTERM)
            stream.rest()
            assert stream.code is not grpc.StatusCode.OK, "an unfinished exchange must not end OK"
        stack.tollgate.process.wait(DRAIN_SECONDS)


@pytest.mark.parametrize("filters", [("ext_authz", "ext_proc"), ("ext_proc",)], ids="+".join)
def test_a_killed_tollgate_lets_nothing_through(filters):
    from envoy_config import EnvoyOptions

    with Stack(StackOptions(envoy=EnvoyOptions(filters=filters))) as stack:
        assert stack.chat().status_code == 200
        stack.tollgate.expected_dead = True
        stack.tollgate.process.signal(signal.SIGKILL)
        stack.tollgate.process.wait(10)
        mark = stack.recorder.mark()
        for path in ("/v1/chat/completions", "/custom/search", "/v1/models", "/"):
            for extra in ({}, {"x-ai-model-route": "chat-llama3-8b-v1"}):
                response = stack.request("POST", path, json=chat_body("llama3-8b"), headers=extra)
                assert response.status_code == 503, (path, response.status_code)
        assert stack.recorder.since(mark) == [], "a backend was reached without a verdict"
        stack.tollgate.start()
        poll("it serves again", lambda: stack.chat().status_code == 200)


def test_a_kill_in_the_middle_reaches_no_backend_unjudged():
    """Requests go on all the time while tollgate is killed: 200 only with a route that was chosen."""
    with Stack() as stack:
        done = threading.Event()
        tallies: list[load.Tally] = []
        refused = [item for item in load.mixture() if item.status != 200]
        client = threading.Thread(
            target=lambda: tallies.append(
                asyncio.run(load.keep_asking(stack.listener, refused, 16, done.is_set))
            )
        )
        client.start()
        try:
            for _ in range(5):
                mark = len(stack.recorder.seen)
                poll("it answers", lambda: stack.chat().status_code == 200)
                stack.tollgate.expected_dead = True
                stack.tollgate.process.signal(signal.SIGKILL)
                stack.tollgate.process.wait(10)
                stack.tollgate.start()
        finally:
            done.set()
            client.join(60)
        assert mark is not None
        # Only the witness requests, all of them allowed, may have got through.
        for seen in stack.recorder.seen:
            assert seen.value("x-ai-tenant") == "tenant-a"
            assert seen.value("x-ai-model-route") == "chat-llama3-8b-v1"
        (tally,) = tallies
        for wrong in tally.wrong:
            assert ": 200 " not in wrong, wrong


@pytest.mark.parametrize("trouble", ["a listen address is taken", "the cursors have no place"])
def test_a_start_that_fails_behind_the_ledger_leaves_it_as_a_stop_does(trouble):
    """What fails once the books are open closes them, and takes the sockets along."""
    with Stack(StackOptions(envoy=None)) as stack:
        tollgate = stack.tollgate
        tollgate.expected_dead = True
        assert tollgate.process.stop() == 0
        command = [
            str(BINARIES / "tollgate"), "serve", "--policy", str(stack.policy_path),
            "--data", str(tollgate.data), "--listen", tollgate.socket, "--listen", tollgate.target,
            "--admin", "off",
        ]  # fmt: skip
        with contextlib.ExitStack() as held:
            if trouble == "a listen address is taken":
                held.enter_context(socket.create_server(("127.0.0.1", tollgate.port)))
            else:
                (tollgate.data / "ship").write_text("no directory")
                command += ["--ship", "tcp://127.0.0.1:9"]
            failed = subprocess.run(command, capture_output=True, text=True, timeout=DRAIN_SECONDS)
        assert failed.returncode == 1 and "tollgate serve: " in failed.stderr
        (_, last) = segments(tollgate.data / "ledger")[-1]
        types = [json.loads(line)["type"] for line in last.read_bytes().splitlines()]
        assert types[-2:] == ["start", "stop"], failed.stderr
        assert not (stack.folder / "tollgate.sock").exists()
        before = last.read_bytes()
        tollgate.start()
        assert last.read_bytes().startswith(before)
        assert "were open when" not in tollgate.process.log()


def test_a_socket_left_behind_is_taken_over():
    """After kill -9 the socket's file is still there; the next start must not trip over it."""
    with Stack(StackOptions(envoy=None)) as stack:
        stack.tollgate.expected_dead = True
        stack.tollgate.process.signal(signal.SIGKILL)
        stack.tollgate.process.wait(10)
        stack.tollgate.start()
        assert stack.tollgate.health(target=stack.tollgate.socket) == 1
