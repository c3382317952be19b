"""Limits through Envoy: never more admitted than fits, and refusals that say why and how long."""

import asyncio
import datetime
import json
import re
import threading
import time
import uuid

import httpx
import pytest

import load
import policy as policies
from harness import Stack, StackOptions, chat_body, error_code, poll, scaled
from ledger import charged, reserved
from recorder import Canned

CLIENTS = scaled(200)
SIX = [f"x-ratelimit-{field}-{kind}" for kind in ("requests", "tokens")
       for field in ("limit", "remaining", "reset")]  # fmt: skip
SIX_ANTHROPIC = [f"anthropic-ratelimit-{kind}-{field}" for kind in ("requests", "tokens")
                 for field in ("limit", "remaining", "reset")]  # fmt: skip
DURATION_PARTS = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(\d+)s")
DURATION = re.compile(r"\d+ms|(\d+h)?(\d+m)?\d+s")
# Far more than a test uses.
PLENTY = [
    {"name": "many", "requests": 100_000_000, "per": "day"},
    {"name": "room", "tokens": 100_000_000_000, "per": "day"},
]

# One tenant a case: nobody has asked for it before.
CASES = {
    "requests": [{"name": "rpm", "requests": 17, "per": "hour"}],
    "tokens": [{"name": "tph", "tokens": 1_000_000, "per": "day"}],
    "written": [{"name": "wpd", "completion_tokens": 1300, "per": "day"}],
    "concurrent": [{"name": "parallel", "concurrent": 13}],
    "usd": [{"name": "daily", "usd": 0.03, "per": "day"}],
    "subject": [{"name": "each", "requests": 9, "per": "day", "scope": "subject"}],
    "several": [
        {"name": "loose", "requests": 1000, "per": "day"},
        {"name": "rpd", "requests": 11, "per": "day"},
    ],
}


def key_of(tenant: str) -> str:
    return f"tg-test-{tenant}-0123456789abcdef0123456789abcdef"


def host_of(tenant: str) -> str:
    return f"{tenant}.ai.example.com"


def limited_policy(limits: dict[str, list[dict]]) -> dict:
    """A tenant for each entry, with its limits and one key."""
    policy = policies.build()
    policy["models"]["priced"] = {
        "class": "interactive_inference", "routes": [{"name": "limits-v1"}],
        "max_output_tokens": 1_000_000, "stream_usage": "as_asked",
        "price_usd_per_million": {"prompt": 0, "completion": 20},
    }  # fmt: skip
    for tenant, entries in limits.items():
        key = {"id": "k", "sha256": policies.digest(key_of(tenant)), "subject": f"svc:{tenant}"}
        policy["tenants"][tenant] = {
            "hostnames": [host_of(tenant)], "keys": [key], "limits": entries,
            "allow": [{"paths": ["/v1/chat/completions", "/v1/messages"], "models": ["priced"]}],
        }  # fmt: skip
    return policy


def limited(limits: dict[str, list[dict]]) -> Stack:
    return Stack(
        StackOptions(policy=limited_policy(limits), tollgate_arguments=("--workers", "2"))
    )


def ask(stack, tenant, path="/v1/chat/completions", test_id=None, **fields) -> httpx.Response:
    headers = {"x-test-id": test_id} if test_id else {}
    return stack.request(
        "POST", path, json=chat_body("priced", **fields), key=key_of(tenant),
        host=host_of(tenant), headers=headers,
    )  # fmt: skip


class Crowd:
    """Clients that ask at once, and are answered only when everybody has been decided."""

    def __init__(self, stack, tenant: str, code: bytes = b"rate_limit_exceeded", **fields):
        self.stack = stack
        self.code = code
        self.tenant = tenant
        self.raw = load.request_bytes(
            "/v1/chat/completions", chat_body("priced", **fields), key_of(tenant),
            host_of(tenant), {"x-test-hold": "1"},
        )  # fmt: skip
        self.admitted = 0
        self.refused: list[bytes] = []
        self.wrong: list[str] = []

    def run(self) -> "Crowd":
        mark = self.stack.recorder.mark()
        clients = threading.Thread(target=lambda: asyncio.run(self._all()))
        clients.start()
        try:
            poll("everybody is decided", lambda: CLIENTS == len(self.wrong) + len(self.refused)
                 + len(self.stack.recorder.since(mark)))  # fmt: skip
            # The last one is seen from its head on, a moment before it is held.
            poll("all are held", lambda: self.stack.recorder.held
                 == len(self.stack.recorder.since(mark)))  # fmt: skip
        finally:
            self.stack.recorder.release()
            clients.join(60)
        assert self.wrong == []
        assert self.admitted + len(self.refused) == CLIENTS
        return self

    async def _all(self) -> None:
        await asyncio.gather(*(self._one() for _ in range(CLIENTS)))

    async def _one(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.stack.listener)
        try:
            status, body, _ = await load.ask(reader, writer, self.raw)
        finally:
            writer.close()
        if status == 200:
            self.admitted += 1
        elif status == 429 and self.code in body:
            self.refused.append(body)
        else:
            self.wrong.append(f"{status} {body[:200]!r}")


