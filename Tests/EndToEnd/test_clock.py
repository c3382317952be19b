"""The machine's clock is set, ahead or back, while the process runs or before it starts: token buckets go
on by the time that passes, calendar windows by the clock, and the books say what happened."""

import json
import signal
import time
from zoneinfo import ZoneInfo

import httpx
import pytest

from counter_model import window
from crash_rounds import books_policy
from harness import Stack, StackOptions, error_code, poll
from ledger_check import ORIGIN, check, segments, write_segment
from test_audit import tollgate
from test_crash import data_of, end, event, filler, settled
from wall_clock import WallClock

HOUR = 3600
DAY = 24 * HOUR
YEAR = 365 * DAY
STEPS = [HOUR, -HOUR, DAY, -DAY, YEAR, -YEAR]
ZONE = ZoneInfo("America/New_York")


def clock_policy() -> dict:
    """A day's budget of three, a bucket that is full again in two seconds, and one that takes hours."""
    policy = books_policy()
    policy["tenants"]["tenant-a"]["limits"] += [
        {"name": "three", "requests": 3, "per": "day", "models": ["llama3-8b"]},
        {"name": "quick", "requests": 60, "per": "minute", "burst": 2, "models": ["canary"]},
        {"name": "slow", "requests": 4, "per": "hour", "burst": 2, "models": ["chat-only"]},
    ]  # fmt: skip
    return policy


@pytest.fixture
def stack(tmp_path):
    stack = Stack(StackOptions(policy=clock_policy()))
    stack.clock = WallClock(tmp_path)
    stack.clock.of(stack.tollgate)
    with stack:
        yield stack


def day_of(seconds: int) -> tuple[int, int]:
    return window("day", ZONE, int((time.time() + seconds) * 1000))


def is_let_through(stack: Stack, model: str) -> bool:
    response = stack.chat(model)
    if response.status_code == 200:
        return True
    assert response.status_code == 429, response.text
    assert error_code(response) in ("rate_limit_exceeded", "insufficient_quota")
    return False


def spend(stack: Stack) -> None:
    assert [is_let_through(stack, "llama3-8b") for _ in range(4)] == [True] * 3 + [False]
    assert [is_let_through(stack, "chat-only") for _ in range(3)] == [True] * 2 + [False]


def the_quick_bucket_goes_on(stack: Stack) -> None:
    for _ in range(3):
        poll("the bucket refills", lambda: is_let_through(stack, "canary"), 15)


def clock_of(stack: Stack) -> dict:
    answer = httpx.get(stack.tollgate.admin + "/api/v1/status", trust_env=False, timeout=30)
    return answer.json()["ledger"]["clock"]


def test_a_clock_that_is_set_while_it_runs_freezes_nothing_and_gives_nothing_twice(stack):
    spend(stack)
    count = 0
    for step in STEPS:
        stack.clock.set(step)
        is_other_day = day_of(step) != day_of(0)
        assert is_let_through(stack, "llama3-8b") == is_other_day, step
        assert not is_let_through(stack, "chat-only"), "no part of the step is refilled"
        the_quick_bucket_goes_on(stack)
        count += 1
        clock = clock_of(stack)
        assert clock["steps"] == count
        assert abs(clock["last"]["jump_ms"] - step * 1000) < 1000
        stack.clock.set(0)
        assert not is_let_through(stack, "llama3-8b"), step
        assert not is_let_through(stack, "chat-only")
        the_quick_bucket_goes_on(stack)
        count += 1
    poll("the log says it", lambda: stack.tollgate.process.log().count("clock was set") == count)
    reader, sums = settled(stack, clock_policy())
    assert sums.types["clock"] == count
    assert end(stack, signal.SIGTERM) == 0, stack.tollgate.process.log()[-3000:]
    whole = tollgate("audit", "verify", str(data_of(stack)))
    assert whole.returncode == 0, whole.stderr
    shown = tollgate("audit", "show", str(data_of(stack)), "--type", "clock", "--json")
    jumps = [json.loads(line)["jump_ms"] for line in shown.stdout.splitlines()]
    assert len(jumps) == count
    assert all(abs(jump - step * 1000) < 1000 for jump, step in zip(jumps[::2], STEPS))
    # What is summed is what the times say, in whatever order they are.
    now = stack.tollgate.process.log_path.stat().st_mtime
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - YEAR + HOUR * 30))
    sums = tollgate("usage", str(data_of(stack)), "--since", since, "--json")
    assert sums.returncode == 0, sums.stderr
    everything = tollgate("usage", str(data_of(stack)), "--json")
    requests = [json.loads(text.stdout)["total"]["requests"] for text in (sums, everything)]
    assert 0 < requests[0] < requests[1]


