#!/usr/bin/env python3
"""An independent reader of the ledger: its chain, its numbers, and what its counters must be.

Written from the description of the format alone, with Python's standard library. Two parts:

- `LedgerReader` follows a ledger's segments: each line's hash, `seq` and time, each checkpoint's
  previous hash. It can be asked again for what was appended meanwhile.
- `DayTotals` sums completions by day, tenant, key and model; each checkpoint must have the same.
- `Counters` sums the records in exact integers: token buckets whose level is scaled by their period,
  calendar budgets, slots. At each checkpoint the sum must be what the checkpoint says, field by
  field, and so must be the exchanges that are open.

As a command, `ledger_check.py DIR` checks the chain of a data directory, live or copied.
"""

import hashlib
import json
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from counter_model import PERIODS, UNITS, Bucket, Budget, Slots, Window, Wrong, limits, window

ORIGIN = "0" * 64
SEAL = re.compile(rb',"hash":"([0-9a-f]{64})"\}\Z')
HEAD = re.compile(rb'\{"type":"([a-z]+)","seq":(\d+),"timestamp":"([0-9TZ:.-]+)"')
NAME = re.compile(r"(\d{20})\.jsonl\Z")
TYPES = {"admission", "completion", "denials", "start", "reload", "checkpoint", "clock", "repair",
         "stop", "store", "threshold", "drop", "restore", "revoke"}  # fmt: skip
BATCH_BYTES_MAX = 1 << 20


class Damage(Exception):
    """What does not fit, and where."""

    def __init__(self, file: str, offset: int, what: str):
        super().__init__(f"{file}: offset {offset}: {what}")
        self.file, self.offset, self.what = file, offset, what


def _object(pairs: list) -> dict:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name is given twice")
    return result