@pytest.fixture(scope="module")
def crowded():
    with limited(CASES) as stack:
        yield stack


def open_most(records: list[dict], tenant: str) -> int:
    """The most exchanges of a tenant that were open at once, in the ledger's order."""
    most = now = 0
    for record in records:
        if record.get("tenant") != tenant:
            continue
        if record["type"] == "admission" and record["decision"] == "allow":
            now += 1
        elif record["type"] == "completion":
            now -= 1
        most = max(most, now)
    return most


@pytest.mark.parametrize(
    "tenant, limit, admitted, fields",
    [
        ("requests", "rpm", 17, {}),
        ("written", "wpd", 13, {"max_tokens": 100}),
        ("concurrent", "parallel", 13, {}),
        # 100 tokens at 20 dollars a million are 0.002 dollars.
        ("usd", "daily", 15, {"max_tokens": 100}),
        ("subject", "each", 9, {}),
        ("several", "rpd", 11, {}),
    ],
)
def test_no_more_than_the_limit_admits_of_200_at_once(crowded, tenant, limit, admitted, fields):
    mark = crowded.recorder.mark()
    crowd = Crowd(crowded, tenant, **fields).run()
    assert crowd.admitted == admitted
    assert len(crowded.recorder.since(mark)) == admitted
    assert all(f"limit {limit} (".encode() in body for body in crowd.refused)
    poll("every exchange is settled", lambda: not crowded.ledger.open())
    records = crowded.ledger.records()
    allowed = [r for r in records if r["type"] == "admission" and r["tenant"] == tenant
               and r["decision"] == "allow"]  # fmt: skip
    assert len(allowed) == admitted
    assert open_most(records, tenant) <= admitted


def test_tokens_admit_what_their_reservations_fit(crowded):
    """The ledger says what each request reserves; the sum may not exceed the limit."""
    crowd = Crowd(crowded, "tokens", max_tokens=49_990).run()
    poll("every exchange is settled", lambda: not crowded.ledger.open())
    first = [r for r in crowded.ledger.records() if r["type"] == "admission"
             and r["tenant"] == "tokens" and r["decision"] == "allow"]  # fmt: skip
    each = {reserved(record)["tenant/tokens/tph"] for record in first}
    assert len(each) == 1
    assert crowd.admitted == len(first) == 1_000_000 // each.pop()


def test_a_slot_is_free_again_when_its_exchange_has_ended(crowded):
    """After the crowd of `concurrent` has gone, as many are let in again."""
    for _ in range(2):
        assert Crowd(crowded, "concurrent").run().admitted == 13
        poll("every exchange is settled", lambda: not crowded.ledger.open())


# What answers say.

NAMED = {
    "headed": [
        {"name": "rpd", "requests": 100, "per": "day"},
        {"name": "tight", "requests": 10, "per": "minute"},
        {"name": "tpd", "tokens": 5000, "per": "day"},
        {"name": "tight-tokens", "tokens": 4000, "per": "hour"},
    ],
    "spent": [{"name": "budget", "tokens": 1000, "per": "day"}, PLENTY[0]],
    "dollars": [{"name": "purse", "usd": 0.001, "per": "month"}, *PLENTY],
    "small": [{"name": "cap", "tokens": 500, "per": "minute"}, PLENTY[0]],
    "once": [{"name": "single", "requests": 1, "per": "hour"}, PLENTY[1]],
    "slots": [{"name": "one-at-a-time", "concurrent": 1}, *PLENTY],
    "reloaded": [{"name": "kept", "requests": 5, "per": "day"}, PLENTY[1]],
    "talker": [{"name": "rpd", "requests": 2, "per": "day"}, PLENTY[1]],
}


@pytest.fixture(scope="module")
def named():
    with limited(NAMED) as stack:
        yield stack


def using(stack, prompt: int, completion: int) -> str:
    """The `x-test-id` of a request whose answer will report this many tokens."""
    test_id = uuid.uuid4().hex
    usage = {"prompt_tokens": prompt, "completion_tokens": completion,
             "total_tokens": prompt + completion}  # fmt: skip
    body = json.dumps({"object": "chat.completion", "usage": usage, "choices": []}).encode()
    stack.recorder.replay(test_id, Canned([body]))
    return test_id


