"""Walks through a running demo and prints what was expected and what happened.

Called by `envoy/up --check`. Python's standard library only. Exit code 0 when all is as expected.
"""

import argparse
import hashlib
import http.client
import json
import math
import os
import signal
import subprocess
import sys
import time

KEY_A = "demo-key-tenant-a"
KEY_B = "demo-key-tenant-b"
HOST_A = "tenant-a.ai.example.com"
BACKENDS = [
    "chat-llama3-8b-v1", "chat-llama3-8b-v2", "embed-bge-small-v1", "messages-claude-demo-v1", "misc-small-v1",
]
# Every name that Tollgate sets on a request: none of a client's copies may reach a backend.
OURS = [
    "x-ai-tenant", "x-ai-subject", "x-ai-model", "x-ai-model-route", "x-ai-traffic-class", "x-ai-stream",
    "x-ai-request-id", "x-gateway-model-name", "x-gateway-inference-fairness-id", "x-gateway-inference-objective",
    "x-llm-d-inference-fairness-id", "x-llm-d-inference-objective",
]
BODY_LIMIT = 33554432
PATIENCE_SECONDS = 20

CHAT = {"model": "llama3", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 4}
EMBED = {"model": "bge-small", "input": "hello"}
MESSAGE = {"model": "claude-demo", "max_tokens": 4, "messages": [{"role": "user", "content": "hello"}]}


class Answer:
    def __init__(self, response, body):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = body

    @property
    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def code(self):
        """The refusal's code, or Anthropic's error type; None for no JSON error."""
        if "application/json" not in self.headers.get("content-type", ""):
            return None
        error = (self.json or {}).get("error") or {}
        return error.get("code") or error.get("type")


