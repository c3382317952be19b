"""Rounds of `kill -9` under load through Envoy, and what must be true after each.

The load asks all the time: plain answers, streams, embeddings, answers that take a while, clients
that leave in the middle. A round kills tollgate at a random moment, holds the ledger on disk against
what clients and backends have seen, starts tollgate again and follows what it writes.
"""

import asyncio
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import harness
import policy as policies
from harness import Stack, StackOptions, chat_body, poll
from ledger_check import Counters, LedgerReader
from load import request_bytes

CHAT = "/v1/chat/completions"
SLOTS = 48


def books_policy(**changes) -> dict:
    """The bench's policy with limits of every shape, large enough that most is let through."""
    policy = policies.build(timezone="America/New_York", **changes)
    prices = {"prompt": 0.20, "completion": 0.60}
    for name in ("llama3-8b", "renamed"):
        policy["models"][name] |= {"price_usd_per_million": prices, "max_output_tokens": 64}
    for name in ("canary", "canary-by-subject", "canary-by-session", "chat-only", "shortened",
                 "b-only"):  # fmt: skip
        policy["models"][name]["price_usd_per_million"] = prices
    policy["models"]["bge-small"]["price_usd_per_million"] = {"prompt": 0.02}
    policy["classes"]["batch_inference"]["max_concurrent"] = 24
    policy["limits"] = [{"name": "everybody", "requests": 600_000, "per": "hour"}]
    tenant = policy["tenants"]["tenant-a"]
    tenant["limits"] = [
        {"name": "rpm", "requests": 60_000, "per": "minute", "burst": 2_000},
        {"name": "tpm", "tokens": 600_000, "per": "minute", "burst": 60_000},
        {"name": "prompts", "prompt_tokens": 1_000_003, "per": "hour"},
        {"name": "written", "completion_tokens": 40_000, "per": "second"},
        {"name": "each", "requests": 97, "per": "second", "scope": "subject"},
        {"name": "daily", "tokens": 50_000_000, "per": "day"},
        {"name": "monthly", "usd": 500, "per": "month"},
        {"name": "weekly", "requests": 1_000_000, "per": "week", "models": ["llama3-8b"]},
        {"name": "parallel", "concurrent": SLOTS},
    ]
    tenant["keys"][0]["limits"] = [{"name": "own", "requests": 1_000_000, "per": "day"}]
    return policy


@dataclass
class Load:
    """Workers that send requests until told to stop, also while tollgate is down."""

    port: int
    workers: int = 16
    seed: int = 1
    # Request ids of answers whose status was 200, and every other status.
    allowed: list[str] = field(default_factory=list)
    statuses: Counter = field(default_factory=Counter)
    whole: int = 0
    left: int = 0
    broken: int = 0
    problems: list[str] = field(default_factory=list)
    _done: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Load":
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def stop(self) -> None:
        self._done.set()
        self._thread.join(120)
        assert not self._thread.is_alive(), "the load does not end"

    async def _run(self) -> None:
        await asyncio.gather(*(self._worker(number) for number in range(self.workers)))

    async def _worker(self, number: int) -> None:
        random_source = random.Random(self.seed * 1000 + number)
        requests = _requests()
        while not self._done.is_set():
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError as problem:
                self.problems.append(repr(problem))
                return
            try:
                while not self._done.is_set():
                    raw, leaves = random_source.choice(requests)
                    if not await asyncio.wait_for(self._ask(reader, writer, raw, leaves), 90):
                        break
            except (OSError, asyncio.IncompleteReadError):
                self.broken += 1
            except TimeoutError:
                self.problems.append("no answer in 90 s")
            finally:
                writer.close()

    async def _ask(self, reader, writer, raw: bytes, leaves: bool) -> bool:
        writer.write(raw)
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        fields = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])
        }
        self.statuses[status] += 1
        if status == 200:
            request_id = fields.get("x-ai-request-id")
            if request_id:
                self.allowed.append(request_id)
            else:
                self.problems.append(f"200 without a request id: {lines}")
        if leaves:
            self.left += 1
            return False
        if fields.get("transfer-encoding") == "chunked":
            while (size := int(await reader.readuntil(b"\r\n"), 16)) != 0:
                await reader.readexactly(size + 2)
            await reader.readexactly(2)
        else:
            await reader.readexactly(int(fields.get("content-length", "0")))
        self.whole += 1
        if status >= 500:
            # Tollgate is down: a pause, or there would be nothing but Envoy's own answers.
            await asyncio.sleep(0.02)
        return fields.get("connection") != "close"


def _requests() -> list[tuple[bytes, bool]]:
    """What is asked, and whether the client leaves after the answer's head."""

    def chat(key: str, headers: dict, **fields) -> bytes:
        return request_bytes(CHAT, chat_body("llama3-8b", **fields), key, headers=headers)

    a, other = policies.KEY_A, policies.KEY_A_OTHER
    events = {"x-test-events": "6", "x-test-interval-ms": "15"}
    long = {"x-test-events": "40", "x-test-interval-ms": "20"}
    embed = request_bytes("/v1/embeddings", {"model": "bge-small", "input": "some words"}, other)
    return [
        (chat(a, {}, max_tokens=20), False),
        (chat(other, {}), False),
        (chat(a, {"x-test-events": "1", "x-test-interval-ms": "40"}, max_tokens=7), False),
        (chat(a, events, stream=True), False),
        (chat(other, events, stream=True, max_tokens=50), False),
        (chat(a, long, stream=True), True),
        (chat(other, {"x-test-status": "500"}), False),
        (embed, False),
        (request_bytes(CHAT, chat_body("llama3-8b"), None), False),
    ]