def refused(response: httpx.Response, limit: str, code="rate_limit_exceeded") -> dict:
    assert response.status_code == 429, response.text
    assert error_code(response) == code
    assert f" {limit} (" in response.json()["error"]["message"]
    assert response.headers["content-type"] == "application/json"
    return response.headers


def test_a_success_has_the_six_headers_of_the_tightest_limits(named):
    response = ask(named, "headed", max_tokens=1000)
    assert response.status_code == 200
    headers = response.headers
    assert [name for name in SIX if name not in headers] == []
    assert headers["x-ratelimit-limit-requests"] == "10"
    assert headers["x-ratelimit-remaining-requests"] == "9"
    assert headers["x-ratelimit-limit-tokens"] == "4000"
    # Reserved when the response begins: 1,000 and the prompt.
    assert 2900 < int(headers["x-ratelimit-remaining-tokens"]) <= 3000
    for kind in ("requests", "tokens"):
        assert DURATION.fullmatch(headers[f"x-ratelimit-reset-{kind}"])
    assert headers["x-ai-model-route"] == "limits-v1"
    assert headers["x-ai-request-id"].startswith("req_")


def test_a_message_has_anthropics_headers(named):
    before = datetime.datetime.now(datetime.UTC)
    answers = [ask(named, "talker", "/v1/messages", max_tokens=10) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    for answer in answers:
        assert [name for name in SIX_ANTHROPIC if name not in answer.headers] == []
        assert [name for name in SIX if name in answer.headers] == []
        for kind in ("requests", "tokens"):
            reset = datetime.datetime.fromisoformat(
                answer.headers[f"anthropic-ratelimit-{kind}-reset"]
            )
            assert reset >= before - datetime.timedelta(seconds=1)
    assert answers[1].headers["anthropic-ratelimit-requests-remaining"] == "0"
    error = answers[2].json()
    assert error["type"] == "error" and error["error"]["type"] == "rate_limit_error"
    assert " rpd (" in error["error"]["message"]
    # A second, where what is reserved may come back; else the day's budget is spent.
    assert answers[2].headers.get("retry-after") in (None, "1")


def test_a_refusal_says_how_long_which_limit_and_the_six_headers(named):
    assert ask(named, "once").status_code == 200
    headers = refused(ask(named, "once"), "single")
    assert 3590 <= int(headers["retry-after"]) <= 3600
    assert [name for name in SIX if name not in headers] == []
    assert headers["x-ratelimit-limit-requests"] == "1"
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert "x-should-retry" not in headers
    denied = poll("the refusal is on record", lambda: [
        r for r in named.ledger.records()
        if r["type"] == "admission" and r["decision"] == "deny" and r["tenant"] == "once"
    ])[0]  # fmt: skip
    assert denied["reason"] == "rate_limit_exceeded" and denied["limit"] == "single"
    assert denied["http_status"] == 429


def test_a_spent_budget_is_insufficient_quota_until_its_reset(named):
    # More than was reserved: what was really used counts.
    test_id = using(named, 990, 20)
    first = ask(named, "spent", max_tokens=10, test_id=test_id)
    assert first.status_code == 200
    named.ledger.completion(first.headers["x-ai-request-id"])
    headers = refused(ask(named, "spent", max_tokens=10), "budget", "insufficient_quota")
    assert headers["x-should-retry"] == "false"
    now = datetime.datetime.now(datetime.UTC)
    midnight = datetime.datetime.combine(
        now.date() + datetime.timedelta(days=1), datetime.time(), datetime.UTC
    )
    # No client may sleep until then; it can read when that is.
    assert "retry-after" not in headers
    left = (midnight - now).total_seconds()
    reset = DURATION_PARTS.fullmatch(headers["x-ratelimit-reset-tokens"])
    hours, minutes, seconds = (int(part or 0) for part in reset.groups())
    assert abs(hours * 3600 + minutes * 60 + seconds - left) < 60 or left < 60
    assert headers["x-ratelimit-remaining-tokens"] == "0"
    assert headers["x-ratelimit-limit-tokens"] == "1000"


def test_a_spent_purse_is_insufficient_quota(named):
    # 50 tokens at 20 dollars a million are the whole purse.
    first = ask(named, "dollars", max_tokens=50, test_id=using(named, 5, 50))
    assert first.status_code == 200
    completion = named.ledger.completion(first.headers["x-ai-request-id"])
    assert charged(completion)["tenant/dollars/purse"] == 1_000_000
    headers = refused(ask(named, "dollars", max_tokens=1), "purse", "insufficient_quota")
    assert headers["x-should-retry"] == "false" and "retry-after" not in headers
    assert [name for name in SIX if name not in headers] == []


def test_a_bound_that_can_never_fit_is_not_to_be_retried(named):
    headers = refused(ask(named, "small", max_tokens=501), "cap")
    assert headers["x-should-retry"] == "false"
    assert "retry-after" not in headers
    assert headers["x-ratelimit-remaining-tokens"] == "500"


def test_a_bound_that_nobody_stated_is_cut_to_what_fits(named):
    test_id = using(named, 3, 1)
    response = ask(named, "small", test_id=test_id)
    assert response.status_code == 200
    admission = named.ledger.admission(response.headers["x-ai-request-id"])
    assert reserved(admission)["tenant/small/cap"] == 500


def test_a_taken_slot_is_worth_a_second(named):
    test_id = uuid.uuid4().hex
    named.recorder.replay(test_id, Canned([b"{}"], hold_after=0))
    client = threading.Thread(target=lambda: pytest.raises(
        httpx.TimeoutException, named.request, "POST", "/v1/chat/completions",
        json=chat_body("priced"), key=key_of("slots"), host=host_of("slots"),
        headers={"x-test-id": test_id}, timeout=3))  # fmt: skip
    client.start()
    poll("it is at the backend", lambda: named.recorder.by_id(test_id))
    headers = refused(ask(named, "slots"), "one-at-a-time")
    assert headers["retry-after"] == "1" and "x-should-retry" not in headers
    client.join(30)
    poll("it is settled", lambda: not named.ledger.open())
    assert ask(named, "slots").status_code == 200


def test_a_reload_that_changes_an_amount_keeps_the_count(named):
    for _ in range(3):
        assert ask(named, "reloaded").status_code == 200
    _reload_with(named, 4)
    answer = ask(named, "reloaded")
    assert answer.status_code == 200
    assert answer.headers["x-ratelimit-limit-requests"] == "4"
    assert answer.headers["x-ratelimit-remaining-requests"] == "0"
    refused(ask(named, "reloaded"), "kept", "insufficient_quota")
    _reload_with(named, 6)
    answers = [ask(named, "reloaded").status_code for _ in range(3)]
    assert answers == [200, 200, 429]


def _reload_with(stack, amount: int) -> None:
    mark = stack.ledger.mark()
    limits = NAMED | {"reloaded": [{"name": "kept", "requests": amount, "per": "day"}, PLENTY[1]]}
    stack.write_policy(limited_policy(limits))
    stack.tollgate.reload()
    poll("the reload is on record", lambda: stack.ledger.since(mark, "reload"))


def test_counts_outlive_the_process():
    limits = {"kept": [{"name": "rpd", "requests": 3, "per": "day"}, PLENTY[1]]}
    with limited(limits) as stack:
        assert [ask(stack, "kept").status_code for _ in range(2)] == [200, 200]
        stack.tollgate.stop()
        stack.tollgate.start()
        poll("envoy reaches it again", lambda: stack.chat().status_code == 200)
        assert [ask(stack, "kept").status_code for _ in range(2)] == [200, 429]
        assert stack.ledger.charges()["tenant/kept/rpd"] == 3


def test_a_window_edge_admits_no_more_than_its_refill():
    """A bucket of 10 a second, over several seconds: its capacity and what has come since."""
    limits = {"edge": [{"name": "rps", "requests": 10, "per": "second"}]}
    with limited(limits) as stack:
        raw = load.request_bytes(
            "/v1/chat/completions", chat_body("priced"), key_of("edge"), host_of("edge")
        )
        admitted = 0

        async def client(end: float) -> None:
            nonlocal admitted
            reader, writer = await asyncio.open_connection("127.0.0.1", stack.listener)
            while time.monotonic() < end:
                status, _, stays = await load.ask(reader, writer, raw)
                assert status in (200, 429)
                admitted += status == 200
                if not stays:
                    break
            writer.close()

        async def clients() -> float:
            begin = time.monotonic()
            await asyncio.gather(*(client(begin + 2.5) for _ in range(20)))
            return time.monotonic() - begin

        lasted = asyncio.run(clients())
        assert 10 <= admitted <= 10 + 10 * lasted
        poll("every exchange is settled", lambda: not stack.ledger.open())
        times = [r["timestamp"] for r in stack.ledger.records()
                 if r["type"] == "admission" and r["decision"] == "allow"]  # fmt: skip
        stamps = [datetime.datetime.fromisoformat(t).timestamp() for t in times]
        for first in range(len(stamps)):
            for last in range(first + 10, len(stamps)):
                assert last - first + 1 <= 10 + 10 * (stamps[last] - stamps[first]) + 0.01
