"""The end of every run: the ledger against what all clients saw, and against itself.

Of several replicas all ledgers together, as if they were one.
"""

import json
import signal
from collections import Counter

from books import Books
from stack import PROBE_PATH, poll

# Limits of the drill's policy that count over a month.
BUDGETS = {"requests", "tokens", "dollars", "spent", "budget", "half", "deny", "allow"}


def books(drill) -> None:
    """Every exchange of the run, whatever scenarios there were."""
    stack, ledger = drill.stack, drill.books
    drill.row("every exchange has ended", "0 open", f"{0 if stack.settled() else len(ledger.open)} open")
    verified(drill)
    drill.row("nothing is on record twice", "0 times", f"{len(ledger.read().repeated)} times")
    clients_and_records(drill)
    refusals(drill)
    usage(drill)
    counters(drill)
    end(drill)


def verified(drill) -> None:
    done = [drill.stack.command("audit", "verify", str(data)) for data in drill.stack.ledgers]
    drill.row("tollgate audit verify", ", ".join(["exit 0"] * len(done)),
              ", ".join(f"exit {each.returncode}" for each in done),
              "; ".join((each.stdout + each.stderr).strip()[:100] for each in done))  # fmt: skip


def clients_and_records(drill) -> None:
    """What each client saw is what the record of its exchange says."""
    ledger, seen = drill.books, drill.clients.seen
    named = [exchange for exchange in seen if exchange.request_id and not exchange.is_refused]
    wrong = [problem for exchange in named if (problem := disagreement(ledger, exchange))]
    drill.row("each answer is on record, status and tokens", f"{len(named)} of {len(named)}",
              f"{len(named) - len(wrong)} of {len(named)}", "; ".join(wrong[:2]))  # fmt: skip
    tokens(drill, named)
    hey, others = unclaimed(drill)
    asked = sum(number for *_, number in drill.clients.counted)
    unnamed = sum(not exchange.request_id and not exchange.is_unreached for exchange in seen)
    drill.row("records beyond the clients' answers", f"{asked} of hey, at most {unnamed} unanswered",
              f"{len(hey)} of hey, {len(others)} unanswered",
              ok=len(hey) == asked and len(others) <= unnamed)  # fmt: skip


def disagreement(ledger, exchange) -> str | None:
    """What the record says otherwise; of what a kill interrupted it may know less than the client."""
    record = ledger.completions.get(exchange.request_id)
    if record is None or exchange.request_id not in ledger.admissions:
        return f"{exchange.request_id} is not on record"
    if record["end_reason"] == "interrupted":
        return None
    if record["http_status"] != exchange.status:
        return f"{exchange.request_id} is {record['http_status']}, not {exchange.status}"
    if exchange.usage and exchange.usage != (record["prompt_tokens"] or 0, record["completion_tokens"] or 0):
        return f"{exchange.request_id} has other tokens than its client was told"
    return None


def tokens(drill, named: list) -> None:
    """The sum of what was reported; of answers that told no client, the records' word is taken."""
    records = drill.books.completions
    reported = [record for record in records.values() if record["usage_source"] == "reported"]
    told = {exchange.request_id: sum(exchange.usage) for exchange in named if exchange.usage}
    hey, _ = unclaimed(drill)
    of_hey = {record["request_id"] for record in hey}
    expected = sum(count * number for _, _, count, number in drill.clients.counted)
    for record in reported:
        if record["request_id"] not in of_hey:
            expected += told.get(record["request_id"], record["total_tokens"])
    estimated = sum(record["usage_source"] == "estimated" for record in records.values())
    drill.row("tokens, as clients were told", expected, sum(record["total_tokens"] for record in reported),
              f"{len(told)} of {len(reported)} answers told them; {estimated} more are estimated")  # fmt: skip


def unclaimed(drill) -> tuple[list[dict], list[dict]]:
    """Completions whose id no client was told: hey's, and those of exchanges without an answer. The
    stack itself asks for models, to see whether the gateway serves: those are neither."""
    known = {exchange.request_id for exchange in drill.clients.seen}
    rest = [
        record for request_id, record in drill.books.completions.items()
        if request_id not in known and record["route"] != PROBE_PATH
    ]  # fmt: skip
    asked = sum(number for *_, number in drill.clients.counted)
    hey = [r for r in rest if (r["tenant"], r["http_status"], r["end_reason"]) == ("drill", 200, "complete")][:asked]
    of_hey = {record["request_id"] for record in hey}
    return hey, [record for record in rest if record["request_id"] not in of_hey]