def audit_verify(data) -> str:
    """What `tollgate audit verify` prints; a build without that command prints so."""
    command = [str(harness.BINARIES / "tollgate"), "audit", "verify", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode == 2 and "not available in this version" in done.stderr:
        return "`audit verify` is not in this build"
    assert done.returncode == 0, f"audit verify: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


@dataclass
class Report:
    rounds: int = 0
    records: int = 0
    interrupted: int = 0
    torn: int = 0
    compared: int = 0
    answers: int = 0
    reached: int = 0
    verified: str = ""

    def __str__(self) -> str:
        return (
            f"{self.rounds} kills: {self.answers} answers of backends and {self.reached} requests "
            f"at backends, each with its admission on record; {self.records} records, "
            f"{self.compared} counters of checkpoints equal to the sum, {self.interrupted} "
            f"exchanges closed as interrupted, {self.torn} torn ends; {self.verified}"
        )


class Rounds:
    """A stack, its load, and the ledger as an outsider reads it."""

    def __init__(self, stack: Stack, load: Load, policy: dict, seed: int):
        self.stack, self.load = stack, load
        self.data = stack.tollgate.data
        self.reader = LedgerReader(self.data)
        self.sums = Counters(policy)
        self.random = random.Random(seed)
        self.report = Report()
        self.unmatched: set[str] = set()
        self._answers_seen = 0
        self._reached_seen = 0

    def run_one(self) -> None:
        time.sleep(self.random.uniform(0.02, 0.7))
        self.kill()
        self.restart()

    def kill(self) -> None:
        """kill -9, and the ledger as it was left."""
        tollgate = self.stack.tollgate
        tollgate.expected_dead = True
        tollgate.process.signal(signal.SIGKILL)
        tollgate.process.wait(30)
        self.match()
        self.report.torn += self.reader.tail > 0
        self.report.rounds += 1

    def match(self) -> None:
        """Whatever was answered, or reached a backend, until now must be on record."""
        answers = self.load.allowed[self._answers_seen :]
        self._answers_seen += len(answers)
        reached = self.stack.recorder.since(self._reached_seen)
        self._reached_seen += len(reached)
        # The ledger is read after the facts it is compared with: under load it grows meanwhile.
        self._follow()
        for request_id in answers:
            assert request_id in self.sums.admitted, f"{request_id} was answered, not recorded"
        for seen in reached:
            request_id = seen.value("x-ai-request-id")
            assert request_id in self.sums.admitted, f"{request_id} got through, not recorded"
        assert self.load.problems == []
        self.report.answers += len(answers)
        self.report.reached += len(reached)

    def restart(self) -> None:
        """A new process: its checkpoint is the sum of the records, and what was open is closed."""
        open_before = set(self.sums.open)
        self.stack.tollgate.start()
        self._follow()
        still = open_before & self.sums.open.keys()
        assert not still, f"{len(still)} exchanges of the killed process are open"
        for request_id in open_before:
            assert self.sums.completed[request_id] == "interrupted"
        self.report.interrupted += len(open_before)

    def _follow(self) -> None:
        records = self.reader.read()
        self.report.records += len(records)
        self.sums.take(records)
        self.report.compared = self.sums.compared

    def finish(self) -> None:
        """Without load: nothing is open, no slot is taken, and the whole ledger verifies."""
        self.load.stop()
        self.match_at_rest()
        self._fill_slots()
        poll("every exchange is settled", self._is_settled)
        self.stack.tollgate.process.signal(signal.SIGUSR1)
        before = self.sums.checkpoints
        poll("a new segment", lambda: self._follow() or self.sums.checkpoints > before)
        assert self.sums.slots_taken == 0 and not self.sums.open

    def _fill_slots(self) -> None:
        """As many requests at once as there are slots: all are let through unless a slot stayed taken."""
        burst, recorder = Load(self.stack.listener), self.stack.recorder

        async def one(key: str) -> None:
            raw = request_bytes(
                CHAT, chat_body("llama3-8b", max_tokens=1), key, headers={"x-test-hold": "1"}
            )
            reader, writer = await asyncio.open_connection("127.0.0.1", burst.port)
            await burst._ask(reader, writer, raw, False)
            writer.close()

        async def all_of_them() -> None:
            keys = [policies.KEY_A, policies.KEY_A_OTHER] * (SLOTS // 2)
            await asyncio.gather(*(one(key) for key in keys))

        client = threading.Thread(target=lambda: asyncio.run(all_of_them()), daemon=True)
        client.start()
        poll(
            "all are at the backend, or refused",
            lambda: recorder.open + sum(burst.statuses.values()) == SLOTS,
        )
        recorder.release()
        client.join(60)
        assert burst.statuses == {200: SLOTS}, burst.statuses

    def match_at_rest(self) -> None:
        poll("every exchange is settled", self._is_settled)
        self.match()

    def _is_settled(self) -> bool:
        self._follow()
        return not self.sums.open


def run(rounds: int, seed: int, seconds: float = float("inf"), tell=None) -> Report:
    """Up to that many rounds in about that time; at least three."""
    policy = books_policy()
    end = time.monotonic() + seconds
    with Stack(StackOptions(policy=policy)) as stack, Load(stack.listener, seed=seed) as load:
        crash = Rounds(stack, load, policy, seed)
        for number in range(rounds):
            if number >= 3 and time.monotonic() > end:
                break
            crash.run_one()
            if tell and (number + 1) % 10 == 0:
                audit_verify(crash.data)
                tell(f"{number + 1}: {crash.report}; {dict(load.statuses)}")
        crash.finish()
        whole = Counters(policy)
        reader = LedgerReader(crash.data)
        whole.take(reader.read())
        assert whole.completed == crash.sums.completed
        assert reader.void_bytes == 0, "kill -9 left bytes that do not count"
        crash.report.verified = audit_verify(crash.data).strip()
        return crash.report
