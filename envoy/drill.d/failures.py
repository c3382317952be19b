"""Scenarios in which a backend or a client fails, and Tollgate and Envoy are well."""

import json
import math
import socket
import time

import alerts
from books import charged
from client import HOST, PATIENCE_SECONDS, Exchange, milliseconds, together
from stack import CHAT_SECONDS, EMBED_TRY_SECONDS, REQUEST_SECONDS, SILENCE_SECONDS, V1, V2, poll
from traffic import CHAT_PATH, EMBED_BODY, EMBED_PATH, chat, said, session, session_of, sessions, statuses

# How early an ending may be that a timeout makes: Envoy's timers count from when its loop woke.
EARLY_SECONDS = 0.2
# How late: a busy machine.
LATE_SECONDS = 10


def share_bounds(count: int, share: float, tail: float = 5e-7) -> tuple[int, int]:
    """The counts outside of which a fair draw falls with less than `tail` on either side."""
    mass = [math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(count + 1)]
    low = next(k for k in range(count + 1) if sum(mass[: k + 1]) >= tail)
    high = next(k for k in range(count, -1, -1) if sum(mass[k:]) >= tail)
    return low, high


def canary(drill) -> None:
    stack, clients = drill.stack, drill.clients
    routes = sessions(drill)
    on_v2 = [number for number, route in routes.items() if route == V2]
    drawn(drill, "the canary's share of 300 chats", 300, failing=False)

    # Streams of both versions are open when the canary's backend goes.
    begun = [number for number in routes if number not in on_v2][: len(on_v2)] + on_v2
    tokens, rate = 60, 20
    headers = {"x-sim-tokens": str(tokens), "x-sim-rate": str(rate)}
    open_streams = {
        number: clients.open(CHAT_PATH, chat(stream=True), headers=session(number) | headers)
        for number in begun
    }  # fmt: skip
    for stream in open_streams.values():
        stream.event()
    scraped = alerts.requests(stack.page("/metrics")[1])
    stack.backends[V2].kill()
    ended = dict(zip(begun, together([stream.rest for stream in open_streams.values()])))
    cut = [number for number in on_v2 if ended[number].fault not in ("", "timeout")]
    drill.row("streams that it was serving end", f"{len(on_v2)} cut, none hangs", f"{len(cut)} cut, "
              f"{'none hangs' if not any(e.fault == 'timeout' for e in ended.values()) else 'some hang'}",
              f"within {max(ended[number].seconds for number in on_v2):.1f} s")  # fmt: skip
    whole = [n for n in begun if n not in on_v2 and ended[n].is_done and ended[n].text == said(tokens)]
    drill.row("streams of the other version go on", f"{len(begun) - len(on_v2)} whole", f"{len(whole)} whole")

    # Each session once more, every other one as a stream: it is known who must fail.
    answers = dict(zip(routes, together([
        lambda n=n: clients.stream(CHAT_PATH, chat(stream=n % 2 == 0, max_tokens=2), headers=session(n))
        for n in routes
    ], 8)))  # fmt: skip
    failed = [number for number, answer in answers.items() if answer.status != 200]
    drill.row("only its sessions fail", f"{len(on_v2)} of {len(routes)}, the canary's own",
              f"{len(failed)} of {len(routes)}, {'the canary' if failed == on_v2 else 'not the canary'}'s own")
    of_v2 = [answers[number] for number in on_v2]
    drill.row("with the right status and code", f"503: {len(on_v2)}; upstream_unavailable",
              f"{statuses(of_v2)}; {', '.join(sorted({str(answer.code) for answer in of_v2}))}",
              f"{sum(n % 2 == 0 for n in on_v2)} streams, "
              f"{milliseconds([answer.seconds for answer in of_v2])}")  # fmt: skip
    named_in_logs(drill, of_v2)
    refunded(drill, of_v2)
    drawn(drill, "200 chats while it is gone", 200, failing=True)
    alerted(drill, scraped)

    stack.start_backend(V2)
    back = [clients.ask(CHAT_PATH, chat(max_tokens=1), headers=session(number)) for number in on_v2]
    drill.row("it is back: its sessions are served", f"200: {len(on_v2)}", statuses(back))