def refusals(drill) -> None:
    """As many as clients saw, by tenant and reason; what is summed over a second is written at its end."""

    def key(tenant: str | None, reason: str | None) -> tuple[str, str]:
        # Whose key it was is not said of one that is no longer valid.
        return ("nobody" if reason == "invalid_api_key" else str(tenant), str(reason))

    def recorded() -> Counter:
        found: Counter = Counter()
        for (tenant, reason), number in drill.books.read().denied().items():
            found[key(tenant, reason)] += number
        return found

    seen = Counter(key(e.tenant, e.code) for e in drill.clients.seen if e.is_refused)
    poll(lambda: recorded() == seen, 5)
    found = recorded()
    text = ", ".join(f"{number} {tenant} {reason}" for (tenant, reason), number in sorted(found.items()))
    drill.row("refusals by tenant and reason", sum(seen.values()), sum(found.values()), text, ok=seen == found)


def usage(drill) -> None:
    """The product's own report is the sum of the records."""
    answers = [drill.stack.command("usage", str(data), "--by", "tenant", "--json") for data in drill.stack.ledgers]
    totals = [json.loads(answer.stdout or "{}").get("total", {}) for answer in answers]
    records = drill.books.read().completions.values()
    expected = f"{len(records)} requests, {sum(r['total_tokens'] or 0 for r in records)} tokens"
    requests, tokens = (sum(total.get(name, 0) for total in totals) for name in ("requests", "total_tokens"))
    drill.row("tollgate usage", expected, f"{requests} requests, {tokens} tokens",
              ", ".join(f"{total.get('cost_usd')} USD" for total in totals))  # fmt: skip


def end(drill) -> None:
    """SIGTERM: drained, flushed, and the chain whole to its last record."""
    stack = drill.stack
    stack.envoy.stop()
    for tollgate, data in zip(stack.tollgates, stack.ledgers):
        code = tollgate.stop()
        last = Books(data).read().records[-1]["type"]
        whole = stack.command("audit", "verify", str(data)).returncode == 0
        drill.row(f"SIGTERM ends {tollgate.name} in order", "exit 0, `stop` on record, verified",
                  f"exit {code}, `{last}` on record, {'verified' if whole else 'damaged'}")  # fmt: skip


def counters(drill) -> None:
    """A new segment begins with every counter: they must be the sums of what was charged, by all replicas."""
    ledger, replicas = drill.books, len(drill.stack.tollgates)
    mark = ledger.mark
    for tollgate in drill.stack.tollgates:
        tollgate.signal(signal.SIGUSR1)
    poll(lambda: len(ledger.since(mark, "checkpoint")) >= replicas)
    found = ledger.since(mark, "checkpoint")
    if len(found) < replicas:
        drill.row("SIGUSR1 begins a segment", f"{replicas} checkpoints", f"{len(found)} checkpoints")
        return
    said: Counter = Counter()
    taken = 0
    for entry in (entry for checkpoint in found for entry in checkpoint["counters"]):
        said[entry["counter"]] += entry.get("used", 0)
        taken += entry.get("held", 0) + entry.get("reserved", 0)
    sums: Counter = Counter()
    charges = [charge for record in ledger.completions.values() for charge in record["charged"]]
    # In a run over the turn of a month the counters are the new month's.
    month = max((charge["window"] for charge in charges if charge.get("window") is not None), default=None)
    for charge in charges:
        if charge.get("window") == month:
            sums[charge["counter"]] += charge["amount"]
    # Those of a month: a bucket's level follows the clock.
    budgets = {name: amount for name, amount in sums.items() if amount and name.rsplit("/", 1)[1] in BUDGETS}
    off = [
        f"{name} is {said[name]}, charged were {amount}"
        for name, amount in budgets.items() if said[name] != amount
    ]  # fmt: skip
    drill.row("calendar counters are the sums of the charges", f"{len(budgets)} of {len(budgets)}",
              f"{len(budgets) - len(off)} of {len(budgets)}", "; ".join(off[:2]))  # fmt: skip
    drill.row("nothing stays reserved", "0 reserved, 0 open",
              f"{taken} reserved, {sum(len(checkpoint['open']) for checkpoint in found)} open")  # fmt: skip
