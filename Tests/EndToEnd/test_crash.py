"""What is on record outlives every end of the process: kill -9, SIGTERM, a torn or damaged file."""

import os
import re
import signal
import subprocess
import threading
import time
from decimal import Decimal

import pytest

import crash_rounds
import harness
import ledger_check
import policy as policies
from crash_rounds import Load, Rounds, books_policy
from harness import DRAIN_SECONDS, Stack, StackOptions, poll
from ledger_check import ORIGIN, check, write_segment

HELD = {"x-test-hold": "1"}


def data_of(stack: Stack):
    return stack.tollgate.data


def end(stack: Stack, number: int = signal.SIGKILL) -> int:
    """Ends tollgate and returns its exit code."""
    stack.tollgate.expected_dead = True
    stack.tollgate.process.signal(number)
    return stack.tollgate.process.wait(DRAIN_SECONDS)


def settled(stack: Stack, policy: dict):
    """The whole ledger, once nothing is open."""

    def at_rest():
        reader, sums = check(data_of(stack), policy)
        return (reader, sums) if not sums.open else None

    return poll("every exchange is settled", at_rest)


def serve_again(stack: Stack) -> subprocess.CompletedProcess:
    """A start that is to fail, on sockets of its own."""
    command = [
        str(harness.BINARIES / "tollgate"), "serve", "--policy", str(stack.policy_path),
        "--data", str(data_of(stack)), "--listen", f"unix:{stack.folder}/second.sock",
        "--admin", "off",
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=DRAIN_SECONDS)


@pytest.mark.timeout(300)
def test_kill_9_under_load_loses_no_record_and_no_count():
    seed = int(os.environ.get("TOLLGATE_SEED", "20261122"))
    report = crash_rounds.run(rounds=harness.scaled(30), seed=seed, seconds=40)
    print(f"seed {seed}: {report}")
    assert report.answers > 100 and report.interrupted > 0, report


@pytest.mark.parametrize("durability", ["durable", "relaxed"])
def test_sigterm_under_load_ends_the_ledger_in_order(durability):
    """Drained, flushed, `stop`, exit 0; the next process begins with the same counters."""
    policy = books_policy()
    options = StackOptions(policy=policy, tollgate_arguments=("--durability", durability))
    with Stack(options) as stack, Load(stack.listener) as load:
        poll("answers", lambda: len(load.allowed) >= 100)
        assert end(stack, signal.SIGTERM) == 0, stack.tollgate.process.log()[-3000:]
        answers = list(load.allowed)
        _, sums = check(data_of(stack), policy)
        assert sums.last.type == "stop"
        assert not sums.open and sums.slots_taken == 0
        assert set(answers) <= sums.admitted
        stack.tollgate.start()
        poll("answers again", lambda: len(load.allowed) > len(answers) + 20)
        load.stop()
        assert load.problems == []
        _, sums = settled(stack, policy)
        assert sums.checkpoints == 2 and sums.compared >= 4
        assert "interrupted" not in sums.completed.values()
        assert set(load.allowed) <= sums.admitted
        for seen in stack.recorder.seen:
            assert seen.value("x-ai-request-id") in sums.admitted


def test_relaxed_records_outlive_a_kill_once_they_are_written():
    policy = books_policy()
    options = StackOptions(policy=policy, tollgate_arguments=("--durability", "relaxed"))
    with Stack(options) as stack:
        ids = [stack.chat().headers["x-ai-request-id"] for _ in range(20)]
        poll("all are written", lambda: set(ids) <= check(data_of(stack), policy)[1].completed.keys())
        end(stack)
        stack.tollgate.start()
        _, sums = settled(stack, policy)
        assert set(ids) == sums.completed.keys()
        assert set(sums.completed.values()) == {"complete"}


def test_sigusr1_begins_a_segment_whose_checkpoint_is_the_sum():
    policy = books_policy()
    with Stack(StackOptions(policy=policy)) as stack, Load(stack.listener) as load:
        rounds = Rounds(stack, load, policy, seed=1)
        for number in range(1, 6):
            poll("answers", lambda: len(load.allowed) >= number * 20)
            stack.tollgate.process.signal(signal.SIGUSR1)
            poll("a segment", lambda: rounds._follow() or rounds.sums.checkpoints == number + 1)
            rounds.match()
        load.stop()
        rounds.match_at_rest()
        assert rounds.reader.segment_count == 6 and rounds.sums.compared > 20


def test_a_second_process_on_the_same_data_is_refused_and_told_who_has_it():
    with Stack(StackOptions(envoy=None)) as stack:
        before = [path.read_bytes() for _, path in ledger_check.segments(data_of(stack) / "ledger")]
        second = serve_again(stack)
        assert second.returncode == 1
        assert f"process {stack.tollgate.process.pid}" in second.stderr
        assert str(data_of(stack)) in second.stderr
        assert not (stack.folder / "second.sock").exists()
        after = [path.read_bytes() for _, path in ledger_check.segments(data_of(stack) / "ledger")]
        assert after == before


