"""Every hostile request gets its answer, and no backend sees it."""

import json

import pytest

import policy as policies
from harness import Stack, StackOptions, poll
from hostile_table import STORE_LOST, TABLE, Hostile
from redis_servers import PASSWORD, Standalone
from wire import CHAT, RawReply, h1, read_h1, send_h1, send_h2
import socket

STACKS = ["stack", "proc_only", "duplex"]


@pytest.fixture(params=STACKS)
def any_stack(request):
    return request.getfixturevalue(request.param)


def test_the_table_is_large_enough():
    assert len(TABLE) >= 60
    assert len({(case.name, case.request if not case.is_h2 else "") for case in TABLE}) == len(TABLE)


def send(stack, case: Hostile) -> RawReply:
    if case.is_h2:
        return send_h2(stack.listener, *case.request)
    return send_h1(stack.listener, case.request, case.method)


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_hostile(any_stack, case):
    mark = any_stack.recorder.mark()
    reply = send(any_stack, case)
    assert any_stack.recorder.since(mark) == [], "a backend saw it"
    if case.status is None:
        # Envoy answers or closes; when it passes the request to Tollgate, Tollgate refuses.
        assert reply.status is None or 400 <= reply.status < 600, reply
        return
    assert reply.status == case.status, reply
    if case.code:
        assert reply.code == case.code, reply
    if case.method != "HEAD":
        assert reply.headers["content-type"] == "application/json"
        error = json.loads(reply.body)["error"]
        assert error["message"] and error["type"]
    if case.status == 401:
        assert reply.headers["www-authenticate"] == "Bearer"


def test_no_refusal_repeats_the_credential_or_the_body(any_stack):
    for case in TABLE:
        if case.is_h2 or case.status is None:
            continue
        reply = send(any_stack, case)
        for secret in (policies.KEY_A, policies.KEY_A_EXPIRED, policies.KEY_B, "hello"):
            text = reply.body.decode("latin-1") + repr(reply.headers)
            assert secret not in text, case.name
    log = any_stack.tollgate.process.log()
    assert policies.KEY_A not in log and policies.KEY_B not in log


def test_a_pipelined_second_request_is_judged_for_itself(any_stack):
    """Request smuggling: what follows an allowed request must get a verdict of its own."""
    mark = any_stack.recorder.mark()
    second = h1(key=None, headers=["X-AI-Model-Route: chat-llama3-8b-v1"])
    with socket.create_connection(("127.0.0.1", any_stack.listener), timeout=30) as connection:
        connection.sendall(h1() + second)
        stream = connection.makefile("rb")
        assert read_h1(stream).status == 200
        refused = read_h1(stream)
    assert (refused.status, refused.code) == (401, "invalid_api_key")
    assert len(any_stack.recorder.since(mark)) == 1


def test_the_good_request_beside_them_is_routed(any_stack):
    """The table's own baseline: without a trick, it reaches its model."""
    mark = any_stack.recorder.mark()
    assert send_h1(any_stack.listener, h1()).status == 200
    seen = poll("the backend saw it", lambda: any_stack.recorder.since(mark))
    assert seen[0].body == CHAT


def test_who_is_denied_while_the_store_is_lost_gets_its_word_and_no_model(tmp_path):
    policy = policies.build()
    for tenant in policy["tenants"].values():
        tenant["limits"] = [
            {"name": "n", "requests": 100, "per": "month", "on_store_loss": "deny"}]
    credentials = tmp_path / "credentials"
    credentials.write_text(PASSWORD)
    with Standalone(tmp_path) as store:
        options = StackOptions(policy=policy, tollgate_arguments=(
            "--store", store.url, "--store-credentials", str(credentials), "--lease-ttl", "2s",
            "--store-timeout", "1s"))  # fmt: skip
        with Stack(options) as stack:
            assert send_h1(stack.listener, h1()).status == 200
            mark = stack.recorder.mark()
            with store.server.paused():
                poll("it is lost", lambda: send_h1(stack.listener, h1()).code == "store_unavailable")
                for case in STORE_LOST:
                    reply = send(stack, case)
                    assert (reply.status, reply.code) == (case.status, case.code), (case.name, reply)
                    assert reply.headers["retry-after"] == "1", case.name
                    error = json.loads(reply.body)["error"]
                    assert error["message"] and PASSWORD not in reply.body.decode()
            assert stack.recorder.since(mark) == [], "a backend saw it"
            poll("it is back", lambda: send_h1(stack.listener, h1()).status == 200)
