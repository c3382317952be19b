"""Scenarios in which Tollgate or Envoy is replaced, ended or told something new."""

import time

from client import Background, Exchange, milliseconds, together
from stack import CHAT_SECONDS, EMBED, V1, poll
from traffic import CHAT_PATH, EMBED_BODY, EMBED_PATH, chat, said, session_of, statuses

# Streams that go on until something ends them.
ENDLESS = {"x-sim-tokens": "1000000", "x-sim-rate": "10"}
IN_FLIGHT = 6
# A stream whose gateway is gone ends at once; later than this it hangs.
CUT_SECONDS = 6
# From SIGHUP until the new policy judges.
RELOAD_SECONDS = 10


def load(drill) -> Background:
    """Clients that never pause, of every kind."""
    clients = drill.clients
    return Background([
        lambda: clients.ask(EMBED_PATH, EMBED_BODY), lambda: clients.ask(EMBED_PATH, EMBED_BODY),
        lambda: clients.ask(CHAT_PATH, chat("llama3", max_tokens=4)),
        lambda: clients.ask(CHAT_PATH, chat("llama3", True), headers={"x-sim-tokens": "10", "x-sim-rate": "100"}),
    ])  # fmt: skip


def in_flight(drill, headers: dict[str, str]) -> list:
    """Streams of which a token was seen: they are admitted, on record and at a backend."""
    on_v1 = session_of(drill, V1)
    streams = [drill.clients.open(CHAT_PATH, chat(stream=True), headers=on_v1 | headers) for _ in range(IN_FLIGHT)]
    for stream in streams:
        stream.event()
        stream.event()
    return streams


def reload(drill) -> None:
    stack, clients = drill.stack, drill.clients
    policy = stack.policy.read_text()
    tokens, rate = 10 * CHAT_SECONDS, 10
    paced = {"x-sim-tokens": str(tokens), "x-sim-rate": str(rate)}
    begun = [clients.open(CHAT_PATH, chat(stream=True), "drill-key-old", paced) for _ in range(IN_FLIGHT)]
    with_load = load(drill)
    # The key that they came with is withdrawn, and a new name for a model is given.
    new = policy.replace('id: "old",', 'id: "old", disabled: true,').replace(
        '"drill-chat": {', '"drill-chat": { aliases: ["drill-next"],', 1
    ).replace('models: ["llama3-8b", "drill-chat"]', 'models: ["llama3-8b", "drill-*"]')  # fmt: skip
    began = time.monotonic()
    stack.write_policy(new)
    withdrawn = poll(lambda: clients.ask(EMBED_PATH, EMBED_BODY, "drill-key-old").status == 401, RELOAD_SECONDS)
    drill.row("a key that was withdrawn", "401", "401" if withdrawn else "200",
              f"{(time.monotonic() - began) * 1000:.0f} ms after SIGHUP")  # fmt: skip
    drill.row("a name that was added", 200, clients.ask(CHAT_PATH, chat("drill-next", max_tokens=1)).status)
    # Without the one there is no point in waiting long for the others.
    patience = RELOAD_SECONDS if withdrawn else 1
    revision = poll(lambda: drill.books.read() and reloads(drill), patience)
    drill.row("the ledger has the reload", "a new policy revision", "a new policy revision" if revision else "none",
              f"revision {revision}")  # fmt: skip

    said_before, mark = len(stack.tollgate.log()), drill.books.mark
    stack.write_policy(new.replace("version: 1", "version: 1, tenantz: {}"))
    complaint = poll(lambda: complained(stack.tollgate.log()[said_before:]), patience)
    old = clients.ask(EMBED_PATH, EMBED_BODY, "drill-key-old").status
    name = clients.ask(CHAT_PATH, chat("drill-next", max_tokens=1)).status
    drill.row("a bad policy is refused", "named with its line; 401 and 200 as before",
              f"{'named with its line' if complaint else 'not a word'}; {old} and {name} as before",
              (complaint or "")[-60:])  # fmt: skip
    drill.row("no reload of it is on record", "0", len(drill.books.since(mark, "reload")))

    streams = together([stream.rest for stream in begun])
    whole = [answer for answer in streams if answer.is_done and answer.text == said(tokens)]
    drill.row("streams of the withdrawn key end well", f"{IN_FLIGHT} whole", f"{len(whole)} whole",
              f"{tokens} tokens each")  # fmt: skip
    answers = with_load.stop()
    drill.row("no request was dropped", f"200: {len(answers)}", statuses(answers),
              milliseconds([answer.seconds for answer in answers]))  # fmt: skip
    stack.write_policy(policy)
    back = poll(lambda: clients.ask(EMBED_PATH, EMBED_BODY, "drill-key-old").status == 200, patience)
    drill.row("the first policy again", 200, 200 if back else 401)


def complained(log: str) -> str | None:
    """The line that names the bad file with a line in it."""
    return next((line for line in log.splitlines() if "drill.json5:" in line and "tenantz" in line), None)


def reloads(drill) -> str | None:
    """The revision of the last reload on record."""
    found = [record["policy"] for record in drill.books.records if record["type"] == "reload"]
    return found[-1] if found else None


