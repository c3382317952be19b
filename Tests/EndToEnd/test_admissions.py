"""What is on record of an exchange, and what its response carries, through each of the filters."""

import json
import re
import subprocess
import uuid
from decimal import Decimal

import pytest

import harness
import policy as policies
from conftest import AUTHZ_ALONE, AUTHZ_FIRST, authz_policy
from exposition import Metrics
from harness import Stack, StackOptions, chat_body, error_code
from ledger import charged, reserved

SOURCE = re.compile(r"127\.0\.0\.1:\d{1,5}")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LIMITS = [
    {"name": "rpd", "requests": 1000, "per": "day"},
    {"name": "tpd", "tokens": 1_000_000, "per": "day"},
]
PRICES = {"prompt": 1, "completion": 2}


def with_limits(policy: dict) -> dict:
    policy["tenants"]["tenant-a"]["limits"] = LIMITS
    policy["models"]["canary"]["price_usd_per_million"] = PRICES
    return policy


@pytest.fixture(scope="module")
def both():
    with Stack(StackOptions(policy=with_limits(policies.build()))) as stack:
        yield stack


@pytest.fixture(scope="module")
def authz():
    with Stack(StackOptions(policy=with_limits(authz_policy()), envoy=AUTHZ_ALONE)) as stack:
        yield stack


@pytest.fixture(scope="module")
def authz_first():
    """Both filters, the first one decides."""
    with Stack(StackOptions(policy=with_limits(authz_policy()), envoy=AUTHZ_FIRST)) as stack:
        yield stack


@pytest.fixture(params=["both", "authz", "authz_first"])
def kept(request):
    return request.getfixturevalue(request.param)


def ended(stack: Stack, mark: int) -> tuple[dict, dict]:
    """The one admission and its completion since a mark."""
    (completion,) = stack.ledger.settled(mark, 1)
    (admission,) = stack.ledger.since(mark, "admission")
    assert admission["request_id"] == completion["request_id"]
    return admission, completion


def test_an_admission_tells_where_it_came_from(kept):
    mark = kept.ledger.mark()
    assert kept.chat().status_code == 200
    admission, _ = ended(kept, mark)
    assert SOURCE.fullmatch(admission["source"])
    assert UUID.fullmatch(admission["envoy_request_id"])
    mark = kept.ledger.mark()
    assert kept.chat(key="wrong").status_code == 401
    (denied,) = harness.poll("it is on record", lambda: kept.ledger.since(mark, "admission"))
    assert SOURCE.fullmatch(denied["source"])
    assert UUID.fullmatch(denied["envoy_request_id"])


@pytest.mark.parametrize(
    "path, route", [("/v1/models", "/v1/models"), ("/v1/models/llama3-8b", "/v1/models/{id}")]
)
def test_a_question_for_models_is_an_exchange_of_its_own(kept, path, route):
    mark, before = kept.ledger.mark(), requests_total(kept, route)
    charges = kept.ledger.charges()
    response = kept.request("GET", path)
    assert response.status_code == 200
    admission, completion = ended(kept, mark)
    assert response.headers["x-ai-request-id"] == admission["request_id"]
    assert (admission["decision"], admission["tenant"]) == ("allow", "tenant-a")
    assert (admission["route"], admission["model"], admission["model_route"]) == (route, None, None)
    # It counts as a request, and as nothing else.
    assert reserved(admission) == charged(completion) == {"tenant/tenant-a/rpd": 1}
    assert completion["usage_source"] == "none"
    assert (completion["origin"], completion["http_status"]) == ("gateway", 200)
    assert (completion["end_reason"], completion["estimated_cost_usd"]) == ("complete", 0)
    charges["tenant/tenant-a/rpd"] = charges.get("tenant/tenant-a/rpd", 0) + 1
    assert kept.ledger.charges() == charges
    assert requests_total(kept, route) == before + 1


def requests_total(stack: Stack, route: str) -> float:
    return Metrics(stack.tollgate.scrape()).sum("ai_gateway_requests_total", route=route)


def test_a_model_that_is_not_known_is_refused_as_ever(kept):
    mark = kept.ledger.mark()
    response = kept.request("GET", "/v1/models/nobody-has-this")
    assert (response.status_code, error_code(response)) == (404, "model_not_found")
    (denied,) = harness.poll("it is on record", lambda: kept.ledger.since(mark, "admission"))
    assert (denied["decision"], denied["route"]) == ("deny", "/v1/models/{id}")


