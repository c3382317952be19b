"""The scenario in which several replicas share their limits, and what they share them in fails."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

import sums
from books import Books, charged
from client import Background, Clients, Exchange, milliseconds, together
from fleet import Fleet
from restarts import IN_FLIGHT, in_flight, load
from stack import poll
from traffic import EMBED_BODY, EMBED_PATH, said, statuses

# A budget that was refused for so long is spent: what a replica has leased and does not use goes back
# within a second or two.
SPENT_SECONDS = 3
# Until it is spent, or served again: beyond it something hangs.
WAIT_SECONDS = 30
# A replica says so after a second without an answer.
KNOWN_SECONDS = 10
ASKED = 12
# Streams that outlast the loss of the store and its return.
TOKENS, RATE = 60, 10


@dataclass
class View:
    """The fleet, as scenarios and the books look at a stack."""

    stack: Fleet
    clients: Clients
    books: Books
    row: Callable[..., None]

    def ask(self, tenant: str) -> Exchange:
        return self.clients.ask(EMBED_PATH, EMBED_BODY, f"drill-key-{tenant}")

    def several(self, tenant: str) -> list[Exchange]:
        return together([lambda: self.ask(tenant)] * ASKED, 6)


def store(drill) -> None:
    drill.stack.rest()
    fleet = Fleet(drill.stack)
    view = View(fleet, fleet.clients, fleet.books, drill.row)
    try:
        fleet.start()
        one_budget(view)
        lost(view, "killed (-9)", fleet.redis.kill, fleet.start_redis)
        lost(view, "stopped", lambda: fleet.redis.signal(signal.SIGSTOP), lambda: fleet.redis.signal(signal.SIGCONT))
        emptied(view)
        sums.books(view)
    finally:
        fleet.stop()


def spend(view: View, tenant: str) -> list[Exchange]:
    """Asks until nothing but refusals has come for a while; all answers."""
    answers: list[Exchange] = []
    last, began = time.monotonic(), time.monotonic()
    while time.monotonic() < last + SPENT_SECONDS and time.monotonic() < began + WAIT_SECONDS:
        some = together([lambda: view.ask(tenant)] * 4)
        answers += some
        if any(answer.status != 429 for answer in some):
            last = time.monotonic()
    return answers


def one_budget(view: View) -> None:
    budget, replicas = 30, len(view.stack.ledgers)
    answers = spend(view, "budget")
    allowed = [answer for answer in answers if answer.status == 200]
    ends = {answer.code for answer in answers[-4:]}
    view.row(f"a month's {budget} requests, asked of {replicas} replicas", f"200: {budget}, then insufficient_quota",
             f"200: {len(allowed)}, then {', '.join(sorted(map(str, ends)))}", statuses(answers))  # fmt: skip
    view.stack.settled()
    used = [sum(amount for _, amount in used_of(Books(data), "budget")) for data in view.stack.ledgers]
    view.row("each has some of it in its ledger", f"{budget} in {replicas} ledgers",
             f"{sum(used)} in {sum(map(bool, used))} ledgers", " + ".join(map(str, used)))  # fmt: skip


def used_of(books: Books, tenant: str) -> list[tuple[str, int]]:
    """Request ids of a tenant, and what each charged to the limit of the tenant's name."""
    return [
        (request_id, charged(record, f"drill-{tenant}").get(tenant, 0))
        for request_id, record in books.read().completions.items()
    ]  # fmt: skip


def lost(view: View, how: str, lose: Callable[[], None], bring_back: Callable[[], None]) -> None:
    """The store is away under load, each limit goes by its `on_store_loss`, and it comes back."""
    replicas = len(view.stack.tollgates)
    streams = in_flight(view, {"x-sim-tokens": str(TOKENS), "x-sim-rate": str(RATE)})
    under_load = load(view)
    poll(lambda: under_load.count >= 100, WAIT_SECONDS)
    lose()
    poll(lambda: view.stack.knowing("lost") == replicas, KNOWN_SECONDS)
    view.row(f"Redis {how}: each replica says so", f"{replicas} of {replicas}",
             f"{view.stack.knowing('lost')} of {replicas}")  # fmt: skip
    denied, allowed = view.several("deny"), view.several("allow")
    view.row("on_store_loss: deny", f"503: {ASKED}; store_unavailable", with_codes(denied),
             milliseconds([answer.seconds for answer in denied]))  # fmt: skip
    view.row("on_store_loss: allow", f"200: {ASKED}", statuses(allowed),
             milliseconds([answer.seconds for answer in allowed]))  # fmt: skip
    began = time.monotonic()
    bring_back()
    served = poll(lambda: all(view.ask("deny").status == 200 for _ in range(3 * replicas)), WAIT_SECONDS)
    took = time.monotonic() - began
    unhurt(view, streams, under_load)
    view.row("it is back: all is served again", "200", "200" if served else "503", f"after {took:.1f} s")


def unhurt(view: View, streams: list, under_load: Background) -> None:
    """What was under way goes on, and nobody is answered otherwise than with an answer or the reason."""
    ended = together([stream.rest for stream in streams])
    whole = [answer for answer in ended if answer.is_done and answer.text == said(TOKENS)]
    view.row("streams in flight end well", f"{IN_FLIGHT} whole", f"{len(whole)} whole")
    answers = under_load.stop()
    others = [answer for answer in answers if answer.status != 200 and answer.code != "store_unavailable"]
    view.row("everybody else", "200 or 503 store_unavailable, 0 others",
             f"200 or 503 store_unavailable, {len(others)} others",
             f"{statuses(answers)}, {milliseconds([answer.seconds for answer in answers])}")  # fmt: skip


def emptied(view: View) -> None:
    """FLUSHALL, as an operator's slip or a fail-over to a server that knows nothing."""
    budget, before = 60, 24
    first = [view.ask("half") for _ in range(before)]
    streams = in_flight(view, {"x-sim-tokens": str(TOKENS), "x-sim-rate": str(RATE)})
    under_load = load(view)
    poll(lambda: under_load.count >= 100, WAIT_SECONDS)
    said_so = view.stack.empty_redis()
    rest = spend(view, "half")
    unhurt(view, streams, under_load)
    allowed = sum(answer.status == 200 for answer in first + rest)
    # What nobody claims of what was in use stays so: fewer may be let through, never more.
    view.row(f"emptied, {before} of a month's {budget} were spent", f"{before} to {budget} in all, then 429",
             f"{allowed} in all, then {rest[-1].status}", f"FLUSHALL: {said_so}; {with_codes(rest)}",
             ok=before < allowed <= budget and rest[-1].status == 429)  # fmt: skip
    view.stack.settled()
    kept = sum(amount for _, amount in used_of(view.books, "half"))
    view.row("the ledgers together have as many", allowed, kept)


def with_codes(answers: list[Exchange]) -> str:
    codes = sorted({answer.code for answer in answers if answer.code})
    return statuses(answers) + (f"; {', '.join(codes)}" if codes else "")