def drawn(drill, what: str, count: int, failing: bool) -> None:
    """Chats of the demo's own model, whose canary is drawn anew for each: a tenth."""
    low, high = share_bounds(count, 0.1)
    answers = together([lambda: drill.clients.ask(CHAT_PATH, chat("llama3", max_tokens=1))] * count, 4)
    of_v2 = [answer for answer in answers if answer.model_route == V2]
    failed = [answer for answer in answers if answer.status != 200]
    right = failed == of_v2 if failing else not failed
    drill.row(what, f"{low} to {high} on v2, {'just those' if failing else 'none'} fail",
              f"{len(of_v2)} on v2, {'just those' if failing and right else len(failed) or 'none'} fail",
              ok=low <= len(of_v2) <= high and right)  # fmt: skip


def named_in_logs(drill, failed: list[Exchange]) -> None:
    """Envoy's access log names the backend that refused, and that it was tried once."""
    entries = drill.stack.access_log({answer.headers["x-request-id"] for answer in failed})
    address = f"127.0.0.1:{drill.stack.backend_port(V2)}"
    named = [
        entry for entry in entries
        if (entry["cluster"], entry["model_route"], entry["upstream_host"]) == (V2, V2, address)
        and "UF" in (entry["flags"] or "")
    ]  # fmt: skip
    drill.row("the access log names the backend", f"{len(failed)} lines: {V2}", f"{len(named)} lines: {V2}",
              f"{address}, flags {', '.join(sorted({str(entry['flags']) for entry in entries}))}")  # fmt: skip
    tries = sorted({entry["attempts"] for entry in entries})
    drill.row("a chat is never tried again", "attempts 1", f"attempts {', '.join(map(str, tries))}")


def refunded(drill, failed: list[Exchange]) -> None:
    drill.stack.settled()
    records = [drill.books.completions.get(answer.request_id, {}) for answer in failed]
    said_so = [
        r for r in records
        if r and (r["model_route"], r["origin"], r["http_status"], r["end_reason"]) == (V2, "route", 503, "failed")
    ]  # fmt: skip
    address = f"127.0.0.1:{drill.stack.backend_port(V2)}"
    backends = {r.get("gateway_backend") for r in records}
    drill.row("the ledger blames the route", f"{len(failed)} records of {V2}",
              f"{len(said_so)} records of {V2}", f"gateway_backend {', '.join(map(str, backends))}",
              ok=len(said_so) == len(failed) and backends <= {address, None})  # fmt: skip
    charges = [sum(charged(r, "drill").values()) for r in records if r]
    reserved = [
        sum(charge["amount"] for charge in drill.books.admissions[r["request_id"]]["reserved"]) for r in records if r
    ]  # fmt: skip
    drill.row("everything is given back", f"{len(failed)} charged 0", f"{charges.count(0)} charged 0",
              f"of {sum(reserved)} units reserved")  # fmt: skip


def alerted(drill, scraped: dict[str, int]) -> None:
    """What Prometheus would make of it, with the rules as they are shipped."""
    drill.stack.settled()
    found = alerts.firing(drill.stack.run, scraped, alerts.requests(drill.stack.page("/metrics")[1]))
    names = ("ModelRouteErrorBudgetBurns", "ModelRouteErrorBudgetBurnsFast")
    expected = [f"{name} of route {V2}" for name in names]
    drill.row("the alerts name the route, and nobody else", f"2 of route {V2}",
              f"2 of route {V2}" if found == expected else ", ".join(found) or "none",
              ", ".join(names))  # fmt: skip