def test_a_clock_that_is_set_between_two_processes_freezes_nothing_and_gives_nothing_twice(stack):
    spend(stack)
    for number, step in enumerate(STEPS):
        how = (signal.SIGTERM, signal.SIGKILL)[number % 2]
        end(stack, how)
        stack.clock.set(step)
        stack.tollgate.start()
        is_other_day = day_of(step) != day_of(0)
        assert is_let_through(stack, "llama3-8b") == is_other_day, step
        the_quick_bucket_goes_on(stack)
        if step < 0:
            assert clock_of(stack)["steps"] == 1
            assert "clock was set back" in stack.tollgate.process.log()
        end(stack, how)
        stack.clock.set(0)
        stack.tollgate.start()
        assert not is_let_through(stack, "llama3-8b"), step
        the_quick_bucket_goes_on(stack)
        assert clock_of(stack)["steps"] == (1 if step > 0 else 0)
    settled(stack, clock_policy())
    assert end(stack, signal.SIGTERM) == 0, stack.tollgate.process.log()[-3000:]
    whole = tollgate("audit", "verify", str(data_of(stack)))
    assert whole.returncode == 0, whole.stderr


def test_a_clock_that_is_set_back_stops_no_write_and_no_wait(tmp_path):
    """In relaxed mode records wait for a moment, and the ledger's thread for the next."""
    policy = clock_policy()
    stack = Stack(StackOptions(policy=policy, tollgate_arguments=("--durability", "relaxed")))
    clock = WallClock(tmp_path)
    clock.of(stack.tollgate)
    with stack:
        for step in (0, -YEAR, -2 * YEAR, YEAR):
            clock.set(step)
            response = stack.chat("canary-by-subject")
            assert response.status_code == 200
            stack.ledger.completion(response.headers["x-ai-request-id"])
        settled(stack, policy)


def test_segments_that_a_wrong_clock_dated_hold_up_no_others(tmp_path):
    policy = books_policy()
    stack = Stack(StackOptions(policy=policy, tollgate_arguments=("--retain", "24h")))
    day = DAY * 1000
    now = int(time.time() * 1000)
    seq, previous, firsts = 1, ORIGIN, []
    for time_ms in (now - 9 * day, now + 365 * day, now - 8 * day, now - 7 * day):
        firsts.append(seq)
        bodies = [event("start"), *filler(10)]
        seq, previous = write_segment(data_of(stack), seq, time_ms, previous, bodies)
    with stack:
        oldest = lambda: segments(data_of(stack) / "ledger")[0][0]  # noqa: E731
        # Of the fourth nobody knows when it ended but that the fifth has just begun.
        poll("three are gone", lambda: oldest() == firsts[3])
        assert stack.chat().status_code == 200


def test_a_clock_that_was_just_set_ahead_ends_no_segments_time(tmp_path):
    policy = books_policy()
    stack = Stack(StackOptions(policy=policy, tollgate_arguments=("--retain", "24h")))
    clock = WallClock(tmp_path)
    clock.of(stack.tollgate)
    with stack:
        folder = data_of(stack) / "ledger"

        def rotate(count: int) -> None:
            assert stack.chat().status_code == 200
            stack.tollgate.process.signal(signal.SIGUSR1)
            poll("a segment begins", lambda: len(firsts()) == count)

        firsts = lambda: {first for first, _ in segments(folder)}  # noqa: E731
        rotate(2)
        clock.set(YEAR)
        # When a segment begins, old ones are looked for.
        rotate(3)
        assert stack.chat().status_code == 200
        assert 1 in firsts(), "nobody knows yet whether the clock is right"
