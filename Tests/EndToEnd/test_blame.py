"""Whose answer a client got: other filters' and Envoy's own, held against the ledger and the access log."""

import json
import socket
import uuid

import pytest

import policy as policies
import wire
from harness import Stack, StackOptions, chat_body, poll
from ledger import charged
from recorder import Canned

CLIENT_SECONDS = 30
MODELS = {"good": "good-v1", "dead": "dead-v1"}
PREFIX = "type.googleapis.com/envoy.extensions.filters.http"
# Answers in the router's place, as an endpoint picker that drops.
DROP = """
function envoy_on_request(handle)
  local reason = handle:headers():get("x-test-drop")
  if reason ~= nil then
    handle:respond({[":status"] = "429", ["x-llm-d-request-dropped-reason"] = reason}, "dropped")
  end
end
"""


def header(name: str, value: str) -> dict:
    return {"name": name, "string_match": {"exact": value}}


# Filters between Tollgate and the router.
BEHIND = [
    {"name": "envoy.filters.http.lua", "typed_config": {
        "@type": f"{PREFIX}.lua.v3.Lua", "default_source_code": {"inline_string": DROP}}},
    {"name": "envoy.filters.http.rbac", "typed_config": {
        "@type": f"{PREFIX}.rbac.v3.RBAC", "rules": {"action": "DENY", "policies": {"test": {
            "principals": [{"any": True}],
            "permissions": [{"header": header("x-test-behind", "rbac")}]}}}}},
    {"name": "envoy.filters.http.fault", "typed_config": {
        "@type": f"{PREFIX}.fault.v3.HTTPFault", "headers": [header("x-test-behind", "fault")],
        "abort": {"http_status": 503, "percentage": {"numerator": 100}}}},
    {"name": "envoy.filters.http.local_ratelimit", "typed_config": {
        "@type": f"{PREFIX}.local_ratelimit.v3.LocalRateLimit", "stat_prefix": "test",
        "token_bucket": {"max_tokens": 100000, "tokens_per_fill": 100000, "fill_interval": "1s"},
        "filter_enabled": {"default_value": {"numerator": 100}},
        "filter_enforced": {"default_value": {"numerator": 100}},
        "descriptors": [{
            "entries": [{"key": "test", "value": "none"}],
            "token_bucket": {"max_tokens": 1, "fill_interval": "3600s"}}],
        "rate_limits": [{"actions": [{"header_value_match": {
            "descriptor_key": "test", "descriptor_value": "none",
            "headers": [header("x-test-behind", "rate-limit")]}}]}]}},
]  # fmt: skip


class StackWithMore(Stack):
    """With filters behind Tollgate's."""

    def _configuration(self) -> dict:
        config = super()._configuration()
        (chain,) = config["static_resources"]["listeners"][0]["filter_chains"]
        chain["filters"][0]["typed_config"]["http_filters"][-1:-1] = BEHIND
        return config


@pytest.fixture(scope="module")
def blamed():
    policy = policies.build()
    for name, route in MODELS.items():
        policy["models"][name] = {
            "class": "interactive_inference", "routes": [{"name": route}],
            "price_usd_per_million": {"prompt": 3, "completion": 15},
        }  # fmt: skip
    tenant = policy["tenants"]["tenant-a"]
    tenant["allow"][0]["models"] += list(MODELS)
    tenant["limits"] = [
        {"name": "rpd", "requests": 1_000_000, "per": "day"},
        {"name": "tpd", "tokens": 1_000_000_000, "per": "day"},
        {"name": "usd", "usd": 1000, "per": "month", "models": list(MODELS)},
    ]
    with StackWithMore(StackOptions(policy=policy, dead_routes=("dead-v1",))) as stack:
        yield stack


def ended(stack, mark: int) -> dict:
    (completion,) = stack.ledger.settled(mark, 1)
    return completion


def check_given_back(completion: dict, status: int) -> None:
    charges = charged(completion)
    assert [charges[f"tenant/tenant-a/{name}"] for name in ("rpd", "tpd", "usd")] == [0, 0, 0]
    seen = [completion[name] for name in ("origin", "end_reason", "http_status", "usage_source")]
    assert seen == ["route", "failed", status, "none"]
    assert completion["gateway_backend"] is None


@pytest.mark.parametrize(
    ("reason", "recorded"),
    [("rejected-ttl-expired", "rejected-ttl-expired"), ("rejected-no-endpoints",) * 2,
     ("rejected-saturated",) * 2, ("a-word-of-tomorrow", "other")],
)  # fmt: skip
def test_what_a_picker_drops_is_given_back_and_the_record_says_why(blamed, reason, recorded):
    mark = blamed.ledger.mark()
    answer = blamed.chat("good", headers={"x-test-drop": reason})
    assert (answer.status_code, answer.text) == (429, "dropped")
    completion = ended(blamed, mark)
    check_given_back(completion, 429)
    assert completion["dropped_reason"] == recorded