def slow(drill) -> None:
    stack, clients = drill.stack, drill.clients
    v1, patient = session_of(drill, V1), CHAT_SECONDS + 1
    late = {"x-sim-delay-ms": "120000"}
    before = stack.reached()
    began = time.monotonic()
    chat_answer, embed_answer, slow_stream, silent, *quick = together([
        lambda: clients.stream(CHAT_PATH, chat(), headers=v1 | late),
        lambda: clients.stream(EMBED_PATH, EMBED_BODY, headers=late),
        # Its first token takes longer than a whole chat may take.
        lambda: clients.stream(CHAT_PATH, chat(stream=True), headers=v1 | {"x-sim-delay-ms": str(patient * 1000)}),
        lambda: clients.stream(CHAT_PATH, chat(stream=True), headers=v1 | {"x-sim-stall": "3"}),
        *[lambda: clients.stream(EMBED_PATH, EMBED_BODY)] * 20,
    ])  # fmt: skip
    for what, answer, seconds in [("chat", chat_answer, CHAT_SECONDS), ("embedding", embed_answer, EMBED_TRY_SECONDS)]:
        drill.row(f"a slow {what}'s backend", f"504 upstream_unavailable after {seconds} s",
                  f"{answer.status} {answer.code} after {round(answer.seconds)} s",
                  f"{answer.seconds:.2f} s", ok=(answer.status, answer.code) == (504, "upstream_unavailable")
                  and seconds - EARLY_SECONDS <= answer.seconds < seconds + LATE_SECONDS)  # fmt: skip
    drill.row(f"a stream that begins after {patient} s", "200, whole",
              f"{slow_stream.status}, {'whole' if slow_stream.is_done else slow_stream.fault}",
              f"first byte after {slow_stream.first_byte_seconds or 0:.1f} s")  # fmt: skip
    drill.row(f"a backend that falls silent for {SILENCE_SECONDS} s", "3 tokens, then cut, no hang",
              f"{3 if silent.text == said(3) else silent.text!r} tokens, then "
              f"{'cut, no hang' if silent.fault not in ('', 'timeout') else silent.fault or 'a clean end'}",
              f"{silent.seconds:.1f} s")  # fmt: skip
    drill.row("20 others beside them", "200: 20", statuses(quick), milliseconds([answer.seconds for answer in quick]))
    stack.settled()
    timed_out(drill, chat_answer, embed_answer, silent)
    again = stack.reached() - before - 4 - len(quick)
    drill.row("what a backend has had is never tried again", 0, again,
              f"all over after {time.monotonic() - began:.1f} s")  # fmt: skip


def timed_out(drill, chat_answer: Exchange, embed_answer: Exchange, silent: Exchange) -> None:
    """The backend had the request: its prompt is charged, and marked as an estimate."""
    for what, answer, expected in [
        ("chat", chat_answer, ("route", 504, "failed", "estimated")),
        ("embedding", embed_answer, ("route", 504, "failed", "estimated")),
        ("silent stream", silent, (None, 200, "cut", "estimated")),
    ]:
        record = drill.books.completions.get(answer.request_id, {})
        admission = drill.books.admissions.get(answer.request_id, {})
        seen = tuple(record.get(name) for name in ("origin", "http_status", "end_reason", "usage_source"))
        tokens = charged(record, "drill").get("tokens", 0) if record else 0
        prompt = admission.get("estimated_prompt_tokens")
        # Three words were seen of the stream; of the others no output.
        right = tokens == prompt if what != "silent stream" else tokens > (prompt or 0)
        drill.row(f"the {what} in the ledger", " ".join(map(str, expected)), " ".join(map(str, seen)),
                  f"{tokens} tokens charged, prompt estimated at {prompt}", ok=seen == expected and right)  # fmt: skip


class Raw:
    """A client of its own manners: it sends what it is told and reads when it is told."""

    def __init__(self, port: int):
        self._socket = socket.socket()
        # A small window, so that not reading is felt soon.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.settimeout(PATIENCE_SECONDS)
        self._socket.connect(("127.0.0.1", port))

    def send(self, path: str, body: dict, key: str, headers: dict[str, str], of_body: int | None = None) -> None:
        """A request, of whose body only so many bytes are sent."""
        content = json.dumps(body).encode()
        fields = {
            "host": HOST, "authorization": f"Bearer {key}", "content-type": "application/json",
            "content-length": str(len(content)),
        } | headers  # fmt: skip
        head = f"POST {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self._socket.sendall(head.encode() + b"\r\n" + content[:of_body])

    def head(self) -> Exchange:
        """The answer's head, byte by byte, so that nothing else is read."""
        text = b""
        exchange = Exchange("")
        try:
            while not text.endswith(b"\r\n\r\n"):
                piece = self._socket.recv(1)
                if not piece:
                    exchange.fault = "closed"
                    return exchange
                text += piece
        except OSError as fault:
            exchange.fault = "timeout" if isinstance(fault, TimeoutError) else type(fault).__name__
            return exchange
        first, *lines = text.decode("latin-1").split("\r\n")
        exchange.status = int(first.split()[1])
        exchange.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        return exchange

    def close(self) -> None:
        self._socket.close()


