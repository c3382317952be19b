"""What /metrics says after real traffic through the real Envoy is what the ledger says."""

import collections
import json
import shutil
import socket
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor

import grpc
import httpx
import pytest

import load
import policy as policies
from exposition import Metrics
from harness import Stack, StackOptions, chat_body, poll
from recorder import Canned

USAGE = {"prompt_tokens": 21, "completion_tokens": 8, "total_tokens": 29,
         "prompt_tokens_details": {"cached_tokens": 5},
         "completion_tokens_details": {"reasoning_tokens": 3}}  # fmt: skip
ANSWER = json.dumps({"choices": [{"message": {"content": "hi"}}], "usage": USAGE}).encode()
WORD = b'data: {"choices":[{"delta":{"content":"word "}}]}\n\n'
LABELS = ("tenant", "route", "model_route", "status", "stream", "class", "origin")
CALLS = "ai_gateway_grpc_calls_total"
CHECK = "/envoy.service.auth.v3.Authorization/Check"
UNREGISTERED = (299, 418, 599)
ROUTES = {"priced": "chat-llama3-8b-v1", "dead": "dead-v1", "few": "chat-llama3-8b-v1"}


def metrics_policy() -> dict:
    policy = policies.build()
    for name, route in ROUTES.items():
        policy["models"][name] = {
            "class": "interactive_inference", "routes": [{"name": route}],
            "max_output_tokens": 100, "stream_usage": "as_asked",
            "price_usd_per_million": {"prompt": 3, "cached_prompt": 1.5, "completion": 15},
        }  # fmt: skip
    tenant = policy["tenants"]["tenant-a"]
    tenant["allow"][0]["models"] += list(ROUTES)
    tenant["limits"] = [
        {"name": "rpd", "requests": 1_000_000, "per": "day"},
        {"name": "monthly", "usd": 1000, "per": "month", "models": list(ROUTES)},
        {"name": "few", "requests": 2, "per": "day", "models": ["few"]},
        {"name": "parallel", "concurrent": 50},
    ]
    return policy


@pytest.fixture(scope="module")
def stack():
    options = StackOptions(policy=metrics_policy(), dead_routes=("dead-v1",))
    with Stack(options) as running:
        yield running


