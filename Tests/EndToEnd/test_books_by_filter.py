"""Whichever filters run, an exchange is charged once and recorded once."""

import asyncio
import uuid

import pytest

import load
import policy as policies
from conftest import AUTHZ_ALONE, AUTHZ_FIRST, authz_policy
from harness import Stack, StackOptions, chat_body, error_code, poll
from ledger import charged, reserved
from test_limits import SIX, Crowd, host_of, key_of, limited_policy

LIMITS = [
    {"name": "rpd", "requests": 1_000_000, "per": "day"},
    {"name": "tpd", "tokens": 1_000_000_000, "per": "day"},
]
BOUND = 300


def counted(policy: dict) -> dict:
    policy["tenants"]["tenant-a"]["limits"] = LIMITS
    return policy


def crowded(policy: dict) -> dict:
    """With a tenant whose limit is eleven requests."""
    other = limited_policy({"several": [{"name": "rpd", "requests": 11, "per": "day"}]})
    policy["models"]["priced"] = other["models"]["priced"]
    policy["tenants"]["several"] = other["tenants"]["several"]
    return policy


@pytest.fixture(scope="module")
def authz_books():
    """ext_authz alone."""
    policy = crowded(counted(authz_policy()))
    arguments = ("--workers", "2")
    with Stack(StackOptions(policy=policy, envoy=AUTHZ_ALONE, tollgate_arguments=arguments)) as stack:
        yield stack


@pytest.fixture(scope="module")
def both_books():
    """Both filters, the second one decides."""
    with Stack(StackOptions(policy=counted(policies.build()))) as stack:
        yield stack


@pytest.fixture(scope="module")
def early_books():
    """Both filters, the first one decides."""
    with Stack(StackOptions(policy=counted(authz_policy()), envoy=AUTHZ_FIRST)) as stack:
        yield stack


def one_exchange(stack, mark: int) -> tuple[dict, dict]:
    """The one admission and the one completion since a mark."""
    (completion,) = stack.ledger.settled(mark, 1)
    (admission,) = stack.ledger.since(mark, "admission")
    assert admission["request_id"] == completion["request_id"]
    assert admission["decision"] == "allow"
    assert not stack.ledger.open()
    return admission, completion


def test_ext_authz_alone_charges_the_estimate_once(authz_books):
    mark, before = authz_books.ledger.mark(), authz_books.ledger.charges()
    test_id = uuid.uuid4().hex
    response = authz_books.request(
        "POST", "/v1/chat/completions", json=chat_body("llama3-8b", max_tokens=BOUND),
        headers={"x-test-id": test_id},
    )  # fmt: skip
    assert response.status_code == 200
    admission, completion = one_exchange(authz_books, mark)
    (seen,) = authz_books.recorder.by_id(test_id)
    assert seen.value("x-ai-request-id") == admission["request_id"]
    prompt = admission["estimated_prompt_tokens"]
    assert prompt > 0 and admission["reserved_completion_tokens"] == BOUND
    assert completion["usage_source"] == "estimated"
    assert completion["total_tokens"] == prompt + BOUND
    wanted = {"tenant/tenant-a/rpd": 1, "tenant/tenant-a/tpd": prompt + BOUND}
    assert reserved(admission) == charged(completion) == wanted
    after = authz_books.ledger.charges()
    assert {name: after[name] - before.get(name, 0) for name in wanted} == wanted


def test_ext_authz_alone_admits_no_more_than_fit_of_200_at_once(authz_books):
    # By ext_authz alone an admission is settled at once, so the budget is spent and not reserved.
    crowd = Crowd(authz_books, "several", code=b'"').run()
    assert crowd.admitted == 11
    assert authz_books.ledger.charges()["tenant/several/rpd"] == 11


