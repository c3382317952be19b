"""One tenant cannot use up what all share: attempts are limited whatever becomes of them, and a ledger
that is almost full is kept for those who wrote least."""

import concurrent.futures
import itertools

import httpx
import pytest

import policy as policies
from harness import Stack, StackOptions, chat_body, error_code
from ledger_check import check

LISTINGS = 1572
REFUNDS = 1126
OTHERS = 40
LEDGER_BYTES_MAX = 2 << 20


def fair_policy(limits: list[dict] = (), **tenant) -> dict:
    """tenant-a also has a model whose backend does not listen."""
    policy = policies.build()
    policy["models"]["dead"] = {
        "class": "interactive_inference", "routes": [{"name": "dead-v1"}], "stream_usage": "as_asked",
        "max_output_tokens": 16,
    }  # fmt: skip
    policy["tenants"]["tenant-a"]["allow"][0]["models"].append("dead")
    policy["tenants"]["tenant-a"] |= {"limits": list(limits)} | tenant
    return policy


def options(policy: dict, *arguments: str) -> StackOptions:
    return StackOptions(policy=policy, dead_routes=("dead-v1",), tollgate_arguments=arguments)


class Caller:
    """A tenant's requests, on connections that stay."""

    def __init__(self, stack: Stack, host: str, key: str):
        self.client = httpx.Client(
            base_url=stack.url, headers={"host": host, "authorization": f"Bearer {key}"},
            trust_env=False, verify=False, timeout=60,
        )  # fmt: skip

    def models(self) -> httpx.Response:
        return self.client.get("/v1/models")

    def dead(self) -> httpx.Response:
        return self.client.post("/v1/chat/completions", json=chat_body("dead"))

    def embed(self) -> httpx.Response:
        return self.client.post("/v1/embeddings", json={"model": "bge-small", "input": "hello"})


def end(stack: Stack, policy: dict) -> None:
    """Stops Tollgate: its records add up to its counters."""
    stack.tollgate.stop()
    check(stack.tollgate.data, policy)


def a_of(stack: Stack) -> Caller:
    return Caller(stack, policies.HOST_A, policies.KEY_A)


def b_of(stack: Stack) -> Caller:
    return Caller(stack, policies.HOST_B, policies.KEY_B)


def test_a_tenant_that_floods_fills_the_ledger_for_itself_alone():
    """Lists of models and requests that no backend can take, which nothing limits; another tenant's
    requests all pass, before, while and after the first has had its share."""
    policy = fair_policy()
    with Stack(options(policy, "--ledger-max-bytes", str(LEDGER_BYTES_MAX))) as stack:
        a, b = a_of(stack), b_of(stack)
        flood = itertools.chain((a.models for _ in range(LISTINGS)), (a.dead for _ in range(REFUNDS)))
        step = (LISTINGS + REFUNDS) // OTHERS
        refused = passed = 0
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for _ in range(OTHERS):
                calls = [pool.submit(call) for call in itertools.islice(flood, step)]
                for call in calls:
                    answer = call.result()
                    is_refusal = error_code(answer) == "ledger_unavailable"
                    refused, passed = refused + is_refusal, passed + (not is_refusal)
                    if is_refusal:
                        assert answer.status_code == 503 and answer.headers["retry-after"] == "1"
                for answer in (b.embed(), b.models()):
                    assert answer.status_code == 200, (answer.text, passed, refused)
        assert passed > 300 and refused > 300, (passed, refused)
        assert a.models().status_code == 503
        assert b.models().status_code == 200
        disk = sum(path.stat().st_size for path in (stack.tollgate.data / "ledger").iterdir())
        assert disk <= LEDGER_BYTES_MAX
        end(stack, policy)


@pytest.mark.parametrize("first", ["models", "dead"])
def test_a_bucket_of_requests_counts_attempts(first: str):
    """Five an hour: lists and requests that reached no backend, in either order, then 429."""
    policy = fair_policy([{"name": "rph", "requests": 5, "per": "hour"}])
    with Stack(options(policy)) as stack:
        a = a_of(stack)
        for _ in range(3):
            answer = getattr(a, first)()
            assert answer.status_code == {"models": 200, "dead": 503}[first]
        other = {"models": a.dead, "dead": a.models}[first]
        assert {other().status_code for _ in range(2)} == {{"models": 503, "dead": 200}[first]}
        for call in (a.models, a.dead, a.embed):
            answer = call()
            assert answer.status_code == 429 and error_code(answer) == "rate_limit_exceeded"
            assert "rph" in answer.text
        # One model's details count too, and what counts survives a kill.
        stack.tollgate.process.child.kill()
        stack.tollgate.process.wait(10)
        stack.tollgate.start()
        assert a.client.get("/v1/models/bge-small").status_code == 429
        end(stack, policy)


def test_a_budget_of_requests_gets_back_what_reached_no_backend_and_counts_lists():
    policy = fair_policy([{"name": "rpd", "requests": 3, "per": "day"}])
    with Stack(options(policy)) as stack:
        a = a_of(stack)
        assert [a.dead().status_code for _ in range(5)] == [503] * 5
        assert [a.models().status_code for _ in range(3)] == [200] * 3
        answer = a.models()
        assert answer.status_code == 429 and error_code(answer) == "insufficient_quota"
        end(stack, policy)


def test_max_admissions_per_second_bounds_everything_of_a_tenant():
    policy = fair_policy(max_admissions_per_second=5)
    with Stack(options(policy)) as stack:
        a, b = a_of(stack), b_of(stack)
        answers = [call() for _ in range(20) for call in (a.models, a.dead, a.embed)]
        late = [answer for answer in answers if answer.status_code == 429]
        assert len(late) > 20
        assert all("max_admissions_per_second" in answer.text for answer in late)
        assert all(answer.headers["retry-after"] == "1" for answer in late)
        assert {b.models().status_code for _ in range(20)} == {200}
        metrics = stack.tollgate.scrape()
        assert 'limit="max_admissions_per_second"' in metrics
        end(stack, policy)
