"""What exchanges used, by the ledger and by Envoy's access log: every recorded provider answer."""

import json
import re
import uuid
from decimal import Decimal

import pytest

import policy as policies
from envoy_config import EnvoyOptions
from harness import Stack, StackOptions, poll
from ledger import charged
from recorder import Canned
from test_corpus import CASES, CORPUS

# Dollars for a million tokens.
PRICES = {"prompt": 3, "cached_prompt": 1, "cache_write_prompt": 4, "completion": 15}


def usage_policy() -> dict:
    """Every model of the recordings, priced; `X-inject` and `X-continuous` ask for usage."""
    names = {json.loads((case / "meta.json").read_text())["expect"]["model"] for case in CASES}
    names |= {"chat-as-asked"}
    policy = policies.build()
    for name in names:
        for suffix in ("", "-inject", "-continuous"):
            policy["models"][name + suffix] = {
                "class": "interactive_inference", "routes": [{"name": "usage-v1"}],
                "stream_usage": suffix[1:] or "as_asked", "max_output_tokens": 1_000_000,
                "price_usd_per_million": PRICES,
            }  # fmt: skip
    tenant = policy["tenants"]["tenant-a"]
    tenant["allow"][0]["models"] = ["*"]
    tenant["limits"] = [
        {"name": "rpd", "requests": 10_000_000, "per": "day"},
        {"name": "tpd", "tokens": 1_000_000_000_000, "per": "day"},
        {"name": "prompts", "prompt_tokens": 1_000_000_000_000, "per": "day"},
        {"name": "written", "completion_tokens": 1_000_000_000_000, "per": "day"},
        {"name": "parallel", "concurrent": 1000},
    ]
    return policy


def usage_stack(mode: str):
    envoy = EnvoyOptions(response_body_mode=mode)
    if mode == "FULL_DUPLEX_STREAMED":
        envoy.request_body_mode = mode
    return Stack(StackOptions(policy=usage_policy(), envoy=envoy))


@pytest.fixture(scope="module", params=["STREAMED", "FULL_DUPLEX_STREAMED"])
def metered(request):
    with usage_stack(request.param) as stack:
        yield stack


class Exchange:
    """One request and all that is known of it afterwards."""

    def __init__(self, stack, path, body: bytes, canned: Canned):
        self.test_id = uuid.uuid4().hex
        stack.recorder.replay(self.test_id, canned)
        self.response = stack.request(
            "POST", path, body=body, headers=[("x-test-id", self.test_id)]
        )
        (self.seen,) = stack.recorder.by_id(self.test_id)
        self.request_id = self.response.headers["x-ai-request-id"]
        self.admission = stack.ledger.admission(self.request_id)
        self.completion = stack.ledger.completion(self.request_id)
        (self.logged,) = poll("Envoy logs it", lambda: stack.access_log(self.test_id))


def tokens(completion: dict) -> dict:
    return {
        "prompt": completion["prompt_tokens"], "completion": completion["completion_tokens"],
        "total": completion["total_tokens"], "cached": completion["cached_prompt_tokens"],
        "reasoning": completion["reasoning_tokens"],
    }  # fmt: skip


def cost(usage: dict) -> Decimal:
    """Dollars, each prompt token at one price."""
    cached, written = usage["cached"] or 0, usage.get("cache_creation") or 0
    plain = usage["prompt"] - cached - written
    millionths = (
        plain * PRICES["prompt"] + cached * PRICES["cached_prompt"]
        + written * PRICES["cache_write_prompt"] + usage["completion"] * PRICES["completion"]
    )  # fmt: skip
    return Decimal(millionths) / 1_000_000


def check_charges(completion: dict) -> None:
    """What each counter is charged is what the record says was used."""
    prompt, written = completion["prompt_tokens"] or 0, completion["completion_tokens"] or 0
    assert charged(completion) == {
        "tenant/tenant-a/rpd": 1, "tenant/tenant-a/tpd": prompt + written,
        "tenant/tenant-a/prompts": prompt, "tenant/tenant-a/written": written,
        "tenant/tenant-a/parallel": 0,
    }  # fmt: skip


def check_log(logged: dict, completion: dict) -> None:
    """The metadata in Envoy's access log says what the ledger says."""
    metadata = logged["tollgate"]
    assert metadata["usage_source"] == completion["usage_source"]
    assert metadata["request_id"] == completion["request_id"]
    for name in ("prompt_tokens", "completion_tokens", "total_tokens", "cached_prompt_tokens"):
        assert metadata.get(name) == completion[name], name
        assert logged[name] == completion[name], name
    assert metadata["cost_usd"] == pytest.approx(float(completion["estimated_cost_usd"]))


def check_reported(exchange: Exchange, usage: dict) -> None:
    completion = exchange.completion
    assert tokens(completion) == {name: usage[name] for name in tokens(completion)}
    assert completion["usage_source"] == "reported"
    assert completion["end_reason"] == "complete"
    assert completion["origin"] == "backend"
    assert completion["estimated_cost_usd"] == cost(usage)
    check_charges(completion)
    check_log(exchange.logged, completion)