def test_ext_authz_alone_refuses_as_the_other_filter_does(authz_books):
    for _ in range(11):
        response = authz_books.request(
            "POST", "/v1/chat/completions", json=chat_body("priced"), key=key_of("several"),
            host=host_of("several"),
        )  # fmt: skip
    assert response.status_code == 429
    assert error_code(response) in ("insufficient_quota", "rate_limit_exceeded")
    assert " rpd (" in response.json()["error"]["message"]
    if error_code(response) == "insufficient_quota":
        assert response.headers["x-should-retry"] == "false"
        assert "retry-after" not in response.headers
    else:
        assert int(response.headers["retry-after"]) >= 1
    assert [name for name in SIX[:3] if name not in response.headers] == []


@pytest.mark.parametrize("status, change", [
    (401, {"key": "wrong"}), (404, {"json": chat_body("nobody-has-this")}),
    (400, {"body": b"{"}),
])  # fmt: skip
@pytest.mark.parametrize("books", ["authz_books", "both_books"])
def test_a_refusal_is_recorded_once_and_charges_nothing(request, books, status, change):
    stack = request.getfixturevalue(books)
    mark, before = stack.ledger.mark(), stack.ledger.charges()
    named = {"json": chat_body("llama3-8b")} if "body" not in change else {}
    response = stack.request("POST", "/v1/chat/completions", **(named | change))
    assert response.status_code == status
    (denied,) = poll("it is on record", lambda: stack.ledger.since(mark, "admission"))
    assert denied["decision"] == "deny" and denied["http_status"] == status
    assert denied["reason"] == error_code(response)
    # Later records must not be about the same exchange.
    assert stack.request("GET", "/v1/models").status_code == 200
    (last,) = stack.ledger.settled(mark, 1)
    assert last["route"] == "/v1/models"
    denials = [r for r in stack.ledger.since(mark, "admission") if r["decision"] == "deny"]
    assert denials == [denied]
    # The listing counts; the refusal does not.
    before["tenant/tenant-a/rpd"] = before.get("tenant/tenant-a/rpd", 0) + 1
    assert stack.ledger.charges() == before


@pytest.mark.parametrize("books", ["both_books"])
@pytest.mark.parametrize("stream", [False, True])
def test_both_filters_charge_once(request, books, stream):
    stack = request.getfixturevalue(books)
    mark, before = stack.ledger.mark(), stack.ledger.charges()
    headers = {"x-test-events": "3"} if stream else {}
    response = stack.request(
        "POST", "/v1/chat/completions", headers=headers,
        json=chat_body("llama3-8b", max_tokens=BOUND, stream=stream),
    )  # fmt: skip
    assert response.status_code == 200
    _, completion = one_exchange(stack, mark)
    assert completion["usage_source"] == ("estimated" if stream else "reported")
    total = completion["total_tokens"]
    assert stream or total == 4
    assert charged(completion) == {"tenant/tenant-a/rpd": 1, "tenant/tenant-a/tpd": total}
    after = stack.ledger.charges()
    assert after["tenant/tenant-a/rpd"] - before.get("tenant/tenant-a/rpd", 0) == 1


def test_both_filters_charge_once_where_the_first_one_decides(early_books):
    mark = early_books.ledger.mark()
    response = early_books.chat("llama3-8b")
    assert response.status_code == 200, response.text
    admission, completion = one_exchange(early_books, mark)
    assert charged(completion) == reserved(admission)


def test_a_crowd_through_both_filters_is_charged_once_each(both_books):
    mark, count = both_books.ledger.mark(), 100
    raw = load.request_bytes("/v1/chat/completions", chat_body("llama3-8b"), policies.KEY_A)
    asked = load.Asked("chat", raw, 200)
    tally = asyncio.run(load.all_at_once(both_books.listener, [asked] * count))
    assert tally.wrong == []
    completions = both_books.ledger.settled(mark, count)
    assert len({c["request_id"] for c in completions}) == count
    assert len(both_books.ledger.since(mark, "admission")) == count
    assert sum(charged(c)["tenant/tenant-a/tpd"] for c in completions) == 4 * count
