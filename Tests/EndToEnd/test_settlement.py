"""How exchanges end: every abort is charged, what reached nobody is given back, no slot stays taken."""

import json
import signal
import socket
import uuid
from decimal import Decimal

import pytest

import load
import policy as policies
from envoy_config import EnvoyOptions
from harness import Stack, StackOptions, chat_body, poll
from ledger import charged, reserved
from recorder import Canned

EVENTS = 12
WORD = "word "
BOUND = 500
CLIENT_SECONDS = 30
# Dollars for a million tokens.
PROMPT_PRICE, COMPLETION_PRICE = 3, 15
ROUTES = {"as-asked": "ends-v1", "inject": "ends-v1", "continuous": "ends-v1",
          "dead": "dead-v1", "lost": "lost-v1"}  # fmt: skip


def ends_policy() -> dict:
    policy = policies.build()
    for name, route in ROUTES.items():
        asked = {"inject": "inject", "continuous": "continuous"}.get(name, "as_asked")
        policy["models"][name] = {
            "class": "interactive_inference", "routes": [{"name": route}], "stream_usage": asked,
            "max_output_tokens": 4096,
            "price_usd_per_million": {"prompt": PROMPT_PRICE, "completion": COMPLETION_PRICE},
        }  # fmt: skip
    tenant = policy["tenants"]["tenant-a"]
    tenant["allow"][0]["models"] += list(ROUTES)
    tenant["limits"] = [
        {"name": "rpd", "requests": 1_000_000, "per": "day"},
        {"name": "tpd", "tokens": 1_000_000_000, "per": "day"},
        {"name": "usd", "usd": 1000, "per": "month", "models": list(ROUTES)},
        # A single slot: if a test left it taken, the next one would be refused.
        {"name": "slot", "concurrent": 1},
    ]
    return policy


@pytest.fixture(scope="module", params=["STREAMED", "FULL_DUPLEX_STREAMED"])
def ends(request):
    envoy = EnvoyOptions(response_body_mode=request.param, route_timeout="2s")
    if request.param == "FULL_DUPLEX_STREAMED":
        envoy.request_body_mode = request.param
    options = StackOptions(policy=ends_policy(), envoy=envoy, dead_routes=("dead-v1",),
                           unknown_routes=("lost-v1",))  # fmt: skip
    with Stack(options) as stack:
        yield stack


def event(number: int, model: str) -> bytes:
    body: dict = {"choices": [{"delta": {"content": WORD}}]}
    if model == "continuous":
        body["usage"] = {"prompt_tokens": 11, "completion_tokens": number + 1,
                         "total_tokens": number + 12}  # fmt: skip
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def events(model: str) -> list[bytes]:
    return [event(number, model) for number in range(EVENTS)]


class Ended:
    """The one exchange since a mark."""

    def __init__(self, stack, mark: int):
        (self.completion,) = stack.ledger.settled(mark, 1)
        self.admission = stack.ledger.admission(self.completion["request_id"])
        (again,) = stack.ledger.since(mark, "completion")
        assert again == self.completion
        assert not stack.ledger.open()

    def charge(self, limit: str) -> int:
        return charged(self.completion)[f"tenant/tenant-a/{limit}"]

    def check_used(self) -> None:
        """Charged is what the record says was used, in every counter."""
        record = self.completion
        prompt, written = record["prompt_tokens"], record["completion_tokens"]
        nanos = (prompt * PROMPT_PRICE + written * COMPLETION_PRICE) * 1000
        assert record["total_tokens"] == prompt + written
        assert self.charge("rpd") == 1 and self.charge("slot") == 0
        assert self.charge("tpd") == prompt + written
        assert self.charge("usd") == nanos
        assert record["estimated_cost_usd"] == Decimal(nanos) / 10**9

    def check_estimated(self, output: bytes | None) -> None:
        """Prompt estimate and the output seen: never free, never above what was reserved."""
        self.check_used()
        record = self.completion
        assert record["usage_source"] == "estimated"
        assert record["prompt_tokens"] == self.admission["estimated_prompt_tokens"] > 0
        if output is not None:
            # A word of five bytes is one or two tokens to any tokenizer.
            words = output.count(WORD.encode())
            assert words / 2 <= record["completion_tokens"] <= 2 * words
            assert (record["completion_tokens"] == 0) == (words == 0)
        assert self.charge("tpd") <= reserved(self.admission)["tenant/tenant-a/tpd"]

    def check_refunded(self, requests: int) -> None:
        assert self.charge("rpd") == requests
        assert (self.charge("tpd"), self.charge("usd"), self.charge("slot")) == (0, 0, 0)
        assert self.completion["usage_source"] == "none"
        assert self.completion["end_reason"] == "failed"
        for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
            assert self.completion[name] is None


def leave_after(stack, raw: bytes, count: int) -> bytes:
    """Reads `count` whole events and goes away; with 0, when the headers are there."""
    with socket.create_connection(("127.0.0.1", stack.listener), CLIENT_SECONDS) as connection:
        connection.sendall(raw)
        text = b""
        while b"\r\n\r\n" not in text or text.count(b"}\n\n") < count:
            piece = connection.recv(65536)
            assert piece, f"the stream ended: {text[-200:]!r}"
            text += piece
    assert text.startswith(b"HTTP/1.1 200")
    return text.split(b"\r\n\r\n", 1)[1]


