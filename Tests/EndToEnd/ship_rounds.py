"""The OTLP receiver and tollgate killed with -9 in turn, under load: nothing is missing, order holds.

The receiver is another process, which has a record in its file before it acknowledges it. What is in
that file is held, byte for byte, against the ledger as an outsider reads it.
"""

import random
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import harness
from crash_rounds import Load, audit_verify, books_policy
from harness import Process, Stack, StackOptions, poll
from ledger_check import LedgerReader, segments
from otlp_receiver import read_file

RECEIVER = Path(__file__).with_name("otlp_receiver.py")
SHIPPED_SECONDS = 60.0


def lines_of(data: Path) -> dict[int, bytes]:
    """Every record that counts, by number: a segment ends where the next one begins."""
    lines: dict[int, bytes] = {}
    for first, path in segments(data / "ledger"):
        for seq in [seq for seq in lines if seq >= first]:
            del lines[seq]
        whole = path.read_bytes()
        for number, line in enumerate(whole[: whole.rfind(b"\n") + 1].splitlines()):
            lines[first + number] = line
    return lines


def seq_of(line: bytes) -> int:
    return int(line.split(b'"seq":', 1)[1].split(b",", 1)[0])


@dataclass
class Shipped:
    """What a receiver has got, held against the ledger."""

    records: int = 0
    exports: int = 0
    repeats: int = 0
    # Exports that begin before the end of the one before. One repetition may take several of them.
    returns: int = 0


def hold_against(lines: dict[int, bytes], exports: list[list[bytes]]) -> Shipped:
    """Nothing may be missing or different; what is new comes in order, whatever is repeated."""
    shipped = Shipped(exports=len(exports))
    highest = last = min(lines) - 1
    for export in exports:
        numbers = [seq_of(line) for line in export]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), (
            f"an export is not in order: {numbers}"
        )
        assert numbers[0] <= highest + 1, f"{highest + 1} to {numbers[0] - 1} did not come in order"
        shipped.returns += numbers[0] <= last
        shipped.repeats += max(0, min(highest, numbers[-1]) - numbers[0] + 1)
        for seq, line in zip(numbers, export):
            assert lines.get(seq) == line, f"record {seq} came otherwise than it is written"
        last = numbers[-1]
        highest = max(highest, last)
    assert highest == max(lines), f"records {highest + 1} to {max(lines)} did not come"
    shipped.records = highest - min(lines) + 1
    return shipped


@dataclass
class Report:
    kills: Counter
    shipped: Shipped
    answers: int = 0
    verified: str = ""

    def __str__(self) -> str:
        return (
            f"{self.kills['receiver']} kills of the receiver, {self.kills['tollgate']} of tollgate, "
            f"{self.kills['both']} of both, {self.answers} answers to clients: "
            f"{self.shipped.records} records in {self.shipped.exports} exports, none missing, in order, "
            f"{self.shipped.repeats} repeated in {self.shipped.returns} returns; {self.verified}"
        )


class Rounds:
    """A stack with its load, and a receiver that comes and goes."""

    def __init__(self, stack: Stack, port: int, seed: int):
        self.stack, self.port = stack, port
        self.random = random.Random(seed)
        self.file = stack.folder / "received"
        self.receiver: Process | None = None
        self.kills: Counter = Counter()

    def start_receiver(self) -> None:
        command = [sys.executable, str(RECEIVER), f"127.0.0.1:{self.port}", str(self.file)]
        self.receiver = Process("receiver", command, self.stack.folder)

    def kill_receiver(self) -> None:
        self.receiver.signal(signal.SIGKILL)
        self.receiver.wait(10)

    def kill_tollgate(self) -> None:
        tollgate = self.stack.tollgate
        tollgate.expected_dead = True
        tollgate.process.signal(signal.SIGKILL)
        tollgate.process.wait(10)

    def run_one(self, number: int) -> None:
        if number % 2:
            # Something gets through; the kill comes at any moment behind it.
            size = self.received_bytes
            poll("an export", lambda: self.received_bytes > size, SHIPPED_SECONDS)
            time.sleep(self.random.uniform(0, 0.3))
        else:
            time.sleep(self.random.uniform(0.05, 1.0))
        # Every three rounds have one of each.
        which = ("receiver", "tollgate", "both")[number % 3]
        self.kills[which] += 1
        if which != "tollgate":
            self.kill_receiver()
        if which != "receiver":
            self.kill_tollgate()
        time.sleep(self.random.uniform(0, 0.3))
        if which != "tollgate":
            self.start_receiver()
        if which != "receiver":
            self.stack.tollgate.start()

    @property
    def received_bytes(self) -> int:
        return self.file.stat().st_size if self.file.exists() else 0

    def is_shipped(self) -> bool:
        exports = read_file(self.file)
        last = max((seq_of(export[-1]) for export in exports), default=0)
        return last >= max(lines_of(self.stack.tollgate.data))


def run(rounds: int, seed: int, tell=None) -> Report:
    port = harness.free_port()
    target = f"otlp://127.0.0.1:{port}?age=100ms&timeout=3s"
    options = StackOptions(policy=books_policy(), tollgate_arguments=("--ship", target))
    with Stack(options) as stack:
        ship = Rounds(stack, port, seed)
        ship.start_receiver()
        try:
            with Load(stack.listener, seed=seed) as load:
                for number in range(rounds):
                    ship.run_one(number)
                    if tell and (number + 1) % 10 == 0:
                        tell(f"{number + 1} rounds, {len(load.allowed)} answers")
            poll("everything is shipped", ship.is_shipped, SHIPPED_SECONDS)
            # Tollgate ships the last records as it ends.
            stack.tollgate.expected_dead = True
            assert stack.tollgate.process.stop() == 0, stack.tollgate.process.log()[-3000:]
            data = stack.tollgate.data
            lines = lines_of(data)
            LedgerReader(data).read()
            shipped = hold_against(lines, read_file(ship.file))
            kills = ship.kills
            # Repeats come from a kill after an acknowledgement and before the cursor was written.
            assert shipped.returns <= sum(kills.values()), f"{shipped} after {kills}"
            admitted = {r for r in load.allowed}
            text = b"".join(lines.values())
            assert all(request_id.encode() in text for request_id in admitted)
            return Report(kills, shipped, len(admitted), audit_verify(data).strip())
        finally:
            ship.receiver.stop(5)
