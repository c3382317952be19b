"""The same requests through two Envoys, and what of each can be compared.

One Envoy has the demo's configuration, the other what Envoy Gateway makes of envoy/kubernetes. Each
has a Tollgate and a ledger of its own; the policy is the same.
"""

import json
import re
import ssl
import sys
import uuid
from collections import Counter
from dataclasses import dataclass, field

import httpx
import yaml

import policy as policies
from harness import REPOSITORY, Stack, chat_body, error_code, poll

sys.path.append(str(REPOSITORY / "Tests" / "Kubernetes"))
import manifests  # noqa: E402
import envoy_gateway  # noqa: E402

HOST, SHARED_HOST = "tenant-a.ai.example.com", "api.ai.example.com"
KEY = "tg-parity-0123456789abcdef0123456789abcdef"
KEYS = {name: f"tg-parity-{name}-0123456789abcdef01234567" for name in (
    "disabled", "expired", "narrow", "twice", "poor", "crowded",
)}  # fmt: skip
# The canary's draw is by this header here, so that both Envoys' requests get the same version.
SESSION = "x-session-id"


def merged(files: dict[str, str]) -> dict:
    """A policy's files as one value: our JSON5 without its comments is YAML."""
    result: dict = {}
    for text in files.values():
        plain = re.sub(r"(^|\s)//.*|/\*.*?\*/", r"\1", text)
        for name, value in yaml.safe_load(plain).items():
            old = result.setdefault(name, value)
            if isinstance(old, dict):
                old |= value
    return result


def policy_of(documents: list[dict], has_slots: bool) -> dict:
    """The manifests' policy, with keys that the test knows and limits that it can meet."""
    policy = merged(manifests.policy_files(documents))
    for model in policy["models"].values():
        if len(model["routes"]) > 1:
            model["sticky"] = f"header:{SESSION}"
    # A model whose route Envoy does not have: the catch-all must answer.
    policy["models"]["ghost"] = {
        "class": "interactive_inference", "routes": [{"name": "ghost-v1"}],
        "price_usd_per_million": {"prompt": 1, "completion": 1},
    }  # fmt: skip
    tenant = policy["tenants"]["tenant-a"]
    tenant["allow"][0]["models"].append("ghost")
    for limit in tenant["limits"]:
        # More than all rows use together. The limits that a row reaches are those of its key.
        for unit in ("requests", "tokens"):
            if unit in limit:
                limit[unit] *= 100

    def key(name: str, **more) -> dict:
        return {"id": name, "sha256": policies.digest(KEYS.get(name, KEY)),
                "subject": f"svc:{name}"} | more  # fmt: skip

    tenant["keys"] += [
        key("parity"),
        key("disabled", disabled=True),
        key("expired", expires="2024-01-01T00:00:00Z"),
        key("narrow", models=["bge-*"]),
        key("twice", limits=[{"name": "two", "requests": 2, "per": "hour"}]),
        key("poor", limits=[{"name": "month", "requests": 2, "per": "month"}]),
    ]
    if has_slots:
        tenant["keys"].append(key("crowded", limits=[{"name": "cap", "tokens": 100, "per": "hour"}]))
    policy["tenants"]["tenant-b"] = {
        "hostnames": ["tenant-b.ai.example.com"],
        "keys": [{"id": "b", "sha256": policies.digest(policies.KEY_B)}],
        "allow": [{"paths": ["/v1/embeddings"], "models": ["bge-small"]}],
    }
    return policy


class GatewayStack(Stack):
    """Like the demo's, but Envoy runs what Envoy Gateway would make of these manifests."""

    documents: list[dict]
    tls: tuple[str, str, str] | None = None
    jwks: str | None = None

    def _configuration(self) -> dict:
        place = envoy_gateway.Place(
            self.listener, self.admin, self.tollgate.socket.removeprefix("unix:"),
            self.clusters, str(self.folder / "access.log"), self.jwks, self.tls,
            {"id": "%REQ(X-TEST-ID)%", "tollgate": "%DYNAMIC_METADATA(tollgate)%"},
        )  # fmt: skip
        return envoy_gateway.bootstrap(self.documents, place)