def milliseconds(text: str) -> int:
    """`2026-11-22T21:00:00.123Z` in Unix milliseconds."""
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    return (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(milliseconds=1)


def text(ms: int) -> str:
    moment = datetime(1970, 1, 1) + timedelta(milliseconds=ms)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


def sealed(previous: str, record: dict) -> tuple[bytes, str]:
    """A record's line as it follows the line with that hash, and its own hash."""
    content = json.dumps(record, separators=(",", ":")).encode()[:-1]
    digest = hashlib.sha256(bytes.fromhex(previous) + content).hexdigest()
    return content + b',"hash":"' + digest.encode() + b'"}\n', digest


def write_segment(data: Path, seq: int, time: int, previous: str, bodies: list[dict]) -> tuple[int, str]:
    """Writes a segment as tollgate would: a checkpoint without counters, then these records, all of
    one moment. Returns the next `seq` and the last hash."""
    folder = data / "ledger"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    head = {"type": "checkpoint", "format": 1, "previous_hash": previous, "counters": [],
            "open": []}  # fmt: skip
    lines = []
    for number, body in enumerate([head, *bodies]):
        record = {"type": body["type"], "seq": seq + number, "timestamp": text(time)} | body
        line, previous = sealed(previous, record)
        lines.append(line)
    path = folder / f"{seq:020}.jsonl"
    path.write_bytes(b"".join(lines))
    path.chmod(0o600)
    return seq + len(lines), previous


def segments(folder: Path) -> list[tuple[int, Path]]:
    """First `seq` and file of every segment, oldest first."""
    found = [(NAME.match(path.name), path) for path in folder.iterdir()]
    return sorted((int(match[1]), path) for match, path in found if match)


@dataclass
class Record:
    file: str
    offset: int
    seq: int
    time: int
    body: dict

    @property
    def type(self) -> str:
        return self.body["type"]

    @property
    def is_carried(self) -> bool:
        return self.body.get("carried", False)


class LedgerReader:
    """Goes through `DATA/ledger`; `read` gives what is new since it was last asked.

    A segment ends where the next one begins: what is behind that in its file is void. The last
    segment may end in bytes that are no whole record: they are not read, `tail` counts them.
    """

    def __init__(self, data: Path):
        self.folder = data / "ledger"
        self.segment: tuple[int, Path] | None = None
        self.offset = 0
        self.hash = ORIGIN
        self.next_seq = 0
        self.time = 0
        # The ledger's id and the number of the last start; None where it has none yet.
        self.identity: tuple[str, int] | None = None
        self.tail = 0
        self.void_bytes = 0
        self.segment_count = 0
        # Damage that the ledger itself records, by file and offset.
        self.repaired: list[tuple[str, int]] = []

    def read(self) -> list[Record]:
        result: list[Record] = []
        while True:
            known = segments(self.folder)
            if self.segment is None:
                if not known:
                    return result
                self._enter(known[0], is_first=True)
            following = next((entry for entry in known if entry[0] > self.segment[0]), None)
            try:
                self._read_segment(following[0] if following else None, result)
            except Damage as damage:
                # Only a chain that begins anew and names this very damage goes on behind it.
                following = self._repair_of(damage, known)
                self.repaired.append((damage.file, damage.offset))
                self.hash = ORIGIN
            if following is None:
                return result
            self._enter(following, is_first=False)

    def _enter(self, segment: tuple[int, Path], is_first: bool) -> None:
        self.segment = segment
        self.offset = 0
        self.segment_count += 1
        if is_first:
            # Old segments may have gone: the chain starts with what the first one says.
            with segment[1].open("rb") as file:
                self.hash = json.loads(file.readline() or b"{}").get("previous_hash", ORIGIN)
        self.next_seq = segment[0]

    def _read_segment(self, end: int | None, result: list[Record]) -> None:
        path = self.segment[1]
        if end is not None and self.next_seq > end:
            raise Wrong(f"{path.name}: records from {end} on were read, and are void now")
        with path.open("rb") as file:
            file.seek(self.offset)
            data = file.read()
        at = 0
        while end is None or self.next_seq < end:
            stop = data.find(b"\n", at)
            if stop < 0:
                if end is not None:
                    raise Damage(path.name, self.offset, f"record {self.next_seq} is missing")
                self.tail = len(data) - at
                return
            record = self._record(path.name, data[at:stop])
            result.append(record)
            self.offset += stop + 1 - at
            at = stop + 1
        self.void_bytes += len(data) - at
        self.tail = 0

    def _record(self, name: str, line: bytes) -> Record:
        def damage(what: str) -> Damage:
            return Damage(name, self.offset, what)

        seal, head = SEAL.search(line), HEAD.match(line)
        if not seal:
            raise damage("the line does not end in a hash")
        digest = hashlib.sha256(bytes.fromhex(self.hash) + line[: seal.start()]).hexdigest()
        if digest.encode() != seal[1]:
            raise damage("the hash does not fit")
        if not head:
            raise damage("the line does not begin as a record")
        try:
            body = json.loads(line, object_pairs_hook=_object, parse_float=Decimal)
        except ValueError as problem:
            raise damage(str(problem))
        record = Record(name, self.offset, int(head[2]), milliseconds(head[3].decode()), body)
        if record.type not in TYPES:
            raise damage(f"a record of type {record.type}")
        if record.seq != self.next_seq:
            raise damage(f"record {record.seq} stands where {self.next_seq} belongs")
        if (record.type == "checkpoint") != (self.offset == 0):
            raise damage("a checkpoint begins a segment, and nothing else does")
        if record.type == "checkpoint" and body["previous_hash"] != self.hash:
            raise damage("the checkpoint does not fit the record before it")
        if record.type == "admission" and body["sensitive_payload_logged"] is not False:
            raise damage("sensitive_payload_logged")
        if not record.is_carried:
            reached = record.time
            if record.type == "clock" and "from" in body:
                # Only here the time may step back, from where it had come.
                reached = milliseconds(body["from"])
                if record.time != milliseconds(body["wall"]):
                    raise damage("the clock's record has another time than the clock")
                if record.time - reached != body["jump_ms"]:
                    raise damage("the clock's record does not add up")
            if reached < self.time:
                raise damage("the ledger's time runs backwards")
            self.time = record.time
        if "ledger_id" in body:
            identity = (body["ledger_id"], body["start_number"])
            if not re.fullmatch("[0-9a-f]{32}", identity[0]) or identity[1] < 1:
                raise damage("the ledger's id or its start's number is none")
            is_new_chain = record.type == "checkpoint" and body["previous_hash"] == ORIGIN
            if not record.is_carried:
                if self.identity and not is_new_chain and (
                    identity[0] != self.identity[0] or identity[1] < self.identity[1]
                ):
                    raise damage("the ledger's id changes, or its starts count back")
                self.identity = identity
        elif self.identity and record.type in ("start", "checkpoint"):
            raise damage("the ledger's id is missing")
        self.hash = digest
        self.next_seq += 1
        return record

    def _repair_of(self, damage: Damage, known: list) -> tuple[int, Path]:
        for first, path in known:
            if first <= self.segment[0]:
                continue
            lines = path.read_bytes().split(b"\n", 2)
            try:
                head, repair = json.loads(lines[0]), json.loads(lines[1])
            except (ValueError, IndexError):
                continue
            if (
                head.get("previous_hash") == ORIGIN and repair.get("type") == "repair"
                and (repair["file"], repair["offset"]) == (damage.file, damage.offset)
            ):  # fmt: skip
                return first, path
        raise damage


class DayTotals:
    """What each day's completions used, held against the checkpoints' `totals`."""

    SUMS = ("prompt_tokens", "cached_prompt_tokens", "cache_write_prompt_tokens",
            "completion_tokens", "reasoning_tokens", "total_tokens")  # fmt: skip

    def __init__(self, zone: ZoneInfo):
        self.zone = zone
        self.since: str | None = None
        self.days: dict[tuple, dict] = {}

    def add(self, admission: dict, completion: Record) -> None:
        body = completion.body
        day = datetime.fromtimestamp(completion.time / 1000, self.zone).strftime("%Y-%m-%d")
        sums = self.days.setdefault((day, body["tenant"], admission["key_id"], body["model"]), {})
        used = {name: body[name] or 0 for name in self.SUMS} | {
            "requests": 1, "estimated_requests": int(body["usage_source"] == "estimated"),
        }  # fmt: skip
        for name, value in used.items():
            sums[name] = sums.get(name, 0) + value
        if body["estimated_cost_usd"] is not None:
            cost = Decimal(str(body["estimated_cost_usd"]))
            sums["cost_usd"] = sums.get("cost_usd", Decimal(0)) + cost

    def compare(self, checkpoint: dict, where: str) -> None:
        if "totals" not in checkpoint:
            return
        said, names = {}, ("tenant", "key_id", "model")
        for row in checkpoint["totals"]:
            key = (row.get("day") or row["month"], *(row.get(name) for name in names))
            sums = {name: value for name, value in row.items() if name not in (*names, "day", "month")}
            said[key] = {name: Decimal(str(value)) for name, value in sums.items()}
        days = {key[0] for key in said}
        if self.since == checkpoint["totals_since"]:
            summed: dict[tuple, dict] = {}
            for (day, *rest), sums in self.days.items():
                row = summed.setdefault((day if day in days else day[:7], *rest), {})
                for name, value in sums.items():
                    row[name] = row.get(name, 0) + value
            # What is 0 is left out, a cost that is known is not.
            summed = {key: {name: value for name, value in row.items() if value or name == "cost_usd"}
                      for key, row in summed.items()}  # fmt: skip
            if summed != said:
                raise Wrong(f"{where}: its totals are {said}, by the records {summed}")
        self.since = checkpoint["totals_since"]
        self.days = said


@dataclass
class Counters:
    """The sum over a ledger's records, held against every checkpoint."""

    policy: dict
    # Admissions whose write failed were reserved and given back without a record; a bucket that was
    # full meanwhile may then hold a little more than the records say, up to its capacity.
    had_faults: bool = False
    counters: dict = field(default_factory=dict)
    open: dict[str, Record] = field(default_factory=dict)
    admitted: set[str] = field(default_factory=set)
    completed: dict[str, str] = field(default_factory=dict)
    types: Counter = field(default_factory=Counter)
    checkpoints: int = 0
    compared: int = 0
    last: Record | None = None
    # The time of the last record, and since when it ran without a step.
    time: int = 0
    since: int = 0
    _is_void: bool = True

    def __post_init__(self):
        self.limits = limits(self.policy)
        self.zone = ZoneInfo(self.policy.get("timezone", "UTC"))
        self.totals = DayTotals(self.zone)

    def take(self, records: list[Record]) -> None:
        """The next records, in their order."""
        for index, record in enumerate(records):
            self.types[record.type] += 1
            self.last = record
            if record.type == "checkpoint":
                # What was carried behind a checkpoint is in it already.
                for later in records[index + 1 :]:
                    if later.is_carried:
                        self._apply(later)
                    elif later.type != "repair":
                        break
                self._compare(record)
            elif not record.is_carried:
                self._apply(record)
            if not record.is_carried:
                self.time = record.time

    def _apply(self, record: Record) -> None:
        try:
            if record.type == "admission" and record.body["decision"] == "allow":
                self._admit(record)
            elif record.type == "completion":
                self._complete(record)
            elif record.type == "clock" and "from" in record.body and not record.is_carried:
                self._step(milliseconds(record.body["from"]), record.time)
        except Wrong as problem:
            raise Wrong(f"{record.file}: offset {record.offset}: {problem}")

    def _step(self, reached: int, to: int) -> None:
        """What had run up to `reached` goes on at `to`: nothing is refilled for the difference."""
        for counter in self.counters.values():
            counter.advance(reached, self.since)
            counter.step(to)
        self.since = to

    def _admit(self, record: Record) -> None:
        request_id = record.body["request_id"]
        if request_id in self.admitted:
            raise Wrong(f"{request_id} is admitted twice")
        self.admitted.add(request_id)
        self.open[request_id] = record
        for charge in record.body["reserved"]:
            counter = self._counter(charge["counter"], record.time)
            counter.advance(record.time, self.since)
            counter.reserve(charge["amount"], charge.get("window"))
            counter.open += 1

    def _complete(self, record: Record) -> None:
        request_id = record.body["request_id"]
        admission = self.open.pop(request_id, None)
        if admission is None:
            raise Wrong(f"{request_id} is completed and not open")
        self.totals.add(admission.body, record)
        self.completed[request_id] = record.body["end_reason"]
        reserved = {charge["counter"]: charge for charge in admission.body["reserved"]}
        final = {charge["counter"]: charge for charge in record.body["charged"]}
        if reserved.keys() != final.keys():
            raise Wrong(f"{request_id} is charged to {sorted(final)}, reserved {sorted(reserved)}")
        for name, charge in final.items():
            held = reserved[name]
            if charge.get("window") != held.get("window"):
                raise Wrong(f"{name} is charged to another window")
            counter = self._counter(name, record.time)
            counter.advance(record.time, self.since)
            counter.settle(held["amount"], charge["amount"], held.get("window"))
            counter.open -= 1

    def _counter(self, name: str, now: int):
        if name not in self.counters:
            base = next(
                (base for base in self.limits if name == base or name.startswith(base + "/")), None
            )
            if base is None:
                raise Wrong(f"the policy has no limit for {name}")
            limit = self.limits[base]
            if limit.kind == "concurrent":
                self.counters[name] = Slots(limit.amount)
            elif limit.per in PERIODS:
                period = PERIODS[limit.per]
                self.counters[name] = Bucket(
                    limit.amount, limit.capacity, period, limit.capacity * period, now
                )
            else:
                start, end = window(limit.per, self.zone, now)
                self.counters[name] = Budget(limit.per, self.zone, limit.amount, start, end)
        return self.counters[name]

    def _compare(self, record: Record) -> None:
        where = f"{record.file}: the checkpoint"
        if not self.had_faults:
            self.totals.compare(record.body, where)
        said = {
            entry["counter"]: {
                name: value for name, value in entry.items() if name not in ("counter", "kind")
            }
            for entry in record.body["counters"]
        }
        self.checkpoints += 1
        is_origin = record.body["previous_hash"] == ORIGIN
        if self._is_void and not (is_origin and record.seq == 1) or is_origin and record.seq > 1:
            # The records before it are gone or damaged, so its amounts are taken as they are.
            self._adopt(said, record)
            return
        self._is_void = False
        since = milliseconds(record.body.get("clock_since", text(self.since)))
        if since != self.since:
            # Another process: what ran up to the last record's time goes on by its clock.
            for counter in self.counters.values():
                counter.advance(self.time, self.since)
            self.since = since
        summed = {}
        for name, counter in list(self.counters.items()):
            counter.advance(record.time, self.since)
            if counter.is_idle:
                del self.counters[name]
            else:
                summed[name] = counter.state()
        self.compared += len(summed)
        if self.had_faults:
            for name in summed.keys() - said.keys():
                if "level" in summed[name] and summed[name]["open"] == 0:
                    del summed[name]
        if said.keys() != summed.keys():
            raise Wrong(f"{where} has {sorted(said)}, the records {sorted(summed)}")
        for name, state in summed.items():
            if state == said[name]:
                continue
            if self.had_faults and self._may_be(state, said[name]):
                continue
            raise Wrong(f"{where}: {name} is {said[name]}, by the records {state}")
        opened = {entry["request_id"] for entry in record.body["open"]}
        if opened != self.open.keys():
            raise Wrong(f"{where} has {len(opened)} open exchanges, the records {len(self.open)}")
        if self.had_faults:
            self._adopt(said, record)

    @staticmethod
    def _may_be(summed: dict, said: dict) -> bool:
        if "level" not in summed:
            return False
        return (
            {**summed, "level": 0, "fraction": 0} == {**said, "level": 0, "fraction": 0}
            and (summed["level"], summed["fraction"]) <= (said["level"], said["fraction"])
            and (said["level"], said["fraction"]) <= (said["capacity"], 0)
        )

    def _adopt(self, said: dict[str, dict], record: Record) -> None:
        self._is_void = False
        self.since = milliseconds(record.body.get("clock_since", text(record.time)))
        self.counters = {}
        for name, state in said.items():
            if "period" in state:
                counter = Bucket(
                    state["amount"], state["capacity"], state["period"],
                    state["level"] * state["period"] + state["fraction"], state["time"],
                )  # fmt: skip
            elif "unit" in state:
                (unit,) = (unit for unit, number in UNITS.items() if number == state["unit"])
                counter = Budget(
                    unit, self.zone, state["amount"], state["window"], state["end"],
                    state["used"], state["reserved"],
                )  # fmt: skip
                for number in range(1, 5):
                    if f"window_{number}" in state:
                        counter.left.append(Window(*(
                            state[f"{name}_{number}"] for name in ("window", "end", "used", "reserved")
                        )))  # fmt: skip
            else:
                counter = Slots(state["amount"], state["held"])
            counter.open = state["open"]
            self.counters[name] = counter
        self.open = {
            entry["request_id"]: Record(
                record.file, record.offset, entry["seq"], milliseconds(entry["timestamp"]), entry
            )
            for entry in record.body["open"]
        }
        self.admitted |= self.open.keys()

    @property
    def slots_taken(self) -> int:
        return sum(entry.held for entry in self.counters.values() if isinstance(entry, Slots))


def check(data: Path, policy: dict, had_faults: bool = False) -> tuple[LedgerReader, Counters]:
    """The whole ledger from its beginning: chain and sums."""
    reader, sums = LedgerReader(data), Counters(policy, had_faults=had_faults)
    sums.take(reader.read())
    return reader, sums


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: ledger_check.py DIR", file=sys.stderr)
        return 2
    reader = LedgerReader(Path(sys.argv[1]))
    try:
        records = reader.read()
    except (Damage, Wrong) as problem:
        print(problem, file=sys.stderr)
        return 1
    first = records[0].seq if records else None
    types = dict(Counter(record.type for record in records))
    print(f"{len(records)} records from {first} on in {reader.segment_count} segments: {types}; "
          f"{reader.void_bytes} void bytes, {reader.tail} bytes of an incomplete line, "
          f"{len(reader.repaired)} repairs")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