def scrape(stack) -> Metrics:
    with httpx.Client(trust_env=False, verify=False, timeout=60) as client:
        answer = client.get(f"{stack.tollgate.admin}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return Metrics(answer.text)


def answered(stack, model: str, canned: Canned, **fields) -> httpx.Response:
    test_id = uuid.uuid4().hex
    stack.recorder.replay(test_id, canned)
    return stack.request(
        "POST", "/v1/chat/completions", json=chat_body(model, **fields),
        headers={"x-test-id": test_id},
    )  # fmt: skip


def leave(stack, model: str) -> None:
    """A client that goes away in the middle of a stream."""
    test_id = uuid.uuid4().hex
    stack.recorder.replay(test_id, Canned([WORD] * 5, "text/event-stream", hold_after=3))
    raw = load.request_bytes("/v1/chat/completions", chat_body(model, stream=True),
                             policies.KEY_A, headers={"x-test-id": test_id})  # fmt: skip
    with socket.create_connection(("127.0.0.1", stack.listener), 30) as connection:
        connection.sendall(raw)
        text = b""
        while text.count(b"word ") < 3:
            text += connection.recv(65536)


def settled(stack) -> list[dict]:
    """The ledger's records when nothing is in flight any more and all is written."""
    poll("nothing is in flight", lambda: scrape(stack).value("ai_gateway_inflight_requests") == 0)
    poll("every exchange has its completion", lambda: not stack.ledger.open())

    def written():
        page = scrape(stack)
        return page.value("ai_gateway_ledger_durable_seq") == (
            page.value("ai_gateway_ledger_next_seq") - 1
        )

    def refusals_written():
        """Of a flood the number comes up to a second later, in a record of its own."""
        refused = sum(
            record["count"] if record["type"] == "denials" else 1
            for record in stack.ledger.records()
            if record["type"] == "denials" or record.get("decision") == "deny"
        )  # fmt: skip
        page = scrape(stack)
        counted = sum(s.value for s in page.samples if s.name == "ai_gateway_denials_total")
        return refused >= counted

    poll("every refusal is recorded", refusals_written)
    poll("the ledger is on disk", written)
    return stack.ledger.records()


def text(value) -> str:
    """A record's value as a label."""
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def status(value) -> str:
    """A status as a label: those that no registry knows are other."""
    return "other" if value in UNREGISTERED else text(value)


def expected(records: list[dict]) -> dict[str, collections.Counter]:
    """Every counter as the records have it."""
    sums: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
    for record in records:
        where = (text(record.get("tenant")), text(record.get("route")))
        if record["type"] == "completion":
            route = text(record["model_route"])
            labels = (*where, route, status(record["http_status"]), text(record["stream"]),
                      text(record["class"]), text(record["origin"]))  # fmt: skip
            sums["requests"][labels] += 1
            sums["durations"][(*where, route)] += 1
            sums["milliseconds"][(*where, route)] += record["latency_ms"]
            if record["ttft_ms"] is not None:
                sums["first tokens"][(*where, route)] += 1
            pair = (where[0], route)
            for kind in ("prompt", "completion"):
                sums["tokens"][(*pair, kind)] += record[f"{kind}_tokens"] or 0
            sums["cached"][pair] += record["cached_prompt_tokens"] or 0
            sums["reasoning"][pair] += record["reasoning_tokens"] or 0
            sums["nanodollars"][pair] += round((record["estimated_cost_usd"] or 0) * 10**9)
            sums["estimated"][pair] += record["usage_source"] == "estimated"
        elif record["type"] == "admission" and record["decision"] == "deny":
            labels = (*where, text(record["model_route"]), text(record["http_status"]),
                      text(record["stream"]), text(record["class"]), "gateway")  # fmt: skip
            sums["requests"][labels] += 1
            sums["denials"][(where[0], record["reason"])] += 1
        elif record["type"] == "denials":
            # Of a flood the ledger has the number, and neither path nor status.
            sums["denials"][(where[0], record["reason"])] += record["count"]
            sums["flood"]["requests"] += record["count"]
    return {name: +counter for name, counter in sums.items()}


def test_models_are_counted_as_requests_and_calls_apart_from_them(stack):
    """A question for models is an exchange on record; a call that fails closed is none.

    First of all, when no call of another test can still be ending.
    """
    known = len(settled(stack))
    before = scrape(stack)
    for path, status in (("/v1/models", 200), ("/v1/models", 200), ("/v1/models/priced", 200)):
        assert stack.request("GET", path).status_code == status
    with grpc.insecure_channel(stack.tollgate.target) as channel:
        call = channel.unary_unary(CHECK, lambda message: message, lambda message: message)
        with pytest.raises(grpc.RpcError) as failure:
            call(b"\xff\xff", timeout=30)
    assert failure.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    # Both filters are asked. Envoy resets what it is done with, which is no failure, and not at once.
    calls = {("Check", "OK"): 3, ("Process", "OK"): 3, ("Check", "INVALID_ARGUMENT"): 1}
    poll("every call is counted, under its status",
         lambda: growth(before, scrape(stack), CALLS, "method", "code") == calls)  # fmt: skip
    # An admission and a completion each.
    assert len(settled(stack)) == known + 6
    rest = ("none", "200", "none", "none", "gateway")
    assert growth(before, scrape(stack), "ai_gateway_requests_total", *LABELS) == {
        ("tenant-a", "/v1/models", *rest): 2, ("tenant-a", "/v1/models/{id}", *rest): 1,
    }  # fmt: skip


def growth(before: Metrics, after: Metrics, name: str, *labels: str) -> dict[tuple, float]:
    """What was added to a counter, by its labels."""
    first, last = before.by(name, *labels), after.by(name, *labels)
    return {key: last[key] - first.get(key, 0) for key in last if last[key] != first.get(key, 0)}


def check_against(page: Metrics, records: list[dict]) -> None:
    sums = expected(records)
    requests = page.by("ai_gateway_requests_total", *LABELS)
    flood = sums.get("flood", {}).get("requests", 0)
    assert sum(requests.values()) == sum(sums["requests"].values()) + flood
    assert flood or requests == sums["requests"]
    assert page.by("ai_gateway_denials_total", "tenant", "reason") == sums["denials"]
    tokens = page.by("ai_gateway_tokens_total", "tenant", "model_route", "type")
    assert {key: value for key, value in tokens.items() if value} == sums["tokens"]
    pairs = {
        "ai_gateway_cached_prompt_tokens_total": "cached",
        "ai_gateway_reasoning_tokens_total": "reasoning",
        "ai_gateway_usage_estimated_total": "estimated",
    }
    for name, sum_name in pairs.items():
        assert page.by(name, "tenant", "model_route") == sums[sum_name], name
    cost = page.by("ai_gateway_cost_usd_total", "tenant", "model_route")
    assert {key: round(value * 1e9) for key, value in cost.items()} == sums["nanodollars"]
    latency = ("tenant", "route", "model_route")
    for unit, scale in (("ms", 1), ("seconds", 1000)):
        name = f"ai_gateway_request_duration_{unit}"
        assert page.by(f"{name}_count", *latency) == sums["durations"]
        spent = page.by(f"{name}_sum", *latency)
        assert {key: round(value * scale) for key, value in spent.items() if value} == (
            +sums["milliseconds"]
        )
        seen = page.by(f"ai_gateway_time_to_first_token_{unit}_count", *latency)
        assert {key: value for key, value in seen.items() if value} == sums["first tokens"]


def test_the_numbers_are_the_ledgers_after_mixed_traffic(stack):
    for _ in range(3):
        assert answered(stack, "priced", Canned([ANSWER])).status_code == 200
    usage_chunk = b"data: " + json.dumps({"choices": [], "usage": USAGE}).encode() + b"\n\n"
    stream = Canned([WORD, WORD, usage_chunk, b"data: [DONE]\n\n"], "text/event-stream")
    assert answered(stack, "priced", stream, stream=True).status_code == 200
    assert answered(stack, "priced", Canned([b"{}"], status=500)).status_code == 500
    assert answered(stack, "priced", Canned([b"{}"])).status_code == 200
    assert answered(stack, "dead", Canned([ANSWER])).status_code == 503
    leave(stack, "priced")
    for expected_status in (200, 200, 429, 429):
        assert answered(stack, "few", Canned([ANSWER])).status_code == expected_status
    assert stack.chat(key=None).status_code == 401
    assert stack.chat("nobody's").status_code == 404
    assert stack.request("POST", "/v1/chat/completions", body=b"{").status_code == 400
    assert stack.request("GET", "/v1/chat/completions").status_code == 405
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: stack.chat().status_code, range(40)))
    assert statuses == [200] * 40
    records = settled(stack)
    page = scrape(stack)
    check_against(page, records)
    # The comparison was not of nothing: every outcome is there.
    assert {r["end_reason"] for r in records if r["type"] == "completion"} == {
        "complete", "failed", "cut",
    }  # fmt: skip
    assert {r["usage_source"] for r in records if r["type"] == "completion"} == {
        "reported", "estimated", "none",
    }  # fmt: skip
    refused = [r for r in records if r.get("reason") == "insufficient_quota"]
    assert [(r["model"], r["class"], r["limit"]) for r in refused] == [
        ("few", "interactive_inference", "few")
    ] * 2
    check_limits(stack, page)
    check_process(page)