@dataclass
class Row:
    """One request, and what both gateways must say."""

    name: str
    status: int
    code: str | None = None
    body: dict | bytes | None = None
    path: str = "/v1/chat/completions"
    method: str | None = None
    key: str | None = KEY
    host: str = HOST
    headers: list[tuple[str, str]] = field(default_factory=list)
    h2: bool = False
    # Requests before it, of which only the last is compared.
    repeat: int = 1
    # A client certificate's files, where the listener asks for one.
    certificate: tuple[str, str] | None = None

    @property
    def verb(self) -> str:
        return self.method or ("GET" if self.body is None else "POST")

    def fields(self, test_id: str) -> list[tuple[str, str]]:
        result = [("host", self.host), ("x-test-id", test_id)]
        if self.key is not None:
            result.append(("authorization", f"Bearer {self.key}"))
        names = [name.lower() for name, _ in self.headers]
        if self.body is not None and "content-type" not in names:
            result.append(("content-type", "application/json"))
        return result + self.headers


@dataclass
class Seen:
    """What came of one row in one gateway."""

    test_id: str
    response: httpx.Response

    @property
    def verdict(self) -> tuple:
        return self.response.status_code, error_code(self.response)


def run(stack: Stack, rows: list[Row], authority=None) -> dict[str, Seen]:
    """Every row in its order."""
    seen = {}
    for row in rows:
        for _ in range(row.repeat):
            seen[row.name] = ask(stack, row, authority)
    return seen


def ask(stack: Stack, row: Row, authority=None) -> Seen:
    test_id = uuid.uuid4().hex
    scheme, verify = "http", False
    if authority:
        scheme, verify = "https", ssl.create_default_context(cafile=authority.ca_file)
        if row.certificate:
            verify.load_cert_chain(*row.certificate)
    content = json.dumps(row.body).encode() if isinstance(row.body, dict) else row.body
    with httpx.Client(
        http1=not row.h2, http2=row.h2, timeout=60, trust_env=False, verify=verify
    ) as client:
        # The path exactly as it is written: a client library would normalise it.
        request = client.build_request(
            row.verb, f"{scheme}://localhost:{stack.listener}/", headers=row.fields(test_id),
            content=content, extensions={"target": row.path.encode()},
        )  # fmt: skip
        try:
            response = client.send(request)
        except httpx.TransportError:
            # A stream that the backend cut: what the client sees is a broken answer.
            response = httpx.Response(599)
    return Seen(test_id, response)


# What is compared

# Different each time, or for each of the two: ids, times, addresses.
OWN_REQUEST_HEADERS = {
    "x-request-id", "x-ai-request-id", "x-test-id", "x-forwarded-for", "x-forwarded-proto",
    "x-envoy-external-address",
}  # fmt: skip
RESPONSE_HEADERS = {
    "content-type", "www-authenticate", "x-should-retry", "x-ai-model-route",
    "x-sim-backend", "x-sim-model", "allow", "content-length",
}  # fmt: skip
RECORD_FIELDS = {
    "type", "tenant", "subject", "route", "model_route", "decision", "hostname", "method", "model",
    "class", "stream", "key_id", "reason", "http_status", "limit", "reserved", "source", "policy",
    "prompt_tokens", "completion_tokens", "total_tokens", "estimated_cost_usd", "usage_source",
    "end_reason", "origin", "cached_prompt_tokens",
}  # fmt: skip


def answer(seen: Seen) -> dict:
    """The client's side: status, code, the headers that are compared, and the body."""
    headers = {}
    for name, value in seen.response.headers.items():
        if name in RESPONSE_HEADERS:
            headers[name] = value
        # Their numbers are the moment's.
        elif name == "retry-after" or name.startswith("x-ratelimit"):
            headers[name] = "a number"
    text = re.sub(r"(chatcmpl|req|embd|cmpl)[-_][A-Za-z0-9]+", r"\1", seen.response.text)
    text = re.sub(r'"created": ?\d+', '"created"', text)
    # When to come back is the moment's, too.
    text, moments = re.subn(r"\b(in|at) \d[0-9T:hmsZ-]*", r"\1 then", text)
    if moments and headers.get("content-length") == str(len(seen.response.content)):
        headers["content-length"] = "the body's"
    return {"verdict": seen.verdict, "headers": headers, "body": text}