@pytest.mark.parametrize("path, dialect", [
    ("/v1/chat/completions", "x-ratelimit-{field}-{kind}"),
    ("/v1/messages", "anthropic-ratelimit-{kind}-{field}"),
])  # fmt: skip
def test_the_response_carries_route_id_and_limits(kept, path, dialect):
    mark = kept.ledger.mark()
    body = chat_body("llama3-8b", max_tokens=100)
    response = kept.request("POST", path, json=body)
    assert response.status_code == 200
    admission, _ = ended(kept, mark)
    headers = response.headers
    assert headers.get_list("x-ai-request-id") == [admission["request_id"]]
    assert headers.get_list("x-ai-model-route") == ["chat-llama3-8b-v1"]
    for kind, amount in (("requests", 1000), ("tokens", 1_000_000)):
        found = {
            field: headers.get_list(dialect.format(field=field, kind=kind))
            for field in ("limit", "remaining", "reset")
        }
        assert found["limit"] == [str(amount)]
        assert 0 < int(found["remaining"][0]) < amount and len(found["remaining"]) == 1
        assert len(found["reset"]) == 1
    # No header of the other dialect.
    assert len([name for name in headers if "ratelimit" in name]) == 6
    assert reserved(admission)["tenant/tenant-a/tpd"] >= 100


def test_a_cost_is_null_where_no_price_tells_it(kept):
    rows = [
        ("/v1/chat/completions", chat_body("llama3-8b", max_tokens=5), False),
        ("/v1/chat/completions", chat_body("canary", max_tokens=5), True),
        ("/custom/search", {"q": 1}, False),
    ]
    for path, body, is_known in rows:
        mark = kept.ledger.mark()
        assert kept.request("POST", path, json=body).status_code == 200
        _, completion = ended(kept, mark)
        if is_known:
            used = completion["prompt_tokens"] + 2 * completion["completion_tokens"]
            assert completion["estimated_cost_usd"] == Decimal(used) / 10**6 > 0
        else:
            assert completion["estimated_cost_usd"] is None
    # A sum is unknown when all its parts are; otherwise it is the sum of the known parts.
    command = [
        harness.BINARIES / "tollgate", "usage", kept.tollgate.data, "--by", "model_route",
    ]  # fmt: skip
    said = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=60)
    report = json.loads(said.stdout)
    costs = {row["model_route"]: row["cost_usd"] for row in report["rows"]}
    assert costs["custom-v1"] is None and costs["chat-llama3-8b-v1"] is None
    known = [cost for route, cost in costs.items() if route and route.startswith("canary")]
    assert known and all(cost > 0 for cost in known)
    assert report["total"]["cost_usd"] == pytest.approx(sum(known))
    said = subprocess.run([*command, "--csv"], capture_output=True, text=True, timeout=60)
    rows = [line.split(",") for line in said.stdout.splitlines()]
    assert [row[-1] for row in rows if row[0] == "custom-v1"] == [""]


def test_a_stream_of_requests_without_bodies_is_cleaned_at_the_headers(both):
    """The credential is removed although the reply to the headers is the only reply there is."""
    test_id = uuid.uuid4().hex
    response = both.request("GET", "/custom/search", headers={"x-test-id": test_id})
    assert response.status_code == 200
    (seen,) = both.recorder.by_id(test_id)
    assert seen.values("authorization") == []


def test_the_process_is_found_by_its_name(both):
    pid = both.tollgate.process.pid
    with open(f"/proc/{pid}/comm") as name:
        assert name.read().strip() == "tollgate"


def explain(stack: Stack, tmp_path, body: str, *headers: str) -> subprocess.CompletedProcess:
    file = tmp_path / "body.json"
    file.write_text(body)
    command = [
        harness.BINARIES / "tollgate", "explain", "--policy", stack.policy_path,
        "--host", policies.HOST_A, "--path", "/v1/chat/completions", "--body", file,
        "--header", f"authorization: Bearer {policies.KEY_A}",
    ]  # fmt: skip
    for header in headers:
        command += ["--header", header]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_explain_says_what_it_assumed_and_what_never_fits(tmp_path):
    policy = with_limits(policies.build())
    policy["tenants"]["tenant-a"]["limits"] = [{"name": "tpd", "tokens": 500, "per": "day"}]
    with Stack(StackOptions(policy=policy)) as stack:
        for bound, headers, status in [
            (100, ["content-type: application/json"], 200), (1000, [], 429),
            (100, ["content-type: text/plain"], 415),
        ]:  # fmt: skip
            body = f'{{"model":"llama3-8b","messages":[],"max_tokens":{bound}}}'
            said = explain(stack, tmp_path, body, *headers)
            assert said.returncode == 0, said.stderr
            assert f"verdict: {status} " in said.stdout
            assert ("is assumed" in said.stdout) == (headers == [])
            response = stack.request(
                "POST", "/v1/chat/completions", body=body.encode(),
                headers=[tuple(header.split(": ")) for header in headers],
            )  # fmt: skip
            assert response.status_code == status