def stream_raw(model: str, test_id: str) -> bytes:
    body = chat_body(model, stream=True, max_tokens=BOUND)
    return load.request_bytes("/v1/chat/completions", body, policies.KEY_A,
                              headers={"x-test-id": test_id, "connection": "close"})  # fmt: skip


@pytest.mark.parametrize("count", range(EVENTS + 1))
@pytest.mark.parametrize("model", ["as-asked", "inject", "continuous"])
def test_a_client_that_leaves_at_an_event_pays_for_what_was_written(ends, model, count):
    mark, test_id = ends.ledger.mark(), uuid.uuid4().hex
    ends.recorder.replay(test_id, Canned(events(model), "text/event-stream", hold_after=count))
    output = leave_after(ends, stream_raw(model, test_id), count)
    assert output.count(WORD.encode()) == count
    check_cut(Ended(ends, mark), model, count)


@pytest.mark.parametrize("count", range(EVENTS + 1))
@pytest.mark.parametrize("model", ["as-asked", "inject", "continuous"])
def test_a_backend_that_cuts_at_an_event_is_paid_for_what_it_wrote(ends, model, count):
    mark, test_id = ends.ledger.mark(), uuid.uuid4().hex
    canned = Canned(events(model), "text/event-stream", cut_after=count)
    ends.recorder.replay(test_id, canned)
    with socket.create_connection(("127.0.0.1", ends.listener), CLIENT_SECONDS) as connection:
        connection.sendall(stream_raw(model, test_id))
        while connection.recv(65536):
            pass
    ended = Ended(ends, mark)
    # Envoy may answer by itself, or drop what it had not sent on, when the cut comes close behind.
    check_cut(ended, model, None if ended.completion["end_reason"] == "failed" else "at most")


def check_cut(ended: Ended, model: str, count: int | str | None) -> None:
    record = ended.completion
    if count is not None:
        assert record["end_reason"] == "cut"
        assert record["origin"] is None
        # Of the headers alone it is not known whether the client got them, or Envoy's 502.
        has_begun = record["completion_tokens"] > 0 if count == "at most" else count > 0
        assert record["http_status"] in ((200,) if has_begun else (200, None))
    seen = count if isinstance(count, int) else None
    if model != "continuous":
        return ended.check_estimated(None if seen is None else WORD.encode() * seen)
    ended.check_used()
    assert record["usage_source"] == "estimated"
    if seen:
        # The last usage reported counts, and no later record changed it.
        assert (record["prompt_tokens"], record["completion_tokens"]) == (11, seen)
    elif seen == 0:
        ended.check_estimated(b"")
    assert record["prompt_tokens"] > 0


def test_what_was_reported_before_a_cut_is_charged(ends):
    """The usage chunk was there; only the end is missing."""
    mark, test_id = ends.ledger.mark(), uuid.uuid4().hex
    usage = {"prompt_tokens": 21, "completion_tokens": 34, "total_tokens": 55}
    last = b'data: {"choices":[],"usage":' + json.dumps(usage).encode() + b"}\n\n"
    pieces = [*events("as-asked"), last]
    ends.recorder.replay(test_id, Canned(pieces, "text/event-stream", hold_after=len(pieces)))
    leave_after(ends, stream_raw("as-asked", test_id), EVENTS + 1)
    ended = Ended(ends, mark)
    assert ended.completion["end_reason"] == "cut"
    assert (ended.completion["prompt_tokens"], ended.completion["completion_tokens"]) == (21, 34)
    ended.check_used()


def test_a_client_that_leaves_before_the_answer_pays_its_prompt(ends):
    mark, test_id = ends.ledger.mark(), uuid.uuid4().hex
    raw = load.request_bytes(
        "/v1/chat/completions", chat_body("as-asked", max_tokens=BOUND), policies.KEY_A,
        headers={"x-test-id": test_id, "x-test-hold": "1"},
    )  # fmt: skip
    with socket.create_connection(("127.0.0.1", ends.listener), CLIENT_SECONDS) as connection:
        connection.sendall(raw)
        poll("the backend has it", lambda: ends.recorder.by_id(test_id))
    ended = Ended(ends, mark)
    ends.recorder.release()
    assert ended.completion["end_reason"] == "cut"
    assert ended.completion["http_status"] is None
    ended.check_estimated(b"")


def test_a_client_that_leaves_in_its_own_request_pays_nothing(ends):
    mark = ends.ledger.mark()
    raw = stream_raw("as-asked", uuid.uuid4().hex)
    with socket.create_connection(("127.0.0.1", ends.listener), CLIENT_SECONDS) as connection:
        connection.sendall(raw[:-10])
    assert ends.chat("as-asked").status_code == 200
    ends.ledger.settled(mark, 1)
    assert [r["decision"] for r in ends.ledger.since(mark, "admission")] == ["allow"]


