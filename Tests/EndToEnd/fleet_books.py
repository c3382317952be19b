"""The fleet's books, kept a second time: from the ledgers of all replicas and from what clients saw.

Nothing of the product is used. Each record of a ledger becomes moves of counters; the moves of all
ledgers are put in the order of their times, and the limits are judged as if one process had made
them. The replicas' clocks are one machine's, read in milliseconds and at different starts:
`UNCERTAINTY_MS` either way. Where the order matters, a limit counts as broken only when no order
within that uncertainty keeps it.
"""

import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from fleet_clients import Answer
from ledger import GrowingLedger
from ledger_check import milliseconds

UNCERTAINTY_MS = 5
SETTLED_SECONDS = 30
PERIODS = {"second": 1_000, "minute": 60_000, "hour": 3_600_000}


# By folder and first segment: another directory may take a folder's place.
_ledgers: dict[tuple[Path, int], GrowingLedger] = {}
_lock = threading.Lock()


def _records(data: Path) -> list[dict]:
    folder = data / "ledger"
    inode = min(folder.glob("*.jsonl")).stat().st_ino
    with _lock:
        return list(_ledgers.setdefault((folder, inode), GrowingLedger(folder)).records())


def ledger_id(data: Path) -> str:
    """Whose ledger it is, for the store."""
    return next(
        record["ledger_id"] for record in _records(data) if record["type"] == "start"
    )


@dataclass(frozen=True)
class Move:
    """What one record did to one counter: a reservation, or what a settlement changed of it."""

    time: int
    ledger: int
    request_id: str
    amount: int
    window: int | None
    is_reservation: bool


@dataclass
class FleetBooks:
    """All ledgers as they are on disk now."""

    ledgers: list[Path]
    # Of these what was open stays open, and what was written last may be missing: their process was
    # killed, and none goes on with them.
    aside: frozenset[Path] = frozenset()
    moves: dict[str, list[Move]] = field(default_factory=lambda: defaultdict(list))
    # By request id: the ledgers that admitted it, and the completion.
    admitted: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    completed: dict[str, dict] = field(default_factory=dict)
    tenants: dict[str, str] = field(default_factory=dict)
    types: Counter = field(default_factory=Counter)
    by_ledger: Counter = field(default_factory=Counter)

    def __post_init__(self):
        seen: set[tuple[str, str]] = set()
        for number, folder in enumerate(self.ledgers):
            reserved: dict[str, dict[str, int]] = {}
            for record in _records(folder):
                self.types[record["type"]] += 1
                is_allowed = record["type"] == "admission" and record["decision"] == "allow"
                if not (is_allowed or record["type"] == "completion"):
                    continue
                request_id = record["request_id"]
                charges = record["reserved"] if is_allowed else record["charged"]
                if is_allowed:
                    reserved[request_id] = {c["counter"]: c["amount"] for c in charges}
                # A directory that was copied has the same beginning as its original.
                if (record["hash"], record["type"]) in seen:
                    continue
                seen.add((record["hash"], record["type"]))
                self._take(number, record, is_allowed, charges, reserved.get(request_id))

    def _take(self, ledger: int, record: dict, is_allowed: bool, charges, reserved) -> None:
        request_id = record["request_id"]
        at = milliseconds(record["timestamp"])
        if is_allowed:
            self.admitted[request_id].append(ledger)
            self.tenants[request_id] = record["tenant"]
            self.by_ledger[ledger] += 1
        else:
            assert request_id not in self.completed, f"{request_id} is completed twice"
            assert reserved is not None, f"{request_id} is completed and was not admitted"
            self.completed[request_id] = record
        for charge in charges:
            change = charge["amount"] - (0 if is_allowed else reserved[charge["counter"]])
            move = Move(at, ledger, request_id, change, charge.get("window"), is_allowed)
            self.moves[charge["counter"]].append(move)

    @property
    def open(self) -> set[str]:
        """Exchanges that were let through and have not ended."""
        return self.admitted.keys() - self.completed.keys()

    def open_of(self, tenants: set[str]) -> set[str]:
        return {
            one for one in self.open if self.tenants[one] in tenants and not self._is_aside(one)
        }  # fmt: skip

    def _is_aside(self, request_id: str) -> bool:
        return self.ledgers[self.admitted[request_id][0]] in self.aside

    def admissions(self, counter: str) -> list[Move]:
        return [move for move in self.moves[counter] if move.is_reservation]

    def windows(self, counter: str) -> set[int | None]:
        return {move.window for move in self.moves[counter]}

    def used(self, counter: str, window: int | None = None) -> int:
        """Settled and reserved now, of one window or of all."""
        return sum(
            move.amount for move in self.moves[counter] if window in (None, move.window)
        )  # fmt: skip

    def debt(self, counter: str) -> int:
        """What settlements took beyond their reservations."""
        return sum(
            move.amount for move in self.moves[counter]
            if not move.is_reservation and move.amount > 0
        )  # fmt: skip

    def peak(self, counter: str, window: int | None = None) -> int:
        """The most that was taken at one moment, in the kindest order that the uncertainty leaves:
        what frees comes first, what takes comes last."""
        moves = [move for move in self.moves[counter] if window in (None, move.window)]
        moves.sort(key=lambda m: (m.time + (UNCERTAINTY_MS if m.amount > 0 else -UNCERTAINTY_MS),
                                  m.amount))  # fmt: skip
        taken = most = 0
        for move in moves:
            taken += move.amount
            most = max(most, taken)
        return most

    def bucket_peak(self, counter: str, amount: int, period: str) -> float:
        """The most that any stretch of time took, less what is refilled in that stretch: to be at most
        the capacity, and the refill of the uncertainty."""
        rate = amount / PERIODS[period]
        missing = most = 0.0
        last = None
        for move in sorted(self.moves[counter], key=lambda m: (m.time, m.amount)):
            if last is not None:
                missing = max(0.0, missing - rate * (move.time - last))
            last = move.time
            missing = max(0.0, missing + move.amount)
            most = max(most, missing)
        return most - 2 * UNCERTAINTY_MS * rate

    def match(self, answers: list[Answer]) -> None:
        """What clients saw is on record: each answer of a model once, in one ledger, with its usage."""
        for request_id, ledgers in self.admitted.items():
            assert len(ledgers) == 1, f"{request_id} is admitted in {len(ledgers)} ledgers"
        seen: set[str] = set()
        for answer in answers:
            if not answer.is_allowed:
                continue
            assert answer.request_id and answer.request_id not in seen, answer
            seen.add(answer.request_id)
            assert answer.request_id in self.admitted, f"{answer} was let through, not recorded"
            completion = self.completed.get(answer.request_id)
            if not completion and self._is_aside(answer.request_id):
                continue
            assert completion, f"{answer} has no completion"
            assert completion["total_tokens"] == answer.tokens, (answer, completion)

    def settled_by_tenant(self) -> Counter:
        """Tokens of completions, as the records have them."""
        sums: Counter = Counter()
        for request_id, record in self.completed.items():
            sums[self.tenants[request_id]] += record["total_tokens"] or 0
        return sums


def at_rest(
    ledgers: list[Path], tenants: set[str], aside: frozenset[Path] = frozenset()
) -> FleetBooks:
    """The books once every exchange of these tenants has ended and is on disk."""
    end = time.monotonic() + SETTLED_SECONDS
    while left := (books := FleetBooks(ledgers, aside)).open_of(tenants):
        assert time.monotonic() < end, f"{len(left)} exchanges are still open"
        time.sleep(0.1)
    return books
