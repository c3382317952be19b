"""The ledger as its files say it, read with the standard library alone.

Nothing of the product is used: the chain is computed again, and the counters are summed from the
records, so that both can be held against what `tollgate` says.
"""

import hashlib
import json
import time
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

# A record is on disk one flush after what it records; long, for a busy machine.
RECORD_SECONDS = 30


class Ledger:
    """The segments of one data directory, which may be growing."""

    def __init__(self, folder: Path):
        self.folder = folder

    def raw(self) -> bytes:
        """Every byte of every segment, in order."""
        return b"".join(path.read_bytes() for path in self._segments())

    def records(self) -> list[dict]:
        """Every whole record, its place in the chain verified. A line still being written is left."""
        result: list[dict] = []
        for path in self._segments():
            self._read(path, path.read_bytes(), result)
        return result

    @staticmethod
    def _read(path: Path, data: bytes, result: list[dict]) -> int:
        """Adds what whole lines say; returns how many bytes these are."""
        previous = bytes.fromhex(result[-1]["hash"]) if result else None
        whole = data[: data.rfind(b"\n") + 1]
        for line in whole.splitlines():
            body, mark, end = line.rpartition(b',"hash":"')
            assert mark and end.endswith(b'"}'), f"{path.name}: no hash: {line[:200]!r}"
            record = json.loads(line, parse_float=Decimal)
            if previous is None and record["seq"] == 1:
                previous = bytes(32)
            if previous is not None:
                assert record["hash"] == hashlib.sha256(previous + body).hexdigest(), (
                    f"{path}: the chain breaks at seq {record['seq']}, after"
                    f" {result[-1]['seq'] if result else 0}"
                )
            if result:
                assert record["seq"] == result[-1]["seq"] + 1, f"{path.name}: {record['seq']}"
            previous = bytes.fromhex(record["hash"])
            result.append(record)
        return len(whole)

    def of(self, request_id: str, kind: str) -> list[dict]:
        return [
            record for record in self.records()
            if record["type"] == kind and record.get("request_id") == request_id
        ]  # fmt: skip

    def admission(self, request_id: str) -> dict:
        """The one admission of an exchange."""
        return self._one(request_id, "admission")

    def completion(self, request_id: str) -> dict:
        """The one completion of an exchange; waits until it is on disk."""
        return self._one(request_id, "completion")

    def since(self, mark: int, kind: str) -> list[dict]:
        """Records of a type after a mark."""
        return [r for r in self.records() if r["seq"] > mark and r["type"] == kind]

    def mark(self) -> int:
        records = self.records()
        return records[-1]["seq"] if records else 0

    def settled(self, mark: int, count: int) -> list[dict]:
        """The completions after a mark, when there are `count` of them."""
        end = time.monotonic() + RECORD_SECONDS
        while len(found := self.since(mark, "completion")) < count:
            assert time.monotonic() < end, f"{len(found)} completions, not {count}"
            time.sleep(0.05)
        assert len(found) == count, f"{len(found)} completions, not {count}"
        return found

    def open(self) -> set[str]:
        """Exchanges that were let through and have not ended."""
        records = self.records()
        admitted = {
            r["request_id"] for r in records if r["type"] == "admission" and r["decision"] == "allow"
        }
        return admitted - {r["request_id"] for r in records if r["type"] == "completion"}

    def charges(self) -> dict[str, int]:
        """Every counter's sum: final charges of what ended, reservations of what did not."""
        charges: dict[str, dict[str, int]] = {}
        for record in self.records():
            if record["type"] == "admission" and record["decision"] == "allow":
                charges[record["request_id"]] = _amounts(record["reserved"])
            elif record["type"] == "completion":
                charges[record["request_id"]] = _amounts(record["charged"])
        sums: dict[str, int] = defaultdict(int)
        for amounts in charges.values():
            for counter, amount in amounts.items():
                sums[counter] += amount
        return dict(sums)

    def _one(self, request_id: str, kind: str) -> dict:
        end = time.monotonic() + RECORD_SECONDS
        while not (found := self.of(request_id, kind)):
            assert time.monotonic() < end, f"no {kind} of {request_id} in the ledger"
            time.sleep(0.02)
        assert len(found) == 1, f"{request_id} has {len(found)} {kind}s"
        return found[0]

    def _segments(self) -> list[Path]:
        return sorted(self.folder.glob("*.jsonl"))


class GrowingLedger(Ledger):
    """For many readings of files that are only appended to: what was read is not read again."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self._known: list[dict] = []
        # By name: how much of a segment was read. Not by inode: where the last line of a killed process
        # is torn, the next start writes the whole lines of its segment into another file.
        self._offsets: dict[str, int] = {}

    def records(self) -> list[dict]:
        for path in self._segments():
            with path.open("rb") as file:
                file.seek(offset := self._offsets.get(path.name, 0))
                self._offsets[path.name] = offset + self._read(path, file.read(), self._known)
        return self._known


def _amounts(charges: list[dict]) -> dict[str, int]:
    return {charge["counter"]: charge["amount"] for charge in charges}


def charged(completion: dict) -> dict[str, int]:
    """A completion's final charges by counter."""
    return _amounts(completion["charged"])


def reserved(admission: dict) -> dict[str, int]:
    """An admission's reservations by counter."""
    return _amounts(admission["reserved"])