def check_limits(stack, page: Metrics) -> None:
    """What a limit has left is its amount less the ledger's charges."""
    charges = stack.ledger.charges()
    for limit, amount, unit in (("rpd", 1_000_000, 1), ("monthly", 1000, 10**9), ("few", 2, 1)):
        labels = {"tenant": "tenant-a", "limit": limit}
        used = charges[f"tenant/tenant-a/{limit}"] / unit
        assert page.value("ai_gateway_limit_amount", **labels) == amount
        remaining = page.value("ai_gateway_limit_remaining", **labels)
        assert remaining == pytest.approx(amount - used, abs=1e-9)
    assert page.value("ai_gateway_limit_remaining", tenant="tenant-a", limit="parallel") == 50


def check_process(page: Metrics) -> None:
    assert page.value("ai_gateway_build_info") == 1
    assert page.value("ai_gateway_policy_generation") == 1
    assert page.value("ai_gateway_policy_last_reload_successful") == 1
    assert page.value("ai_gateway_ledger_writable") == 1
    assert page.value("ai_gateway_ledger_failures_total") == 0
    assert page.value("ai_gateway_ledger_disk_bytes") > 0
    assert page.value("ai_gateway_ledger_commit_duration_seconds_count") > 0
    for phase in ("request_headers", "request_body", "response_headers", "response_body"):
        name = "ai_gateway_processing_duration_seconds_count"
        assert page.value(name, phase=phase) > 40, phase
    assert page.value("process_resident_memory_bytes") > 1 << 20
    assert page.value("process_open_fds") > 5
    assert page.sum("ai_gateway_metrics_overflow_total") == 0


