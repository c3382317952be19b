"""The ledgers, read from their files with the standard library alone."""

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path


class Books:
    """Every record so far, of one ledger or of several; `read` takes what was appended meanwhile."""

    def __init__(self, *data: Path):
        self._folders = [folder / "ledger" for folder in data]
        self._offsets: dict[Path, int] = {}
        self.records: list[dict] = []
        self.admissions: dict[str, dict] = {}
        self.completions: dict[str, dict] = {}
        # Anything that is on record twice, in two ledgers for instance.
        self.repeated: list[str] = []

    def read(self) -> "Books":
        for path in (path for folder in self._folders for path in sorted(folder.glob("*.jsonl"))):
            with path.open("rb") as file:
                file.seek(self._offsets.get(path, 0))
                text = file.read()
            whole = text[: text.rfind(b"\n") + 1]
            self._offsets[path] = self._offsets.get(path, 0) + len(whole)
            for line in whole.splitlines():
                self._take(json.loads(line, parse_float=Decimal))
        return self

    def _take(self, record: dict) -> None:
        self.records.append(record)
        kept = {"admission": self.admissions, "completion": self.completions}.get(record["type"])
        if kept is not None:
            request_id = record["request_id"]
            if request_id in kept:
                self.repeated.append(f"{record['type']} {request_id}")
            kept[request_id] = record

    @property
    def mark(self) -> int:
        return len(self.read().records)

    def since(self, mark: int, kind: str) -> list[dict]:
        return [record for record in self.read().records[mark:] if record["type"] == kind]

    @property
    def open(self) -> set[str]:
        """Exchanges that were let through and have not ended."""
        self.read()
        return {
            request_id for request_id, record in self.admissions.items() if record["decision"] == "allow"
        } - self.completions.keys()

    def denied(self) -> Counter:
        """Refusals by tenant and reason, those that were summed among them."""
        found: Counter = Counter()
        for record in self.records:
            if record["type"] == "admission" and record["decision"] == "deny":
                found[record["tenant"], record["reason"]] += 1
            elif record["type"] == "denials":
                found[record["tenant"], record["reason"]] += record["count"]
        return found


def charged(completion: dict, tenant: str) -> dict[str, int]:
    """What a completion charged to its tenant's limits, by the limit's name."""
    return {
        charge["counter"].rsplit("/", 1)[1]: charge["amount"]
        for charge in completion["charged"] if charge["counter"].startswith(f"tenant/{tenant}/")
    }  # fmt: skip
