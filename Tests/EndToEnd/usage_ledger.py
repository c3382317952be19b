"""Ledgers that are made up, and what their sums must be: for `tollgate usage`.

The sums are added up from the exchanges themselves in exact decimals, days and months by Python's own
time zones. What is taken from Tollgate is the format of records alone.
"""

import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import ledger_check

COUNTS = ["prompt_tokens", "cached_prompt_tokens", "cache_write_prompt_tokens",
          "completion_tokens", "reasoning_tokens", "total_tokens"]  # fmt: skip
# In the order of the program's columns; all are numbers.
SUMS = ["requests", *COUNTS, "estimated_requests", "cost_usd"]


@dataclass
class Exchange:
    """One exchange: when it was settled, whose it was, what it used."""

    time: int
    tenant: str
    key: str | None
    subject: str
    model: str
    route: str
    traffic_class: str
    counts: dict
    is_estimated: bool
    cost: Decimal | None

    def value(self, dimension: str, zone: ZoneInfo) -> str | None:
        moment = datetime.fromtimestamp(self.time / 1000, zone)
        return {
            "tenant": self.tenant, "key": self.key, "subject": self.subject, "model": self.model,
            "model_route": self.route, "class": self.traffic_class,
            "day": moment.strftime("%Y-%m-%d"), "month": moment.strftime("%Y-%m"),
        }[dimension]  # fmt: skip


def exchanges(seed: int, first: datetime, days: int, count: int) -> list[Exchange]:
    """Exchanges at any time of these days, in order."""
    draw = random.Random(seed)
    start = int(first.timestamp() * 1000)
    times = sorted(start + draw.randrange(days * 86_400_000) for _ in range(count))
    made = []
    for time in times:
        counts = {name: draw.choice([None, draw.randrange(5000)]) for name in COUNTS}
        cost = draw.choice([None, Decimal(draw.randrange(10**12)) / 10**9])
        tenant = draw.choice(["tenant-a", "tenant-b", "tenant \"c\""])
        made.append(Exchange(
            time, tenant, draw.choice([None, "k1", "k2"]), draw.choice(["svc:a", "=1+1"]),
            draw.choice(["llama3-8b", "bge-small"]), draw.choice(["v1", "v2"]),
            draw.choice(["interactive_inference", "batch_inference"]), counts,
            draw.random() < 0.3, cost,
        ))  # fmt: skip
    return made


def sums(made: list[Exchange], by: list[str], zone: ZoneInfo) -> dict:
    """What the report must say, by the values of its dimensions."""
    rows: dict = defaultdict(lambda: dict.fromkeys(SUMS, 0) | {"cost_usd": None})
    for one in made:
        row = rows[tuple(one.value(dimension, zone) for dimension in by)]
        row["requests"] += 1
        row["estimated_requests"] += one.is_estimated
        for name in COUNTS:
            row[name] += one.counts[name] or 0
        if one.cost is not None:
            row["cost_usd"] = (row["cost_usd"] or 0) + one.cost
    return dict(rows)


def records(number: int, one: Exchange) -> list[tuple[int, dict]]:
    """Its admission, some seconds before, and its completion."""
    request_id = f"req_{number:026}"
    names = {"tenant": one.tenant, "subject": one.subject, "hostname": "h", "route": "/v1/x",
             "model": one.model, "model_route": one.route, "class": one.traffic_class,
             "stream": False}  # fmt: skip
    admission = {"type": "admission", **names, "key_id": one.key, "method": "POST",
                 "decision": "allow", "reason": None, "http_status": None, "limit": None,
                 "request_id": request_id, "reserved": [], "estimated_prompt_tokens": None,
                 "reserved_completion_tokens": None, "source": None, "envoy_request_id": None,
                 "policy": "p", "sensitive_payload_logged": False}  # fmt: skip
    completion = {"type": "completion", "request_id": request_id, **names, "http_status": 200,
                  "latency_ms": 1, "ttft_ms": None, **one.counts,
                  "usage_source": "estimated" if one.is_estimated else "reported",
                  "estimated_cost_usd": one.cost, "gateway_backend": None,
                  "end_reason": "complete", "origin": "backend", "traceparent": None,
                  "charged": []}  # fmt: skip
    return [(one.time - 3000, admission), (one.time, completion)]