@pytest.mark.parametrize(("which", "status"), [("rbac", 403), ("fault", 503), ("rate-limit", 429)])
def test_what_another_filter_answers_is_given_back(blamed, which, status):
    if which == "rate-limit":
        blamed.chat("good", headers={"x-test-behind": which})
        poll("the first one has ended", lambda: not blamed.ledger.open())
    mark = blamed.ledger.mark()
    answer = blamed.chat("good", headers={"x-test-behind": which})
    assert answer.status_code == status
    completion = ended(blamed, mark)
    check_given_back(completion, status)
    assert completion["dropped_reason"] is None


def test_a_backends_own_429_is_the_backends(blamed):
    mark, test_id = blamed.ledger.mark(), uuid.uuid4().hex
    blamed.recorder.replay(test_id, Canned([b'{"error":{"message":"no"}}'], status=429))
    answer = blamed.request("POST", "/v1/chat/completions", json=chat_body("good"),
                            headers={"x-test-id": test_id})  # fmt: skip
    assert answer.status_code == 429
    completion = ended(blamed, mark)
    assert (completion["origin"], charged(completion)["tenant/tenant-a/rpd"]) == ("backend", 1)


def test_a_counter_of_requests_names_the_route(blamed):
    def counted() -> float:
        lines = [line for line in blamed.tollgate.scrape().splitlines()
                 if line.startswith("ai_gateway_requests_total{")
                 and all(part in line for part in (
                     'model_route="dead-v1"', 'origin="route"', 'status="503"'))]  # fmt: skip
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    before, mark = counted(), blamed.ledger.mark()
    assert blamed.chat("dead").status_code == 503
    ended(blamed, mark)
    poll("the request is counted", lambda: counted() == before + 1)


@pytest.mark.parametrize("stream", [True, False])
def test_the_ledger_never_names_a_status_that_the_client_did_not_get(blamed, stream):
    """The backend sends its headers and hangs up: sometimes the client gets them, sometimes Envoy's 502."""
    seen = set()
    for _ in range(20):
        mark, test_id = blamed.ledger.mark(), uuid.uuid4().hex
        blamed.recorder.replay(test_id, Canned(
            [b"{}"], "text/event-stream" if stream else "application/json", cut_after=0))  # fmt: skip
        body = json.dumps(chat_body("good", stream=stream)).encode()
        request = wire.h1(headers=[f"x-test-id: {test_id}", "connection: close"], body=body)
        with socket.create_connection(("127.0.0.1", blamed.listener), CLIENT_SECONDS) as connection:
            connection.sendall(request)
            text = b""
            while piece := connection.recv(65536):
                text += piece
        completion = ended(blamed, mark)
        (logged,) = poll("it is logged", lambda test_id=test_id: blamed.access_log(test_id))
        status = int(text.split(b" ", 2)[1])
        assert logged["status"] == status
        assert completion["http_status"] in (status, None), (completion, logged)
        assert completion["end_reason"] in ("cut", "failed")
        assert charged(completion)["tenant/tenant-a/rpd"] == 1
        seen.add(status)
    assert seen <= {200, 502, 503}


# nginx's proxy_pass without proxy_http_version: HTTP/1.0, its own Host, Connection: close.
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/models"])
def test_a_proxy_that_speaks_http_1_0_is_served(blamed, path, stream):
    method, body = ("GET", b"") if path == "/v1/models" else (
        "POST", json.dumps(chat_body("good", stream=stream)).encode())  # fmt: skip
    test_id = uuid.uuid4().hex
    request = wire.h1(path, method, headers=["connection: close", f"x-test-id: {test_id}"], body=body)
    with socket.create_connection(("127.0.0.1", blamed.listener), CLIENT_SECONDS) as connection:
        connection.sendall(request.replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", 1))
        text = b""
        while piece := connection.recv(65536):
            text += piece
    head, _, content = text.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200")
    # HTTP/1.0 has no chunks: the end of the connection is the end of the answer.
    assert b"transfer-encoding" not in head.lower()
    assert json.loads(content)["object"] in ("list", "chat.completion")
    (logged,) = poll("it is logged", lambda: blamed.access_log(test_id))
    assert (logged["protocol"], logged["status"]) == ("HTTP/1.0", 200)


def test_a_version_that_does_not_exist_is_taken_for_1_0_and_is_on_record(blamed):
    mark = blamed.ledger.mark()
    request = wire.h1(headers=["connection: close"]).replace(b"HTTP/1.1", b"HTTP/3.7", 1)
    assert wire.send_h1(blamed.listener, request).status == 200
    assert ended(blamed, mark)["end_reason"] == "complete"


def test_http_1_0_without_a_host_is_refused(blamed):
    request = wire.h1(host=None, headers=["connection: close"])
    reply = wire.send_h1(blamed.listener, request.replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", 1))
    assert reply.status == 400
