"""Where an answer's time went, by what Envoy and the replicas wrote of it; for a scenario that has failed."""

import json

from fleet import Fleet, Replica
from fleet_clients import Answer

TOLD_MAX = 5
FIELDS = ("time", "duration_ms", "upstream_ms", "sent_ms", "status", "code_details", "flags", "reason")
# Of a ULID, which a request id ends with: its first ten digits are Unix milliseconds.
DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def trace(fleet: Fleet, answers: list[Answer]) -> str:
    """What is on record of the first of these answers, each on a line."""
    told = answers[:TOLD_MAX]
    ids = {answer.request_id for answer in told if answer.request_id}
    entries = {
        entry["request_id"]: {name: entry.get(name) for name in FIELDS}
        for entry in map(json.loads, _whole_lines(fleet)) if entry.get("request_id") in ids
    }  # fmt: skip
    records = _records(fleet, ids)
    lines = [f"{len(answers)} answers, such as:"]
    for answer in told:
        began = _milliseconds(answer.request_id)
        lines.append(
            f"{answer.tenant} {answer.status} {answer.code or '-'} {answer.request_id}: client from"
            f" {answer.began:.3f} for {answer.seconds:.3f} s; Tollgate began"
            f" {began and f'{began / 1000 - answer.began:.3f} s later'}; Envoy"
            f" {entries.get(answer.request_id)}; records {records.get(answer.request_id)}"
        )
    if any(answer.code == "store_unavailable" for answer in answers):
        lines += map(_store_calls, fleet.replicas)
    return "\n".join(lines)


def _store_calls(replica: Replica) -> str:
    """How long the store took to answer the replica, and what it did not answer."""
    metrics = replica.metrics()
    calls = metrics.by("ai_gateway_store_call_duration_seconds_bucket", "le")
    counts, before = {}, 0.0
    for (seconds,), count in calls.items():
        if count > before:
            counts[seconds] = int(count - before)
        before = count
    unanswered = int(metrics.value("ai_gateway_store_unanswered_calls_total"))
    failures = {word: n for (word,), n in metrics.by("ai_gateway_store_failures_total", "word").items() if n}
    return f"{replica.name}: calls that took up to so many seconds {counts}, {unanswered} unanswered, {failures}"


def _whole_lines(fleet: Fleet) -> list[str]:
    text = (fleet.folder / "access.log").read_text()
    return text[: text.rfind("\n") + 1].splitlines()


def _records(fleet: Fleet, ids: set[str]) -> dict[str, list]:
    """By request id: the replica, the record's type and time, and the reason."""
    found: dict[str, list] = {}
    for data in fleet.ledgers:
        for path in sorted((data / "ledger").glob("*.jsonl")):
            for line in path.read_text(errors="replace").splitlines():
                for one in ids:
                    if one in line:
                        record = json.loads(line)
                        words = [record.get(name) for name in ("type", "timestamp", "reason")]
                        found.setdefault(one, []).append((data.parent.name, *words))
    return found


def _milliseconds(request_id: str) -> int | None:
    digits = request_id.removeprefix("req_")[:10]
    if len(digits) < 10 or not set(digits) <= set(DIGITS):
        return None
    time = 0
    for digit in digits:
        time = time * 32 + DIGITS.index(digit)
    return time