class Demo:
    def __init__(self, arguments):
        host, port = arguments.gateway.rsplit(":", 1)
        self.address = (host, int(port))
        self.models_port = arguments.models_port
        self.policy = arguments.policy
        self.tollgate_pids = arguments.tollgate_pid
        self.tollgate = arguments.tollgate
        self.ledgers = arguments.ledger
        self.tollgate_log = arguments.tollgate_log
        self.access_log = arguments.access_log
        self.rows = []

    # Asking

    def connect(self):
        return http.client.HTTPConnection(*self.address, timeout=PATIENCE_SECONDS)

    def ask(self, path, body=None, key=KEY_A, host=HOST_A, headers=(), method=None, connection=None):
        """One request; `headers` are pairs, so that a name can come twice."""
        own = connection is None
        connection = connection or self.connect()
        try:
            self.send(connection, path, body, key, host, headers, method)
            response = connection.getresponse()
            return Answer(response, response.read())
        finally:
            if own:
                connection.close()

    def send(self, connection, path, body=None, key=KEY_A, host=HOST_A, headers=(), method=None):
        method = method or ("GET" if body is None else "POST")
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("host", host)
        if key is not None:
            connection.putheader("authorization", "Bearer " + key)
        for name, value in headers:
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("content-type", "application/json")
            connection.putheader("content-length", str(len(body)))
        connection.endheaders()
        if body is not None:
            try:
                connection.send(body)
            except (BrokenPipeError, ConnectionResetError):
                pass  # a refusal may come before the body is read

    def backend(self, name, method="GET"):
        port = self.models_port + BACKENDS.index(name)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, "/__sim/requests")
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def reached(self):
        """How many requests reached any backend so far."""
        return sum(self.backend(name)["count"] for name in BACKENDS)

    def until(self, condition):
        """Asks again until the condition holds or patience ends; its last value."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not (found := condition()) and time.monotonic() < end:
            time.sleep(0.1)
        return found

    def write_policy(self, text):
        """As an editor does it, whole or not at all; then every Tollgate is told."""
        with open(self.policy + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(self.policy + ".new", self.policy)
        for pid in self.tollgate_pids:
            os.kill(pid, signal.SIGHUP)

    def on_every_replica(self, condition):
        """Whether it comes to hold on each Tollgate: Envoy deals one request to each in turn."""
        rounds = 3 * len(self.tollgate_pids)
        return self.until(lambda: all(condition() for _ in range(rounds)))

    # Telling

    def row(self, what, expected, happened, ok=None):
        ok = (expected == happened) if ok is None else ok
        self.rows.append((what, str(expected), str(happened), ok))

    def refused(self, what, status, code, *args, **kwargs):
        """A request that must be refused in JSON, and of which no backend may see anything."""
        before = self.reached()
        answer = self.ask(*args, **kwargs)
        seen = self.reached() - before
        self.row(what, f"{status} {code}, backends 0", f"{answer.status} {answer.code}, backends {seen}")

    def print_table(self):
        head = ("what", "expected", "happened")
        widths = [max(len(row[i]) for row in [head] + [r[:3] for r in self.rows]) for i in range(3)]
        widths = [min(width, 64) for width in widths]
        print("     " + "  ".join(cell.ljust(width) for cell, width in zip(head, widths)))
        for *cells, ok in self.rows:
            line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths))
            print(("ok   " if ok else "BAD  ") + line)
        bad = sum(1 for row in self.rows if not row[3])
        print(f"\n{len(self.rows)} steps, {bad} not as expected")
        return bad == 0


def allowed(demo):
    chat = demo.ask("/v1/chat/completions", CHAT)
    tokens = ((chat.json or {}).get("usage") or {}).get("completion_tokens")
    demo.row("chat", "200, 4 tokens", f"{chat.status}, {tokens} tokens")
    demo.row("  on a route of its model", "chat-llama3-8b-v1 or -v2", chat.headers.get("x-sim-backend"),
             chat.headers.get("x-sim-backend") in BACKENDS[:2])

    embed = demo.ask("/v1/embeddings", EMBED)
    demo.row("embeddings", "200 from embed-bge-small-v1", f"{embed.status} from {embed.headers.get('x-sim-backend')}")

    message = demo.ask("/v1/messages", MESSAGE, key=None,
                       headers=[("x-api-key", KEY_A), ("anthropic-version", "2023-06-01")])
    kind = (message.json or {}).get("type")
    demo.row("Anthropic message", "200 message", f"{message.status} {kind}")

    shared = demo.ask("/v1/chat/completions", CHAT, host="API.AI.example.com:443")
    demo.row("chat on the shared host", 200, shared.status)

    custom = demo.ask("/legacy/generate", b"anything at all")
    demo.row("a path passed uninspected", "misc-small-v1", custom.headers.get("x-sim-backend"))

    for key, host, models in [
        (KEY_A, HOST_A, ["bge-small", "claude-demo", "image-small", "llama3-8b", "moderation-small", "rerank-small",
                         "speech-small", "transcribe-small"]),
        (KEY_B, "tenant-b.ai.example.com", ["bge-small", "rerank-small"]),
    ]:
        answer = demo.ask("/v1/models", key=key, host=host)
        found = sorted(model["id"] for model in (answer.json or {}).get("data", []))
        demo.row(f"GET /v1/models of {host.split('.')[0]}", f"{len(models)} models, no alias",
                 f"{len(found)} models" + (", no alias" if "llama3" not in found else ""), found == models)


def streams(demo):
    """The backend stops after three tokens and never ends: what arrives was not waited for."""
    connection = demo.connect()
    demo.send(connection, "/v1/chat/completions", {**CHAT, "stream": True}, headers=[("x-sim-stall", "3")])
    response = connection.getresponse()
    words = []
    while len(words) < 3:
        line = response.readline()
        if not line:
            break
        if line.startswith(b"data: {"):
            choices = json.loads(line[6:]).get("choices") or [{}]
            if word := choices[0].get("delta", {}).get("content"):
                words.append(word)
    demo.row("stream arrives as it is made", "200, 3 tokens of an unfinished answer",
             f"{response.status}, {len(words)} tokens of an unfinished answer")
    connection.close()

    whole = demo.ask("/v1/chat/completions", {**CHAT, "stream": True})
    demo.row("stream to its end", "data: [DONE]", whole.body.decode(errors="replace").strip().splitlines()[-1])
    demo.row("  usage that was not asked for", "not shown", "shown" if b'"usage":{' in whole.body else "not shown")


def binomial_bounds(n, p, tail):
    """The counts outside of which a fair draw falls with less than `tail` on either side."""
    mass = [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
    low = next(k for k in range(n + 1) if sum(mass[: k + 1]) >= tail)
    high = next(k for k in range(n, -1, -1) if sum(mass[k:]) >= tail)
    return low, high


def canary(demo):
    count, share = 300, 0.1
    low, high = binomial_bounds(count, share, 5e-7)
    seen, models, failures = {}, {}, 0
    connection = demo.connect()
    for _ in range(count):
        answer = demo.ask("/v1/chat/completions", {**CHAT, "max_tokens": 1}, connection=connection)
        failures += answer.status != 200
        backend = answer.headers.get("x-sim-backend")
        seen[backend] = seen.get(backend, 0) + 1
        models.setdefault(backend, set()).add(answer.headers.get("x-sim-model"))
    connection.close()
    v2 = seen.get("chat-llama3-8b-v2", 0)
    demo.row(f"canary: {count} chats, a tenth on v2", f"{low} to {high} on v2, 0 failed", f"{v2} on v2, {failures} failed",
             low <= v2 <= high and failures == 0 and v2 + seen.get("chat-llama3-8b-v1", 0) == count)
    names = {backend: sorted(map(str, found)) for backend, found in sorted(models.items(), key=str)}
    demo.row("  each is asked for its own name", "llama3-8b, llama3-8b-2026-10",
             ", ".join(name for found in names.values() for name in found))


def refusals(demo):
    chat = "/v1/chat/completions"
    demo.refused("no key", 401, "invalid_api_key", chat, CHAT, key=None)
    demo.refused("wrong key", 401, "invalid_api_key", chat, CHAT, key="demo-key-tenant-x")
    demo.refused("retired key", 401, "invalid_api_key", chat, CHAT, key="demo-key-tenant-a-retired")
    demo.refused("no key, Anthropic", 401, "authentication_error", "/v1/messages", MESSAGE, key=None)
    demo.refused("another tenant's host", 403, "tenant_mismatch", chat, CHAT, host="tenant-b.ai.example.com")
    demo.refused("nobody's host", 403, "tenant_mismatch", chat, CHAT, host="evil.example.com")
    demo.refused("unknown model", 404, "model_not_found", chat, {**CHAT, "model": "gpt-99"})
    demo.refused("a model not for this path", 404, "model_not_found", chat, {**CHAT, "model": "bge-small"})
    demo.refused("a path not allowed", 403, "path_not_allowed", chat, CHAT, key=KEY_B, host="tenant-b.ai.example.com")
    for path in ["/v1/chat/../chat/completions", "//v1/chat/completions", "/v1/chat%2fcompletions",
                 "/v1/chat/completions;v=1", "/v1/chat/%63ompletions"]:
        demo.refused(f"path {path}", 404, "unknown_path", path, CHAT)
    demo.refused("GET of a POST endpoint", 405, "method_not_allowed", chat)
    demo.refused("no JSON", 400, "invalid_json", chat, b'{"model": "llama3"')
    demo.refused("the model named twice", 400, "duplicate_key", chat, b'{"model":"llama3","mod\\u0065l":"bge-small"}')
    demo.refused("a body one byte too large", 413, "request_too_large", chat, bytes(BODY_LIMIT + 1))


def forgeries(demo):
    """Copies of Tollgate's headers, in three spellings, on an inspected path and on an uninspected GET."""
    forged = [(spelling, "forged") for name in OURS for spelling in (name, name.upper(), name.replace("-", "_"))]
    forged += [("x-gateway-destination-endpoint", "forged"), ("x_gateway_model_name_rewrite", "forged")]
    forged += [("x-envoy-upstream-rq-timeout-ms", "forged"), ("x-envoy-max-retries", "forged")]
    for what, path, body in [("POST, inspected", "/v1/chat/completions", CHAT), ("GET, uninspected", "/legacy/generate", None)]:
        answer = demo.ask(path, body, headers=forged + [("x-sim-echo", "1")])
        headers = (answer.json or {}).get("headers", [])
        left = sorted({name for name, value in headers if "forged" in value})
        demo.row(f"forged headers ({what})", "200, none arrives", f"{answer.status}, {', '.join(left) or 'none'} arrives")
        names = [name.lower() for name, _ in headers]
        twice = [name for name in OURS if names.count(name) > 1]
        demo.row("  each of ours at most once", "yes", ", ".join(twice) or "yes")
        tenants = [value for name, value in headers if name == "x-ai-tenant"]
        demo.row("  the tenant is the key's", ["tenant-a"], tenants)
        secret = [name for name, value in headers if KEY_A in value]
        demo.row("  the key stays here", "yes", ", ".join(secret) or "yes")
    demo.refused("a forged route on a GET", 404, "unknown_path", "/v1/anything",
                 headers=[("x-ai-model-route", "chat-llama3-8b-v1")])