def answer_of(case, meta, size: int = 1460) -> Canned:
    """The recorded answer, cut without regard to events."""
    body = (case / meta["response"]["file"]).read_bytes()
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return Canned(pieces, meta["response"]["content_type"], meta["response"]["status"])


def load(case) -> dict:
    return json.loads((case / "meta.json").read_text())


@pytest.mark.skipif(not CASES, reason=f"skipped: {CORPUS} is not there")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_recorded_usage_is_what_the_ledger_says(metered, case):
    meta = load(case)
    canned = answer_of(case, meta)
    exchange = Exchange(
        metered, meta["request"]["path"], (case / "request.json").read_bytes(), canned
    )
    assert exchange.response.content == b"".join(canned.pieces)
    completion, usage = exchange.completion, meta["expect"]["usage"]
    assert completion["http_status"] == meta["response"]["status"]
    if usage:
        return check_reported(exchange, usage)
    check_log(exchange.logged, completion)
    if meta["response"]["status"] >= 400:
        # Refunded; the request counts.
        assert completion["usage_source"] == "none"
        assert completion["end_reason"] == "failed"
        assert set(tokens(completion).values()) == {None}
        assert charged(completion)["tenant/tenant-a/rpd"] == 1
        assert charged(completion)["tenant/tenant-a/tpd"] == 0
        return
    assert completion["usage_source"] == "estimated"
    assert completion["prompt_tokens"] > 0 and completion["completion_tokens"] > 0
    assert completion["prompt_tokens"] == exchange.admission["estimated_prompt_tokens"]
    check_charges(completion)


# Streams of chat and of completions, asked for in every way.

STREAMED = [
    case for case in CASES
    if load(case)["expect"]["stream"] and load(case)["api"] == "chat" and load(case)["expect"]["usage"]
]  # fmt: skip
USAGE_CHUNK = re.compile(rb'data: [^\n]*"choices":\[\],"usage":\{[^\n]*\n\n')


def without_usage_chunk(body: bytes) -> bytes:
    rest, count = USAGE_CHUNK.subn(b"", body)
    assert count == 1
    return rest


def stream_request(model: str, options: dict | None) -> bytes:
    body = {"model": model, "messages": [{"role": "user", "content": "Say this"}], "stream": True}
    return json.dumps(body | ({"stream_options": options} if options else {})).encode()


@pytest.mark.skipif(not CASES, reason=f"skipped: {CORPUS} is not there")
@pytest.mark.parametrize("size", [1, 7, 64, 1460, 1 << 20])
@pytest.mark.parametrize("case", STREAMED[:3], ids=lambda case: case.name)
def test_a_usage_chunk_that_only_we_asked_for_is_removed_and_nothing_else(metered, case, size):
    meta = load(case)
    canned = answer_of(case, meta, size)
    whole = b"".join(canned.pieces)
    model = meta["expect"]["model"] + "-inject"
    exchange = Exchange(metered, "/v1/chat/completions", stream_request(model, None), canned)
    assert json.loads(exchange.seen.body)["stream_options"] == {"include_usage": True}
    assert exchange.response.content == without_usage_chunk(whole)
    check_reported(exchange, meta["expect"]["usage"])


@pytest.mark.skipif(not CASES, reason=f"skipped: {CORPUS} is not there")
@pytest.mark.parametrize("case", STREAMED, ids=lambda case: case.name)
def test_a_usage_chunk_that_the_client_asked_for_passes(metered, case):
    meta = load(case)
    canned = answer_of(case, meta)
    for suffix in ("", "-inject", "-continuous"):
        body = stream_request(meta["expect"]["model"] + suffix, {"include_usage": True})
        exchange = Exchange(metered, "/v1/chat/completions", body, canned)
        assert exchange.response.content == b"".join(canned.pieces)
        assert json.loads(exchange.seen.body)["stream_options"]["include_usage"] is True
        check_reported(exchange, meta["expect"]["usage"])


def test_as_asked_leaves_the_request_alone_and_estimates(metered):
    canned = Canned([b'data: {"choices":[{"delta":{"content":"one two three"}}]}\n\n',
                     b"data: [DONE]\n\n"], "text/event-stream")  # fmt: skip
    body = stream_request("chat-as-asked", None)
    exchange = Exchange(metered, "/v1/chat/completions", body, canned)
    assert exchange.seen.body == body
    assert exchange.response.content == b"".join(canned.pieces)
    assert exchange.completion["usage_source"] == "estimated"
    assert exchange.completion["end_reason"] == "complete"
    assert 1 <= exchange.completion["completion_tokens"] <= len("one two three")
    check_charges(exchange.completion)
    check_log(exchange.logged, exchange.completion)