def stalled(drill) -> None:
    unread(drill)
    unsent(drill)


def unread(drill) -> None:
    """It asks for much and reads nothing; its tenant has one slot."""
    stack, clients, key = drill.stack, drill.clients, "drill-key-single"
    client = Raw(clients.port)
    client.send(CHAT_PATH, chat(stream=True), key, session_of(drill, V1) | {"x-sim-tokens": "1000000"})
    exchange = client.head()
    exchange.tenant = "drill-single"
    clients.seen.append(exchange)
    second = clients.ask(EMBED_PATH, EMBED_BODY, key)
    drill.row("a client that reads nothing has its slot", "200; its next 429",
              f"{exchange.status}; its next {second.status}",
              f"retry-after {second.headers.get('retry-after')}")  # fmt: skip
    beside = together([lambda: clients.ask(EMBED_PATH, EMBED_BODY)] * 40, 8)
    drill.row("others beside it", "200: 40", statuses(beside), milliseconds([answer.seconds for answer in beside]))
    began = time.monotonic()
    ended = poll(lambda: exchange.request_id in drill.books.read().completions, SILENCE_SECONDS + LATE_SECONDS)
    took = time.monotonic() - began
    record = drill.books.completions.get(exchange.request_id, {})
    tokens = charged(record, "drill-single").get("tokens", 0) if record else 0
    drill.row("Envoy ends it, and it is settled", "cut estimated, above 0 tokens",
              f"{record.get('end_reason')} {record.get('usage_source')}, {tokens} tokens",
              f"after {took:.1f} s",
              ok=bool(ended) and tokens > 0
              and (record["end_reason"], record["usage_source"]) == ("cut", "estimated"))  # fmt: skip
    free = clients.ask(EMBED_PATH, EMBED_BODY, key)
    drill.row("its slot is free again", 200, free.status)
    gone = poll(lambda: stack.backend_requests(V1)["requests"][-1]["outcome"] != "open", LATE_SECONDS)
    outcome = stack.backend_requests(V1)["requests"][-1]["outcome"]
    drill.row("its backend is let go", "abandoned", outcome, ok=bool(gone))
    client.close()


def unsent(drill) -> None:
    """It begins a request and never ends it."""
    clients, key = drill.clients, "drill-key-single"
    reached, mark = drill.stack.reached(), drill.books.mark
    client = Raw(clients.port)
    client.send(EMBED_PATH, EMBED_BODY, key, {}, of_body=10)
    began = time.monotonic()
    beside = together([lambda: clients.ask(EMBED_PATH, EMBED_BODY)] * 20, 8)
    same = clients.ask(EMBED_PATH, EMBED_BODY, key)
    exchange = client.head()
    took = time.monotonic() - began
    client.close()
    drill.row("a client that stops sending", "408, and it held no slot",
              f"{exchange.status or exchange.fault}, and it held {'no slot' if same.status == 200 else 'one'}",
              f"after {took:.1f} s of {REQUEST_SECONDS} s")  # fmt: skip
    drill.row("others beside it", "200: 20", statuses(beside))
    drill.stack.settled()
    kept = drill.books.since(mark, "completion")
    drill.row("nothing of it went on, or is charged", "21 others at backends, on record",
              f"{drill.stack.reached() - reached} others at backends, on record",
              ok=drill.stack.reached() - reached == len(kept) == 21)  # fmt: skip