def test_histograms_are_cumulative_and_their_counts_agree(stack):
    page = scrape(stack)
    histograms = [name for name, kind in page.kinds.items() if kind == "histogram"]
    # Six of its own, and three of OpenTelemetry's conventions.
    assert len(histograms) == 9
    for name in histograms:
        buckets: dict[tuple, list[tuple[float, float]]] = collections.defaultdict(list)
        for sample in page.of(f"{name}_bucket"):
            labels = {k: v for k, v in sample.labels.items() if k != "le"}
            buckets[tuple(sorted(labels.items()))].append(
                (float(sample.labels["le"]), sample.value)
            )
        for labels, found in buckets.items():
            bounds, counts = zip(*found)
            assert list(bounds) == sorted(bounds) and bounds[-1] == float("inf")
            assert list(counts) == sorted(counts)
            # A series without a label is another than one with it.
            (count,) = [one for one in page.of(f"{name}_count") if one.labels == dict(labels)]
            assert count.value == counts[-1]


# Beyond the policy's names a label is one of these.
FIXED = {
    "tenant": {"none", "other", "*"},
    "route": {"other", "/v1/models", "/v1/models/{id}"},
    "model_route": {"none"},
    "class": {"none"},
    "stream": {"true", "false", "none"},
    "origin": {"gateway", "backend", "route", "none"},
}


METHODS = {"first": "PROPFIND", "second": "MKCOL", "third": "LOCK", "fourth": "PURGE"}


def hostile(stack, word: str) -> None:
    """Names, hosts, paths, methods, ids and statuses that no policy knows."""
    chat = "/v1/chat/completions"
    stack.chat(f"model-{word}")
    stack.chat(f'm"}} 1\nai_gateway_{word} 1\n{{x="')
    stack.chat(key=f"key-{word}")
    stack.chat(host=f"{word}.example.com")
    stack.request("POST", f"/{word}", json=chat_body("priced"))
    stack.request("POST", f'/v1/{word}"}}%0A', json=chat_body("priced"))
    stack.request("POST", f"{chat}?{word}=1", json=chat_body(word))
    # Envoy refuses unknown methods; these it knows and the policy does not.
    stack.request(METHODS[word], chat)
    stack.request("GET", f"/v1/models/{word}")
    forged = {
        f"x-ai-{name}": word
        for name in ("tenant", "subject", "model", "model-route", "traffic-class", "request-id")
    }
    stack.request("POST", chat, json=chat_body("priced"), headers=forged)
    for code in (201, *UNREGISTERED):
        answered(stack, "priced", Canned([b"{}"], content_type=f"text/{word}", status=code))


def test_hostile_names_make_no_label_value(stack):
    hostile(stack, "first")
    settled(stack)
    before = {(s.name, *sorted(s.labels.items())) for s in scrape(stack).samples}
    for word in ("second", "third", "fourth"):
        hostile(stack, word)
    settled(stack)
    page = scrape(stack)
    after = {(s.name, *sorted(s.labels.items())) for s in page.samples}
    assert after == before
    policy = metrics_policy()
    known = {
        "tenant": set(policy["tenants"]),
        "route": set(policies.ENDPOINTS) | set(policy["path_aliases"]) | {"/custom/search"},
        "model_route": set(policies.routes(policy)),
        "class": set(policy["classes"]),
        "stream": set(), "origin": set(),
    }  # fmt: skip
    for sample in page.of("ai_gateway_requests_total"):
        for label, fixed in FIXED.items():
            assert sample.labels[label] in known[label] | fixed, sample
        assert sample.labels["status"] in {"none", "other"} or 100 <= int(sample.labels["status"])
    assert page.sum("ai_gateway_requests_total", status="other") >= 8


def test_promtool_has_nothing_to_say_but_what_the_contract_wants(stack):
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("SKIPPED: no promtool here (apt install prometheus)")
    with httpx.Client(trust_env=False, verify=False) as client:
        page = client.get(f"{stack.tollgate.admin}/metrics").text
    done = subprocess.run(
        [promtool, "check", "metrics"], input=page, capture_output=True, text=True, timeout=60
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    # Latencies are also in milliseconds, because the recording rules use those names.
    explained = ("ai_gateway_request_duration_ms", "ai_gateway_time_to_first_token_ms")
    assert [line for line in said if not line.startswith(explained)] == []


def test_a_scrape_sees_numbers_only_grow_under_load(stack):
    """Counters never fall while loops write them, and every page is whole."""
    def drive(_):
        for _ in range(10):
            stack.chat()

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(drive, number) for number in range(4)]
        last: dict[tuple, float] = {}
        while not all(task.done() for task in running):
            page = scrape(stack)
            counters = {
                (s.name, *sorted(s.labels.items())): s.value
                for s in page.samples if s.name.endswith(("_total", "_bucket", "_count"))
            }  # fmt: skip
            assert last.keys() <= counters.keys()
            assert all(counters[key] >= value for key, value in last.items())
            last = counters
        for task in running:
            task.result()
    records = settled(stack)
    check_against(scrape(stack), records)
