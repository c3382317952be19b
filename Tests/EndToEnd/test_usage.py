"""What exchanges used, by the ledger and by Envoy's access log: every recorded provider answer."""

import json
import re
import signal
import subprocess
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

import harness
import ledger_check
import policy as policies
import usage_ledger
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


# `tollgate usage` over ledgers that are made up: see usage_ledger.py.

BERLIN = "Europe/Berlin"
# In this month there is a day of 25 hours.
OCTOBER, NOVEMBER = usage_ledger.month(2026, 10, BERLIN)
BY = ["tenant", "key", "subject", "model", "model_route", "class", "day", "month"]


def report(*arguments: str) -> dict:
    run = subprocess.run(
        [str(harness.BINARIES / "tollgate"), "usage", *arguments, "--json"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout, parse_float=Decimal)


def rows_of(said: dict, by: list[str]) -> dict:
    rows = {
        tuple(row[name] for name in by): {name: row[name] for name in usage_ledger.SUMS}
        for row in said["rows"]
    }
    assert len(rows) == len(said["rows"])
    return rows


def within(made: list, begin, end) -> list:
    low, high = (moment.timestamp() * 1000 for moment in (begin, end))
    return [one for one in made if low <= one.time < high]


@pytest.mark.parametrize("by", [*([one] for one in BY), ["day", "key"], ["month", "tenant", "model"], BY],
                         ids=",".join)  # fmt: skip
def test_sums_of_a_month_with_a_day_of_25_hours_are_those_of_its_exchanges(tmp_path, by):
    first = usage_ledger.later(OCTOBER, days=-3)
    made = usage_ledger.exchanges(7, first, 40, 1500)
    usage_ledger.write(tmp_path, made, BERLIN)
    span = ["--since", usage_ledger.rfc3339(OCTOBER), "--until", usage_ledger.rfc3339(NOVEMBER)]
    said = report(str(tmp_path), "--by", ",".join(by), *span)
    assert said["timezone"] == BERLIN
    expected = usage_ledger.sums(within(made, OCTOBER, NOVEMBER), by, ZoneInfo(BERLIN))
    assert rows_of(said, by) == expected
    # A day stands for its first instant in the time zone.
    assert report(str(tmp_path), "--by", ",".join(by), "--since", "2026-10-01", "--until", "2026-11-01")["rows"] == said["rows"]  # fmt: skip


@pytest.mark.parametrize("gone", [1, 3])
@pytest.mark.parametrize("by", [["day"], ["tenant", "key", "model", "month"], ["key", "day"]], ids=",".join)
def test_sums_outlive_the_segments(tmp_path, by, gone):
    made = usage_ledger.exchanges(gone, OCTOBER, 31, 1500)
    usage_ledger.write(tmp_path, made, BERLIN, gone=gone)
    expected = usage_ledger.sums(made, by, ZoneInfo(BERLIN))
    said = report(str(tmp_path), "--by", ",".join(by))
    assert rows_of(said, by) == expected
    assert said["covers_from"] == ledger_check.text(made[0].time) and said["missing_days"] == []
    # By what the totals do not tell, the sums are those of the records that are left.
    less = report(str(tmp_path), "--by", "subject")
    assert 0 < less["total"]["requests"] < len(made)
    assert less["covers_from"] > said["covers_from"]


def test_a_ledger_from_before_there_were_totals_is_summed_by_its_records(tmp_path):
    made = usage_ledger.exchanges(5, OCTOBER, 31, 300)
    usage_ledger.write(tmp_path, made, None)
    said = report(str(tmp_path), "--by", "day,key", "--timezone", "Asia/Kathmandu")
    zone = ZoneInfo("Asia/Kathmandu")
    assert rows_of(said, ["day", "key"]) == usage_ledger.sums(made, ["day", "key"], zone)
    assert report(str(tmp_path), "--by", "day")["timezone"] == "UTC"


def test_several_ledgers_are_one_sum_and_none_counts_twice(tmp_path):
    both = [usage_ledger.exchanges(seed, OCTOBER, 31, 400) for seed in (1, 2)]
    for name, made in zip("ab", both):
        usage_ledger.write(tmp_path / name, made, BERLIN, gone=1, ledger=name)
    said = report(str(tmp_path / "a"), str(tmp_path / "b"), "--by", "key,month")
    expected = usage_ledger.sums(both[0] + both[1], ["key", "month"], ZoneInfo(BERLIN))
    assert rows_of(said, ["key", "month"]) == expected
    command = [str(harness.BINARIES / "tollgate"), "usage"]
    twice = [*command, str(tmp_path / "a"), str(tmp_path / "b"), str(tmp_path / "a")]
    run = subprocess.run(twice, capture_output=True, text=True, timeout=60)
    assert run.returncode == 1 and "are the same ledger" in run.stderr and run.stdout == ""
    usage_ledger.write(tmp_path / "c", both[0], "UTC", ledger="c")
    run = subprocess.run([*command, str(tmp_path / "a"), str(tmp_path / "c")],
                         capture_output=True, text=True, timeout=60)  # fmt: skip
    assert run.returncode == 1 and "--timezone" in run.stderr and run.stdout == ""


def test_words_are_the_beginnings_of_days_and_months(tmp_path):
    zone = "Pacific/Auckland"
    now = datetime.now(ZoneInfo(zone))
    this, _ = usage_ledger.month(now.year, now.month, zone)
    last, _ = usage_ledger.month(now.year - (now.month == 1), (now.month - 2) % 12 + 1, zone)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    yesterday = today - timedelta(days=1)
    first = usage_ledger.later(last, days=-2)
    days = (datetime.now(timezone.utc) - first).days
    made = usage_ledger.exchanges(3, first, days, 3000)
    usage_ledger.write(tmp_path, made, zone)
    for word, begin in (("today", today), ("yesterday", yesterday), ("this-month", this), ("last-month", last)):
        since = report(str(tmp_path), "--since", word)["total"]["requests"]
        assert since == len([one for one in made if one.time >= begin.timestamp() * 1000]), word
        until = report(str(tmp_path), "--until", word)["total"]["requests"]
        assert since + until == len(made)


def test_the_first_instant_that_is_covered_is_said_in_every_form(tmp_path):
    made = usage_ledger.exchanges(3, OCTOBER, 31, 300)
    usage_ledger.write(tmp_path, made, BERLIN, gone=2)
    command = [str(harness.BINARIES / "tollgate"), "usage", str(tmp_path)]
    for form in ([], ["--csv"]):
        run = subprocess.run([*command, "--by", "key", *form], capture_output=True, text=True, timeout=60)
        assert f"everything from {ledger_check.text(made[0].time)} on; days begin in {BERLIN}" in run.stderr
    half = subprocess.run([*command, "--since", "2026-10-02T12:00:00Z", "--by", "key"],
                          capture_output=True, text=True, timeout=60)  # fmt: skip
    assert "only its sum for the whole day or month: 2026-10-02" in half.stderr


def test_totals_are_what_the_ledger_says_when_the_segments_are_gone(tmp_path):
    """With the program's own checkpoints: half of the segments go, the sums stay."""
    policy = usage_policy() | {"timezone": BERLIN}
    with Stack(StackOptions(policy=policy)) as stack:
        folder = stack.tollgate.data / "ledger"
        for count in range(2, 6):
            for _ in range(3):
                body = json.dumps({"model": "chat-as-asked", "messages": [], "max_tokens": 5})
                assert stack.request("POST", "/v1/chat/completions", body=body.encode()).status_code == 200
            poll("all is settled", lambda: not stack.ledger.open())
            stack.tollgate.process.signal(signal.SIGUSR1)
            poll("a segment begins", lambda: len(ledger_check.segments(folder)) == count)
        by = ["day", "tenant", "key", "model"]
        before = report(str(stack.tollgate.data), "--by", ",".join(by))
        assert before["total"]["requests"] == 12 and before["timezone"] == BERLIN
        for _, path in ledger_check.segments(folder)[:3]:
            path.unlink()
        after = report(str(stack.tollgate.data), "--by", ",".join(by))
        assert rows_of(after, by) == rows_of(before, by)
        assert report(str(stack.tollgate.data), "--by", "subject")["total"]["requests"] < 12
