"""Weighted and sticky choice of a route, seen from the backends."""

from collections import Counter

import pytest

import policy as policies
from harness import scaled


def clusters(stack, model: str, count: int, **named) -> Counter:
    found: Counter = Counter()
    for _ in range(count):
        response = stack.chat(model, **named)
        assert response.status_code == 200, response.text
        cluster = response.json()["cluster"]
        assert response.headers["x-ai-model-route"] == cluster
        found[cluster] += 1
    return found


def test_the_canary_gets_its_share(stack):
    """90/10 of 1,000: the chance of leaving 60 to 145 by luck is below one in 50,000."""
    count = 1000 if scaled(1000) == 1000 else 300
    found = clusters(stack, "canary", count)
    assert set(found) == {"canary-v1", "canary-v2"}
    low, high = (60, 145) if count == 1000 else (8, 58)
    assert low <= found["canary-v2"] <= high, found


@pytest.mark.parametrize("key", [policies.KEY_A, policies.KEY_A_OTHER])
def test_a_subject_stays_on_its_route(stack, key):
    assert len(clusters(stack, "canary-by-subject", 20, key=key)) == 1


def test_a_session_stays_on_its_route_and_sessions_differ(stack):
    homes = [
        clusters(stack, "canary-by-session", 5, headers={"x-session-id": f"session-{number}"})
        for number in range(30)
    ]
    assert all(len(home) == 1 for home in homes)
    # Thirty sessions all on one side of 50/50: less than one in 500 million.
    assert len({next(iter(home)) for home in homes}) == 2


def test_stickiness_agrees_between_processes(stack, proc_only):
    for number in range(10):
        headers = {"x-session-id": f"shared-{number}"}
        here = clusters(stack, "canary-by-session", 1, headers=headers)
        there = clusters(proc_only, "canary-by-session", 1, headers=headers)
        assert here == there


def test_retries_of_one_exchange_cannot_change_the_route(stack):
    """The header that routes is set once; what the backend saw is what the client is told."""
    for _ in range(20):
        response = stack.chat("canary", headers={"x-test-status": "503"})
        assert response.status_code == 503
        assert response.headers["x-ai-model-route"] in ("canary-v1", "canary-v2")