def records(demo):
    """Envoy's access log carries what Tollgate decided."""
    answer = demo.ask("/v1/chat/completions", CHAT)
    request_id = answer.headers.get("x-request-id")

    def line():
        with open(demo.access_log, encoding="utf-8") as file:
            return next((entry for entry in map(json.loads, file) if entry["envoy_request_id"] == request_id), None)

    entry = demo.until(line) or {}
    demo.row("access log", "tenant-a llama3-8b via_upstream",
             f"{entry.get('tenant')} {entry.get('model')} {entry.get('code_details')}")


def reload(demo):
    write = demo.write_policy

    def said():
        with open(demo.tollgate_log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def chat(model):
        return demo.ask("/v1/chat/completions", {**CHAT, "model": model}).status

    with open(demo.policy, encoding="utf-8") as file:
        good = file.read()
    demo.row("a name the policy lacks", 404, chat("llama3-next"))
    write(good.replace('aliases: ["llama3"]', 'aliases: ["llama3", "llama3-next"]'))
    demo.row("  after SIGHUP with it", 200, demo.on_every_replica(lambda: chat("llama3-next") == 200) and 200)
    before = len(said())
    write(good.replace("version: 1", "version: 1, tenantz: {}"))
    name = os.path.basename(demo.policy)
    complained = demo.until(lambda: name in said()[before:])
    demo.row("a bad policy", "complained about, the old one stays",
             f"{'complained about' if complained else 'not a word'}, "
             f"the old one {'stays' if chat('llama3-next') == 200 else 'is gone'}")
    write(good)
    demo.row("  after SIGHUP with the first", 404, demo.on_every_replica(lambda: chat("llama3-next") == 404) and 404)


def shared(demo):
    """Several replicas: one budget for all of them, in no ledger of which it is whole."""
    if len(demo.tollgate_pids) == 1:
        return
    budget, key = 30, "demo-key-crowd"
    tenant = f"""tenants: {{
    "crowd": {{
      keys: [{{ id: "crowd", sha256: "{hashlib.sha256(key.encode()).hexdigest()}" }}],
      allow: [{{ paths: ["/v1/embeddings"], models: ["bge-small"] }}],
      limits: [{{ name: "monthly", requests: {budget}, per: "month" }}],
    }},"""
    with open(demo.policy, encoding="utf-8") as file:
        demo.write_policy(file.read().replace("tenants: {", tenant, 1))

    def ask(path, body=None):
        return demo.ask(path, body, key=key, host="localhost")

    demo.on_every_replica(lambda: ask("/v1/models").status == 200)
    listings = len(charged(demo))
    answers = []

    def spent():
        # What a replica has leased and does not use goes back within seconds.
        answers.extend(ask("/v1/embeddings", EMBED) for _ in range(5))
        return sum(answer.status == 200 for answer in answers) >= budget - listings

    demo.until(spent)
    rest = [ask("/v1/embeddings", EMBED) for _ in range(15)]
    allowed = sum(answer.status == 200 for answer in answers + rest)
    others = sorted({f"{answer.status} {answer.code}" for answer in rest})
    demo.row(f"a month's {budget} requests for {len(demo.ledgers)} replicas", f"{budget}, then 429 insufficient_quota",
             f"{allowed + listings}, then {', '.join(others)}")
    ledgers = {ledger for ledger, _ in charged(demo)}
    all_of_them = f"{len(demo.ledgers)} of {len(demo.ledgers)}"
    demo.row("  in the ledger of each", all_of_them, f"{len(ledgers)} of {len(demo.ledgers)}")
    demo.row("  whose sum it is", f"{budget} requests", f"{len(charged(demo))} requests")


def charged(demo):
    """Each request of the crowd that was let through, with the ledger that has it."""
    found = []
    for ledger in demo.ledgers:
        command = [demo.tollgate, "audit", "show", ledger, "--tenant", "crowd", "--type", "admission", "--json"]
        said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        records = map(json.loads, said.stdout.splitlines())
        found += [(ledger, record) for record in records if record["decision"] == "allow"]
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gateway", required=True, help="host:port of Envoy's listener")
    parser.add_argument("--models-port", type=int, required=True, help="the first backend's port")
    parser.add_argument("--policy", required=True, help="the copy that Tollgate serves; it is edited and put back")
    parser.add_argument("--tollgate-pid", type=int, nargs="+", required=True)
    parser.add_argument("--tollgate", required=True, help="the program, for its commands")
    parser.add_argument("--ledger", nargs="+", required=True, help="the --data of each Tollgate")
    parser.add_argument("--tollgate-log", required=True)
    parser.add_argument("--access-log", required=True)
    demo = Demo(parser.parse_args())
    for step in (allowed, streams, canary, refusals, forgeries, records, reload, shared):
        try:
            step(demo)
        except (OSError, http.client.HTTPException, ValueError) as error:
            demo.row(step.__name__, "to be walked through", f"{type(error).__name__}: {error}", False)
    return 0 if demo.print_table() else 1


if __name__ == "__main__":
    sys.exit(main())