def chunk(kind: str, text: str, usage: dict | None) -> bytes:
    choice = {"text": text} if kind == "completions" else {"delta": {"content": text}}
    event = {"object": kind, "choices": [choice], "usage": usage}
    return b"data: " + json.dumps(event).encode() + b"\n\n"


def used(prompt: int, completion: int) -> dict:
    return {"prompt_tokens": prompt, "completion_tokens": completion,
            "total_tokens": prompt + completion}  # fmt: skip


@pytest.mark.parametrize("kind", ["chat/completions", "completions"])
class TestKinds:
    def ask(self, metered, kind, model, pieces, **fields) -> Exchange:
        prompt = {"prompt": "Say"} if kind == "completions" else {"messages": []}
        body = json.dumps({"model": model, "stream": True} | prompt | fields).encode()
        return Exchange(metered, f"/v1/{kind}", body, Canned(pieces, "text/event-stream"))

    def test_an_injected_usage_chunk_is_not_seen(self, metered, kind):
        last = b'data: {"choices":[],"usage":' + json.dumps(used(11, 2)).encode() + b"}\n\n"
        words = [chunk(kind, "one", None), chunk(kind, "two", None)]
        done = b"data: [DONE]\n\n"
        exchange = self.ask(metered, kind, "chat-as-asked-inject", [*words, last, done])
        assert json.loads(exchange.seen.body)["stream_options"] == {"include_usage": True}
        assert exchange.response.content == b"".join([*words, done])
        usage = {"prompt": 11, "completion": 2, "total": 13, "cached": None, "reasoning": None}
        check_reported(exchange, usage)

    def test_continuous_usage_is_asked_for_and_its_last_word_counts(self, metered, kind):
        words = [chunk(kind, "one", used(11, 1)), chunk(kind, "two", used(11, 2))]
        last = b'data: {"choices":[],"usage":' + json.dumps(used(11, 3)).encode() + b"}\n\n"
        done = b"data: [DONE]\n\n"
        exchange = self.ask(metered, kind, "chat-as-asked-continuous", [*words, last, done])
        asked = json.loads(exchange.seen.body)["stream_options"]
        assert asked == {"include_usage": True, "continuous_usage_stats": True}
        # A chunk that also has choices passes.
        assert exchange.response.content == b"".join([*words, done])
        usage = {"prompt": 11, "completion": 3, "total": 14, "cached": None, "reasoning": None}
        check_reported(exchange, usage)

    def test_as_asked_takes_the_usage_that_comes(self, metered, kind):
        last = b'data: {"choices":[],"usage":' + json.dumps(used(5, 4)).encode() + b"}\n\n"
        pieces = [chunk(kind, "one", None), last, b"data: [DONE]\n\n"]
        options = {"include_usage": True}
        exchange = self.ask(metered, kind, "chat-as-asked", pieces, stream_options=options)
        assert exchange.response.content == b"".join(pieces)
        usage = {"prompt": 5, "completion": 4, "total": 9, "cached": None, "reasoning": None}
        check_reported(exchange, usage)


def test_anthropic_usage_counts_cached_tokens_once(metered):
    start = {"type": "message_start", "message": {"usage": {
        "input_tokens": 10, "cache_creation_input_tokens": 30, "cache_read_input_tokens": 200,
        "output_tokens": 1}}}  # fmt: skip
    text = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hello"}}
    delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"},
             "usage": {"output_tokens": 7}}  # fmt: skip
    pieces = [
        f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
        for event in (start, text, delta, {"type": "message_stop"})
    ]
    body = json.dumps({"model": "chat-as-asked", "max_tokens": 100, "stream": True,
                       "messages": [{"role": "user", "content": "hi"}]}).encode()  # fmt: skip
    exchange = Exchange(metered, "/v1/messages", body, Canned(pieces, "text/event-stream"))
    assert exchange.response.content == b"".join(pieces)
    assert exchange.completion["cache_write_prompt_tokens"] == 30
    usage = {"prompt": 240, "completion": 7, "total": 247, "cached": 200, "cache_creation": 30,
             "reasoning": None}  # fmt: skip
    check_reported(exchange, usage)


@pytest.mark.parametrize("path", ["/v1/moderations", "/v1/messages/count_tokens"])
def test_an_endpoint_without_usage_has_none(metered, path):
    body = b'{"model":"chat-as-asked","input":"hi","messages":[]}'
    exchange = Exchange(metered, path, body, Canned([b'{"input_tokens": 3}']))
    assert exchange.completion["usage_source"] == "none"
    assert set(tokens(exchange.completion).values()) == {None}
    assert charged(exchange.completion)["tenant/tenant-a/tpd"] == 0
    assert charged(exchange.completion)["tenant/tenant-a/rpd"] == 1
    check_log(exchange.logged, exchange.completion)


def test_nothing_is_left_open(metered):
    poll("every exchange is settled", lambda: not metered.ledger.open())
