"""Scenarios in which nothing is broken: a burst, streams, mixed traffic, quotas."""

import csv
import io
import json
import subprocess
import threading

from client import Clients, Exchange, milliseconds, together
from stack import CHAT_SECONDS, EMBED, MESSAGES, V1

CHAT_PATH, EMBED_PATH, MESSAGES_PATH = "/v1/chat/completions", "/v1/embeddings", "/v1/messages"
EMBED_BODY = {"model": "bge-small", "input": "hello"}
EMBED_TOKENS = 2
WORDS = ["The", " model", " says", " what", " it", " was", " told", " to", " say", ",", " one", " word", " after",
         " another", ".", " "]  # fmt: skip
# A session that the sticky choice sends to the first version: found by asking.
PROBES = 60


def chat(model: str = "drill-chat", stream: bool = False, **fields) -> dict:
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}]} | fields
    return body | ({"stream": True, "stream_options": {"include_usage": True}} if stream else {})


def said(tokens: int) -> str:
    """What the simulator says in so many tokens."""
    return "".join(WORDS[number % len(WORDS)] for number in range(tokens))


def session(number: int) -> dict[str, str]:
    return {"x-session-id": f"session-{number}"}


def sessions(drill) -> dict[int, str]:
    """Where each session's requests go, by asking once in each."""
    answers = together(
        [lambda n=n: drill.clients.ask(CHAT_PATH, chat(max_tokens=1), headers=session(n)) for n in range(PROBES)], 8
    )  # fmt: skip
    if any(answer.status != 200 for answer in answers):
        raise ValueError("a session's first request failed")
    return {number: answer.model_route for number, answer in enumerate(answers)}


def session_of(drill, route: str) -> dict[str, str]:
    """The headers of a session that goes to this route."""
    for number in range(PROBES):
        answer = drill.clients.ask(CHAT_PATH, chat(max_tokens=1), headers=session(number))
        if answer.model_route == route:
            return session(number)
    raise ValueError(f"none of {PROBES} sessions goes to {route}")


def statuses(answers: list[Exchange]) -> str:
    """`200: 18, 503: 2`; what has no status is called by its fault."""
    names = [str(answer.status or answer.fault) for answer in answers]
    return ", ".join(f"{name}: {names.count(name)}" for name in sorted(set(names)))