def day_totals(made: list[Exchange], zone: ZoneInfo) -> list[dict]:
    """What a checkpoint says of exchanges before it; what is 0 or null is left out."""
    rows = []
    for (day, tenant, key, model), row in sorted(
        sums(made, ["day", "tenant", "key", "model"], zone).items(), key=str
    ):
        names = {"day": day, "tenant": tenant, "key_id": key, "model": model}
        rows.append({name: value for name, value in (names | row).items() if value})
    return rows


def write(
    data: Path, made: list[Exchange], zone: str | None, segments: int = 4, gone: int = 0, ledger: str = "a"
) -> None:
    """Writes the ledger in segments, without the first `gone` ones. `zone`: that of the daily totals in
    its checkpoints; None for a ledger of before there were any."""
    folder = data / "ledger"
    folder.mkdir(parents=True, mode=0o700)
    lines = [record for number, one in enumerate(made) for record in records(number, one)]
    lines.sort(key=lambda line: line[0])
    previous, seq = ledger_check.ORIGIN, 1
    size = -(-len(lines) // segments)
    for segment in range(segments):
        part = lines[segment * size : (segment + 1) * size]
        time = part[0][0]
        before = {body["request_id"] for _, body in lines[: segment * size] if body["type"] == "completion"}
        known = {body["request_id"]: body for _, body in lines[: segment * size] if body["type"] == "admission"}
        open = [{"seq": 1, "timestamp": ledger_check.text(time), **{k: v for k, v in body.items() if k != "type"}}
                for name, body in known.items() if name not in before]  # fmt: skip
        head = {"type": "checkpoint", "format": 2, "previous_hash": previous,
                "ledger_id": ledger * 32, "start_number": 1, "counters": [], "open": open,
                "estimates": []}  # fmt: skip
        if zone:
            ended = [one for number, one in enumerate(made) if f"req_{number:026}" in before]
            head |= {"timezone": zone, "totals_since": ledger_check.text(made[0].time),
                     "totals": day_totals(ended, ZoneInfo(zone)), "keys": []}  # fmt: skip
        first, written = seq, []
        for at, body in [(time, head), *part]:
            record = {"type": body["type"], "seq": seq, "timestamp": ledger_check.text(at)}
            line, previous = seal(previous, record | body)
            written.append(line)
            seq += 1
        if segment >= gone:
            path = folder / f"{first:020}.jsonl"
            path.write_bytes(b"".join(written))
            path.chmod(0o600)


def seal(previous: str, record: dict) -> tuple[bytes, str]:
    return ledger_check.sealed(previous, numbered(record))


class Number(float):
    """A decimal number that JSON shows digit by digit."""

    def __new__(cls, value: Decimal):
        made = super().__new__(cls, value)
        made.digits = format(value, "f")
        return made

    def __repr__(self) -> str:
        return self.digits


def numbered(value):
    if isinstance(value, Decimal):
        return Number(value)
    if isinstance(value, dict):
        return {name: numbered(one) for name, one in value.items()}
    return [numbered(one) for one in value] if isinstance(value, list) else value


def month(year: int, number: int, zone: str) -> tuple[datetime, datetime]:
    """Its first instant, and that of the next."""
    following = (year + number // 12, number % 12 + 1)
    begin, end = (datetime(*first, 1, tzinfo=ZoneInfo(zone)) for first in ((year, number), following))
    return begin.astimezone(timezone.utc), end.astimezone(timezone.utc)


def rfc3339(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def later(moment: datetime, **by) -> datetime:
    return moment + timedelta(**by)