def answered(ends, canned: Canned, model: str = "as-asked", **fields):
    mark, test_id = ends.ledger.mark(), uuid.uuid4().hex
    ends.recorder.replay(test_id, canned)
    response = ends.request(
        "POST", "/v1/chat/completions", json=chat_body(model, max_tokens=BOUND, **fields),
        headers={"x-test-id": test_id},
    )  # fmt: skip
    return response, Ended(ends, mark)


@pytest.mark.parametrize("status", [400, 404, 429, 500, 502, 503])
def test_a_backends_failure_without_usage_is_refunded_but_the_request(ends, status):
    canned = Canned([b'{"error":{"message":"no"}}'], status=status)
    response, ended = answered(ends, canned)
    assert response.status_code == status
    assert response.content == b"".join(canned.pieces)
    ended.check_refunded(requests=1)
    assert ended.completion["origin"] == "backend"
    assert ended.completion["http_status"] == status


def test_a_backends_failure_with_usage_is_charged(ends):
    body = b'{"error":{},"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}'
    response, ended = answered(ends, Canned([body], status=500))
    assert response.status_code == 500
    ended.check_used()
    assert ended.completion["usage_source"] == "reported"
    assert ended.completion["total_tokens"] == 9
    assert ended.completion["end_reason"] == "failed"


def test_an_error_event_in_a_stream_does_not_make_it_free(ends):
    pieces = [*events("as-asked")[:3], b'data: {"error":{"message":"overloaded"}}\n\n']
    response, ended = answered(ends, Canned(pieces, "text/event-stream"), stream=True)
    assert response.content == b"".join(pieces)
    ended.check_estimated(b"".join(pieces))


@pytest.mark.parametrize("model", ["dead", "lost"])
def test_where_no_backend_was_reached_everything_is_given_back(ends, model):
    """`dead` refuses connections; Envoy has no route for `lost`."""
    response, ended = answered(ends, Canned([]), model)
    assert response.status_code == 503
    ended.check_refunded(requests=0)
    assert ended.completion["origin"] == "route"
    assert ended.completion["http_status"] == 503


def test_a_backend_that_hangs_up_is_paid_the_prompt(ends):
    """It received the request, so it may have worked on it."""
    response, ended = answered(ends, Canned([], is_absent=True))
    assert response.status_code == 503
    ended.check_estimated(b"")
    assert ended.completion["end_reason"] == "failed"
    assert ended.completion["origin"] == "route"


def test_a_timeout_is_charged(ends):
    mark = ends.ledger.mark()
    response = ends.chat("as-asked", headers={"x-test-hold": "1"})
    ends.recorder.release()
    assert response.status_code == 504
    ended = Ended(ends, mark)
    ended.check_estimated(b"")
    assert ended.completion["end_reason"] == "failed"
    assert ended.completion["origin"] == "route"
    assert ended.completion["http_status"] == 504


def test_a_timeout_in_the_middle_of_an_answer_is_charged(ends):
    mark, test_id = ends.ledger.mark(), uuid.uuid4().hex
    canned = Canned(events("as-asked"), "text/event-stream", hold_after=4)
    ends.recorder.replay(test_id, canned)
    with socket.create_connection(("127.0.0.1", ends.listener), CLIENT_SECONDS) as connection:
        connection.sendall(stream_raw("as-asked", test_id))
        while connection.recv(65536):
            pass
    ended = Ended(ends, mark)
    assert ended.completion["end_reason"] == "cut"
    ended.check_estimated(WORD.encode() * 4)


def test_the_slot_is_free_and_nothing_is_open(ends):
    poll("every exchange is settled", lambda: not ends.ledger.open())
    assert ends.ledger.charges()["tenant/tenant-a/slot"] == 0
    assert ends.chat("as-asked").status_code == 200


def test_what_was_open_at_a_kill_is_charged_its_prompt_in_tokens_and_money():
    options = StackOptions(policy=ends_policy(), dead_routes=("dead-v1",),
                           unknown_routes=("lost-v1",))  # fmt: skip
    with Stack(options) as stack:
        test_id = uuid.uuid4().hex
        raw = load.request_bytes(
            "/v1/chat/completions", chat_body("as-asked", max_tokens=BOUND), policies.KEY_A,
            headers={"x-test-id": test_id, "x-test-hold": "1"},
        )  # fmt: skip
        with socket.create_connection(("127.0.0.1", stack.listener), CLIENT_SECONDS) as client:
            client.sendall(raw)
            poll("the backend has it", lambda: stack.recorder.by_id(test_id))
            stack.tollgate.expected_dead = True
            stack.tollgate.process.signal(signal.SIGKILL)
            stack.tollgate.process.wait(CLIENT_SECONDS)
            stack.tollgate.start()
        stack.recorder.release()
        ended = Ended(stack, 0)
        assert ended.completion["end_reason"] == "interrupted"
        ended.check_estimated(b"")
        assert ended.charge("usd") > 0
        poll("the slot is free", lambda: stack.chat("as-asked").status_code == 200)