def test_a_cut_last_record_goes_aside_and_is_said():
    """Wherever it was cut; what was cut off is kept, and an exchange without its end is closed."""
    policy = books_policy()
    with Stack(StackOptions(policy=policy)) as stack:
        torn: list[bytes] = []
        for left in ("all but the newline", "half", "a byte"):
            request_id = stack.chat().headers["x-ai-request-id"]
            settled(stack, policy)
            end(stack)
            _, path = ledger_check.segments(data_of(stack) / "ledger")[-1]
            whole = path.read_bytes()
            start = whole[:-1].rindex(b"\n") + 1
            size = len(whole) - start
            keep = {"all but the newline": size - 1, "half": size // 2, "a byte": 1}[left]
            path.write_bytes(whole[: start + keep])
            stack.tollgate.start()
            torn.append(whole[start : start + keep])
            assert path.read_bytes() == whole[:start]
            kept = sorted((data_of(stack) / "ledger").glob("*.torn"))
            assert sorted(file.read_bytes() for file in kept) == sorted(torn)
            log = stack.tollgate.process.log()
            assert any(file.name in log for file in kept), log
            # The last record was this exchange's completion.
            _, sums = settled(stack, policy)
            assert sums.completed[request_id] == "interrupted"
        assert stack.chat().status_code == 200


def filler(count: int) -> list[dict]:
    record = {"type": "denials", "tenant": None, "reason": "invalid_api_key", "count": 1,
              "since": ledger_check.text(int(time.time() * 1000) - 86_400_000)}  # fmt: skip
    return [record] * count


def event(kind: str) -> dict:
    format = {"format": 1} if kind == "start" else {}
    return {"type": kind} | format | {"policy": "000000000000", "version": "0"}


def test_a_flipped_byte_stops_the_start_and_repair_mends_it():
    """More than a batch before the end, where no crash can have torn it: file and offset are named."""
    policy = books_policy()
    stack = Stack(StackOptions(policy=policy))
    yesterday = int(time.time() * 1000) - 86_400_000
    write_segment(data_of(stack), 1, yesterday, ORIGIN, [event("start"), *filler(8000)])
    _, path = ledger_check.segments(data_of(stack) / "ledger")[-1]
    good = path.read_bytes()
    assert len(good) > 3 * ledger_check.BATCH_BYTES_MAX // 2
    bad = bytearray(good)
    bad[100_000] ^= 0x01
    path.write_bytes(bad)
    offset = good.rindex(b"\n", 0, 100_000) + 1
    failed = serve_again(stack)
    assert failed.returncode == 1
    assert path.name in failed.stderr and re.search(rf"\b{offset}\b", failed.stderr), failed.stderr
    assert path.read_bytes() == bad, "a refused start changed the ledger"
    stack.tollgate.arguments = ("--repair-ledger",)
    with stack:
        assert stack.chat().status_code == 200
        assert path.read_bytes() == bad, "the damaged file is evidence"
        assert "damaged" in stack.tollgate.process.log()
        reader, sums = settled(stack, policy)
        assert reader.repaired == [(path.name, offset)]
        assert sums.types["repair"] == 1
        end(stack, signal.SIGTERM)
        stack.tollgate.arguments = ()
        stack.tollgate.start()
        assert stack.chat().status_code == 200
        reader, _ = settled(stack, policy)
        assert reader.repaired == [(path.name, offset)]


def test_an_interrupted_exchange_costs_what_its_prompt_is_reckoned_to():
    """Neither an abort nor a crash is free: tokens and dollars are charged."""
    policy = books_policy()
    with Stack(StackOptions(policy=policy)) as stack:
        client = threading.Thread(target=lambda: stack.chat(headers=HELD, timeout=120))
        client.start()
        poll("it is at the backend", lambda: stack.recorder.open == 1)
        end(stack)
        stack.recorder.release()
        client.join(60)
        stack.tollgate.start()
        _, sums = settled(stack, policy)
        (request_id,) = sums.completed
        assert sums.completed[request_id] == "interrupted"
        reader = ledger_check.LedgerReader(data_of(stack))
        records = {record.type: record.body for record in reader.read() if "request_id" in record.body}
        prompt = records["admission"]["estimated_prompt_tokens"]
        completion = records["completion"]
        assert prompt > 0 and completion["prompt_tokens"] == prompt
        assert completion["usage_source"] == "estimated"
        # 0.20 dollars a million: 200 nano-dollars a token.
        assert Decimal(completion["estimated_cost_usd"]) == prompt * Decimal("0.0000002")
        charged = {entry["counter"]: entry["amount"] for entry in completion["charged"]}
        assert charged["tenant/tenant-a/monthly"] == prompt * 200
        assert charged["tenant/tenant-a/tpm"] == prompt
        assert charged["tenant/tenant-a/parallel"] == 0


def test_a_limit_changed_while_nothing_ran_counts_from_the_start():
    def limited(amount: int) -> dict:
        policy = policies.build()
        policy["tenants"]["tenant-a"]["limits"] = [
            {"name": "daily", "requests": amount, "per": "month"}
        ]
        return policy

    with Stack(StackOptions(policy=limited(5))) as stack:
        assert [stack.chat().status_code for _ in range(3)] == [200] * 3
        assert end(stack, signal.SIGTERM) == 0
        # Once with the policy as it was: the checkpoint has the counter with its old amount.
        stack.tollgate.start()
        assert end(stack, signal.SIGTERM) == 0
        stack.write_policy(limited(4))
        stack.tollgate.start()
        last = stack.chat()
        assert last.status_code == 200
        assert last.headers["x-ratelimit-limit-requests"] == "4"
        assert last.headers["x-ratelimit-remaining-requests"] == "0"
        assert stack.chat().status_code == 429