def at_backends(stack: Stack, seen: dict[str, Seen]) -> dict[str, list]:
    """For each row: which backends got what."""
    by_id = {result.test_id: name for name, result in seen.items()}
    found: dict[str, list] = {name: [] for name in seen}
    for backend, port in stack.clusters.items():
        log = httpx.get(f"http://127.0.0.1:{port}/__sim/requests", trust_env=False).json()
        for request in log["requests"]:
            headers = [(name.lower(), value) for name, value in request["headers"]]
            name = by_id.get(dict(headers).get("x-test-id"))
            if name:
                kept = sorted(h for h in headers if h[0] not in OWN_REQUEST_HEADERS)
                found[name].append(
                    (backend, request["method"], request["path"], request["model"], kept)
                )
    return {name: sorted(requests) for name, requests in found.items()}


def logged(stack: Stack, seen: dict[str, Seen]) -> dict[str, dict]:
    """For each row: Envoy's access log, as far as it tells of Tollgate and of the status."""
    path = stack.folder / "access.log"
    by_id = {result.test_id: name for name, result in seen.items()}

    def entries() -> dict[str, dict] | None:
        lines = path.read_text().splitlines()
        found = {by_id[entry["id"]]: entry
                 for entry in map(json.loads, lines) if entry.get("id") in by_id}  # fmt: skip
        return found if len(found) == len(seen) else None

    kept = ("status", "tenant", "subject", "key_id", "model", "model_route", "traffic_class",
            "stream", "decision", "reason", "prompt_tokens", "cached_prompt_tokens",
            "completion_tokens", "total_tokens", "usage_source", "cost_usd", "method",
            "attempts")  # fmt: skip
    return {
        name: {member: entry.get(member) for member in kept}
        for name, entry in poll("every request is in the access log", entries).items()
    }


def recorded(stack: Stack, seen: dict[str, Seen]) -> dict[str, list]:
    """For each row that has an id: its records, once an admission that allows is completed."""
    ids = request_ids(stack, seen)
    ports = {str(port): name for name, port in stack.clusters.items()}

    def records() -> dict[str, list] | None:
        found: dict[str, list] = {name: [] for name in ids.values()}
        for record in stack.ledger.records():
            name = ids.get(record.get("request_id"))
            if name is None or record["type"] not in ("admission", "completion"):
                continue
            kept = {member: record.get(member) for member in RECORD_FIELDS if member in record}
            # The port is the connection's own.
            if "source" in kept:
                kept["source"] = (kept["source"] or "").rpartition(":")[0] or None
            if "gateway_backend" in record:
                address = record["gateway_backend"] or ""
                kept["backend"] = ports.get(address.rpartition(":")[2], address)
            found[name].append(kept)
        open_ = [name for name, kinds in found.items()
                 if [r["decision"] for r in kinds if r["type"] == "admission"] == ["allow"]
                 and len(kinds) < 2]  # fmt: skip
        return None if open_ else found

    return poll("every exchange is completed", records)


def request_ids(stack: Stack, seen: dict[str, Seen]) -> dict[str, str]:
    """Tollgate's id of each row that has one: the client is told, or (by ext_authz alone) a backend."""
    ids = {}
    by_id = {result.test_id: name for name, result in seen.items()}
    for port in stack.clusters.values():
        log = httpx.get(f"http://127.0.0.1:{port}/__sim/requests", trust_env=False).json()
        for request in log["requests"]:
            headers = {name.lower(): value for name, value in request["headers"]}
            if name := by_id.get(headers.get("x-test-id")):
                ids[headers["x-ai-request-id"]] = name
    for name, result in seen.items():
        if told := result.response.headers.get("x-ai-request-id"):
            assert ids.get(told, name) == name
            ids[told] = name
    return ids


def refusals(stack: Stack) -> Counter:
    """Who was refused, why and how often. A burst of refusals is recorded as a count."""
    counts: Counter = Counter()
    for record in stack.ledger.records():
        if record["type"] == "denials":
            counts[record["tenant"], record["reason"]] += record["count"]
        elif record["type"] == "admission" and record["decision"] == "deny":
            counts[record["tenant"], record["reason"]] += 1
    return counts


def chat(model: str = "llama3-8b", **fields) -> dict:
    return chat_body(model, max_tokens=16, **fields)