def killed_under_load(drill, process) -> tuple[list[Exchange], list[Exchange]]:
    """SIGKILL amid streams and a load; the load's answers, and the streams as they ended."""
    streams = in_flight(drill, ENDLESS)
    with_load = load(drill)
    poll(lambda: with_load.count >= 100, 10)
    process.kill()
    answers = with_load.stop()
    cut = together([lambda s=s: s.rest(CUT_SECONDS) for s in streams])
    drill.row("killed (-9): streams in flight", f"{IN_FLIGHT} cut, none hangs", ended(cut),
              f"{len(answers)} requests beside them: {statuses(answers)}")  # fmt: skip
    return answers, cut


def tollgate(drill) -> None:
    stack, clients, books = drill.stack, drill.clients, drill.books
    on_v1 = session_of(drill, V1)
    answers, cut = killed_under_load(drill, stack.tollgate)

    reached = stack.reached()
    # What Tollgate would have removed: were it not closed, this would go straight to a model.
    forged = {"x-ai-model-route": EMBED, "x-ai-traffic-class": "batch_inference"}
    stream = {"x-ai-model-route": V1, "x-ai-stream": "true"}
    away = together([
        call for _ in range(5) for call in (
            lambda: clients.stream(EMBED_PATH, EMBED_BODY), lambda: clients.stream(CHAT_PATH, chat(stream=True)),
            lambda: clients.stream(EMBED_PATH, EMBED_BODY, headers=forged),
            lambda: clients.stream(CHAT_PATH, chat(stream=True), headers=stream | on_v1),
        )
    ])  # fmt: skip
    for answer in away:
        answer.is_unreached = True
    refused = sum(answer.status is not None and 500 <= answer.status < 600 for answer in away)
    drill.row("while it is away: fails closed", "20 of 20 are 5xx, backends 0",
              f"{refused} of 20 are 5xx, backends {stack.reached() - reached}", statuses(away))  # fmt: skip

    began = time.monotonic()
    serves = stack.restart_tollgate()
    drill.row("started again: Envoy finds it by itself", "serves", "serves" if serves else "does not serve",
              f"after {time.monotonic() - began:.1f} s")  # fmt: skip
    stack.settled()
    ids = {answer.request_id for answer in cut}
    closed = [books.completions.get(request_id, {}).get("end_reason") for request_id in ids]
    drill.row("what was open is closed", f"{IN_FLIGHT} interrupted, 0 open",
              f"{closed.count('interrupted')} interrupted, {len(books.open)} open")  # fmt: skip
    answered = [answer for answer in answers if answer.status == 200 and answer.request_id]
    kept = [answer for answer in answered if answer.request_id in books.completions]
    drill.row("nothing that was answered is lost", f"{len(answered)} on record", f"{len(kept)} on record")
    verified = stack.command("audit", "verify", str(stack.ledgers[0]))
    drill.row("tollgate audit verify", "exit 0", f"exit {verified.returncode}", verified.stdout.strip()[:60])
    drained(drill)
    after = together([lambda: clients.ask(EMBED_PATH, EMBED_BODY)] * 20, 8)
    drill.row("service as before", "200: 20", statuses(after))


def drained(drill) -> None:
    """As a rollout ends it: what it has begun it finishes."""
    tokens = 20
    streams = in_flight(drill, {"x-sim-tokens": str(tokens), "x-sim-rate": "10"})
    before = drill.stack.page("/readyz")
    drill.stack.tollgate.end()
    # While streams are in flight: Kubernetes is to send nothing more here.
    poll(lambda: drill.stack.page("/readyz")[0] == 503, 1)
    during = drill.stack.page("/readyz")
    drill.row("drained (SIGTERM): its probe is told", "200, then 503 draining",
              f"{before[0]}, then {during[0]}{' draining' if 'drain' in during[1] else ''}")  # fmt: skip
    answers = together([stream.rest for stream in streams])
    # Not asked again: a second SIGTERM would end it at once.
    code = drill.stack.tollgate.wait()
    whole = [answer for answer in answers if answer.is_done and answer.text == said(tokens)]
    drill.row("drained: streams in flight end well", f"{IN_FLIGHT} whole, then exit 0",
              f"{len(whole)} whole, then exit {code}")  # fmt: skip
    serves = drill.stack.restart_tollgate()
    drill.row("started again after that", "serves", "serves" if serves else "does not serve")


def ended(answers: list[Exchange]) -> str:
    cut = sum(answer.fault not in ("", "timeout") for answer in answers)
    hang = sum(answer.fault == "timeout" for answer in answers)
    return f"{cut} cut, {hang or 'none'} hang{'' if hang else 's'}"


def envoy(drill) -> None:
    stack, clients, books = drill.stack, drill.clients, drill.books
    answers, cut = killed_under_load(drill, stack.envoy)
    settled = stack.settled()
    records = [books.completions.get(answer.request_id, {}) for answer in cut]
    good = [
        r for r in records
        if r and (r["end_reason"], r["usage_source"]) == ("cut", "estimated") and r["total_tokens"]
    ]  # fmt: skip
    drill.row("the books settle without it", f"0 open; {IN_FLIGHT} cut, estimated",
              f"{0 if settled else len(books.open)} open; {len(good)} cut, estimated",
              f"{sum(r['total_tokens'] for r in good)} tokens")  # fmt: skip
    began = time.monotonic()
    stack.envoy.start()
    serves = poll(stack.is_serving)
    drill.row("started again", "serves", "serves" if serves else "does not serve",
              f"after {time.monotonic() - began:.1f} s")  # fmt: skip
    after = together([lambda: clients.ask(EMBED_PATH, EMBED_BODY)] * 20, 8)
    drill.row("service as before", "200: 20", statuses(after))