def burst(drill) -> None:
    count, width = 200, 20
    mark, reached = drill.books.mark, drill.stack.reached(EMBED)
    run = subprocess.run(
        ["hey", "-n", str(count), "-c", str(width), "-m", "POST", "-T", "application/json", "-o", "csv",
         "-H", "Authorization: Bearer drill-key", "-d", json.dumps(EMBED_BODY),
         f"http://localhost:{drill.clients.port}{EMBED_PATH}"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    lines = list(csv.DictReader(io.StringIO(run.stdout)))
    times = [float(line["response-time"]) for line in lines]
    codes = [line["status-code"] for line in lines]
    drill.clients.counted.append(("drill", 200, EMBED_TOKENS, codes.count("200")))
    took = max((float(line["offset"]) + float(line["response-time"]) for line in lines), default=0)
    drill.row(f"hey -n {count} -c {width} of embeddings", f"{count} of {count} are 200",
              f"{codes.count('200')} of {len(codes)} are 200",
              f"{milliseconds(times)}, {len(times) / took if took else 0:.0f} a second")  # fmt: skip
    drill.row("the backend got each once", count, drill.stack.reached(EMBED) - reached)
    drill.stack.settled()
    ended = drill.books.since(mark, "completion")
    good = [r for r in ended if (r["http_status"], r["end_reason"], r["model_route"]) == (200, "complete", EMBED)]
    drill.row("the books say so too", f"{count} complete, {count * EMBED_TOKENS} tokens",
              f"{len(good)} complete, {sum(r['total_tokens'] or 0 for r in good)} tokens",
              f"{sum(r['estimated_cost_usd'] or 0 for r in good):.8f} USD")  # fmt: skip


def streams(drill) -> None:
    on_v1 = session_of(drill, V1)
    long_tokens, rate = 10 * (CHAT_SECONDS + 1), 10
    long: list[Exchange] = []
    # It takes longer than a chat, or an embedding, may take: it goes on beside the other steps.
    beside = threading.Thread(target=lambda: long.append(drill.clients.stream(
        CHAT_PATH, chat(stream=True),
        headers=on_v1 | {"x-sim-tokens": str(long_tokens), "x-sim-rate": str(rate)})))  # fmt: skip
    beside.start()
    stepped(drill, on_v1)
    same_bytes(drill, on_v1)
    paced(drill, on_v1)
    beside.join()
    drill.row(f"a stream longer than the {CHAT_SECONDS} s of a chat", f"{long_tokens} tokens and [DONE]",
              f"{len(words_in(long[0]))} tokens{' and [DONE]' if long[0].is_done else ', cut'}",
              f"{long[0].seconds:.1f} s")  # fmt: skip


def words_in(answer: Exchange) -> list[str]:
    return [
        choice["delta"]["content"] for event in answer.events for choice in event.get("choices", [])
        if choice["delta"].get("content")
    ]  # fmt: skip


def stepped(drill, on_v1: dict[str, str]) -> None:
    """The backend makes a token only when it is told to: whatever is held up on the way is never seen."""
    tokens, name = 8, "one-by-one"
    # Less patience than Envoy has with a silent stream, so that the fault is named here.
    stream = drill.clients.open(
        CHAT_PATH, chat(stream=True), headers=on_v1 | {"x-sim-step": name, "x-sim-tokens": str(tokens)}, patience=5
    )  # fmt: skip
    first = stream.event()
    drill.row("the first event, before a token is made", "200, role", f"{stream.exchange.status}, "
              f"{'role' if b'role' in first else stream.exchange.fault or 'something else'}",
              f"after {(stream.exchange.first_byte_seconds or 0) * 1000:.1f} ms")  # fmt: skip
    seen = 0
    for word in WORDS[:tokens]:
        drill.stack.step(V1, name)
        event = stream.event()
        if json.dumps(word).encode() not in event:
            break
        seen += 1
    drill.row("each token, before the next is made", f"{tokens} of {tokens}", f"{seen} of {tokens}")
    drill.stack.step(V1, name, tokens)
    stream.rest()


def same_bytes(drill, on_v1: dict[str, str]) -> None:
    """The same request to the gateway and to the backend's own port."""
    alike, unlike = 0, []
    message = {"model": "claude-demo", "max_tokens": 40, "messages": [{"role": "user", "content": "hello"}]}
    cases = [
        ("chat stream", V1, CHAT_PATH, chat(stream=True)), ("chat", V1, CHAT_PATH, chat()),
        ("message stream", MESSAGES, MESSAGES_PATH, message | {"stream": True}),
        ("message", MESSAGES, MESSAGES_PATH, message), ("embedding", EMBED, EMBED_PATH, EMBED_BODY),
    ]  # fmt: skip
    for what, backend, path, body in cases:
        for tokens in (1, 16, 2000):
            headers = on_v1 | {"x-sim-number": "1", "x-sim-tokens": str(tokens)}
            through = drill.clients.stream(path, body, headers=headers)
            direct = drill.stack.ask_backend(
                backend, "POST", path, json.dumps(body).encode(), headers | {"content-type": "application/json"}
            )  # fmt: skip
            if through.body == direct and through.is_whole:
                alike += 1
            else:
                unlike.append(f"{what} of {tokens}")
    drill.row("the bytes are the backend's own", "15 of 15 answers", f"{alike} of 15 answers",
              "streams, whole answers, both dialects" if not unlike else f"not {', '.join(unlike)}")  # fmt: skip
    plain = drill.clients.stream(CHAT_PATH, chat() | {"stream": True}, headers=on_v1)
    drill.row("usage that was not asked for", "metered, not shown",
              f"{'metered' if metered(drill, plain) else 'not metered'}, {'shown' if plain.usage else 'not shown'}")


def metered(drill, answer: Exchange) -> bool:
    drill.stack.settled()
    return drill.books.completions[answer.request_id]["usage_source"] == "reported"


def paced(drill, on_v1: dict[str, str]) -> None:
    count, tokens, rate = 20, 20, 20
    headers = on_v1 | {"x-sim-tokens": str(tokens), "x-sim-rate": str(rate)}
    answers = together(
        [lambda: drill.clients.stream(CHAT_PATH, chat(stream=True), headers=headers) for _ in range(count)]
    )  # fmt: skip
    whole = [answer for answer in answers if answer.is_done and answer.text == said(tokens)]
    first = [answer.first_byte_seconds or 0 for answer in answers]
    past = Clients(drill.stack.backend_port(V1))
    own = [past.stream(CHAT_PATH, chat(stream=True)).first_byte_seconds or 0 for _ in range(count)]
    drill.row(f"{count} streams at once, {rate} tokens a second", f"{count} with every token in order",
              f"{len(whole)} with every token in order",
              f"first byte {milliseconds(first)}; past the gateway, one by one, {milliseconds(own)}")  # fmt: skip


def mixed(drill) -> None:
    rounds, tokens = 20, 12
    mark = drill.books.mark
    good, answers = 0, []
    for _ in range(rounds):
        stream, whole, *embeds = together([
            lambda: drill.clients.stream(CHAT_PATH, chat("llama3", True), headers={"x-sim-tokens": str(tokens)}),
            lambda: drill.clients.ask(CHAT_PATH, chat("llama3"), headers={"x-sim-tokens": str(tokens)}),
            lambda: drill.clients.ask(EMBED_PATH, EMBED_BODY),
            lambda: drill.clients.ask(EMBED_PATH, EMBED_BODY | {"input": ["hello", "again"]}),
        ])  # fmt: skip
        answers += [stream, whole, *embeds]
        message = (whole.json.get("choices") or [{}])[0].get("message", {}).get("content")
        good += (
            stream.is_done and stream.text == said(tokens) == message
            and [len(answer.json.get("data", [])) for answer in embeds] == [1, 2]
        )  # fmt: skip
    drill.row(f"{rounds} rounds: stream, chat, embeddings", f"{rounds} rounds whole and right",
              f"{good} rounds whole and right", f"{milliseconds([answer.seconds for answer in answers])}")  # fmt: skip
    drill.stack.settled()
    ended = drill.books.since(mark, "completion")
    told = sum(sum(answer.usage or ()) for answer in answers)
    drill.row("the books have what the clients were told", f"{4 * rounds} complete, {told} tokens",
              f"{sum(r['end_reason'] == 'complete' for r in ended)} complete, "
              f"{sum(r['total_tokens'] or 0 for r in ended)} tokens")  # fmt: skip


def quota(drill) -> None:
    allowed, asked = 20, 50
    reached = drill.stack.reached(EMBED)
    calls = [
        lambda key=key: drill.clients.ask(EMBED_PATH, EMBED_BODY, key)
        for _ in range(asked) for key in ("drill-key-small", "drill-key")
    ]  # fmt: skip
    answers = together(calls, 20)
    small = [answer for answer in answers if answer.tenant == "drill-small"]
    beside = [answer for answer in answers if answer.tenant == "drill"]
    refused = [answer for answer in small if answer.status == 429]
    drill.row(f"{asked} requests of {allowed} an hour", f"200: {allowed}, 429: {asked - allowed}", statuses(small))
    drill.row("beside them, a tenant with room", f"200: {asked}", statuses(beside),
              milliseconds([answer.seconds for answer in beside]))  # fmt: skip
    well = [
        answer for answer in refused
        if answer.code == "rate_limit_exceeded" and 1 <= int(answer.headers.get("retry-after", "0")) <= 180
    ]  # fmt: skip
    drill.row("each 429 says why, and how long", f"{asked - allowed} with code and retry-after",
              f"{len(well)} with code and retry-after",
              f"retry-after {refused[0].headers.get('retry-after')}" if refused else "")  # fmt: skip
    spent = [drill.clients.ask(EMBED_PATH, EMBED_BODY, "drill-key-spent") for _ in range(5)]
    last = spent[-1]
    told = [
        f"{answer.headers.get('x-ratelimit-remaining-requests')}/{answer.headers.get('x-ratelimit-limit-requests')}"
        for answer in spent[:3]
    ]  # fmt: skip
    drill.row("what is left of it, in the headers", "2/3, 1/3, 0/3", ", ".join(told))
    drill.row("a month's budget of 3", "200: 3, 429: 2; insufficient_quota, no retry",
              f"{statuses(spent)}; {last.code}, "
              f"{'no retry' if last.headers.get('x-should-retry') == 'false' else 'retry'}")  # fmt: skip
    drill.row("backends saw what was allowed", allowed + asked + 3, drill.stack.reached(EMBED) - reached)
