"""The manifests decide as the demo does.

The demo's Envoy and the one that Envoy Gateway would configure from envoy/kubernetes get the same
policy and the same requests. Verdicts, headers at the backends, log lines and records must agree.
"""

import json
import re
import signal
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

import authority
import parity
import policy as policies
from envoy_config import EnvoyOptions
from harness import DRAIN_SECONDS, ENVOY_ARGUMENTS, Stack, StackOptions, envoy_binary, free_port, poll
from parity import (
    KEY, KEYS, SESSION, SHARED_HOST, GatewayStack, Row, chat, envoy_gateway, manifests,
)  # fmt: skip

PRINCIPAL = "spiffe://cluster.local/ns/tenant-a/sa/agent"
ISSUER = "https://issuer.example.com"
# Sessions that the policy's hash gives the one version and the other.
V1, V2 = (SESSION, "s-0"), (SESSION, "s-1")
LIMIT = 32 << 20
EMBED = {"model": "bge-small", "input": "hello"}
EMBEDDINGS = "/v1/embeddings"
FORGED = [
    ("x-ai-tenant", "tenant-b"), ("x-ai-subject", "root"), ("x-ai-model", "x"),
    ("x-ai-model-route", "embed-bge-small-v1"), ("x-ai-traffic-class", "x"), ("x-ai-stream", "x"),
    ("x-ai-request-id", "req_forged"), ("x_ai_model_route", "embed-bge-small-v1"),
    ("x-ai_tenant", "tenant-b"), ("x-gateway-model-name", "x"),
    ("x-gateway-inference-objective", "x"), ("x-gateway-inference-fairness-id", "x"),
    ("x-gateway-destination-endpoint", "10.0.0.1:80"),
    ("x-gateway-destination-endpoint-subset", "x"), ("x-gateway-model-name-rewrite", "x"),
    ("x_llm_d_model_name_rewrite", "x"), ("x-prefiller-host-port", "10.0.0.1:80"),
    ("x-http-method-override", "DELETE"), ("x-original-url", "/admin"), ("x-rewrite-url", "/x"),
    ("x-forwarded-host", "x"), ("x-envoy-retry-on", "5xx"),
    ("x-envoy-max-retries", "9"), ("x-envoy-upstream-rq-timeout-ms", "1"),
    ("x-forwarded-client-cert", f"URI={PRINCIPAL}"),
]  # fmt: skip


def served() -> list[Row]:
    """What a backend, or Tollgate itself, answers."""
    stated = chat(stream=True, stream_options={"include_usage": True})
    asked = chat(stream=True)
    return [
        Row("chat", 200, body=chat(), headers=[V1]),
        Row("chat, the canary's version", 200, body=chat(), headers=[V2]),
        Row("chat over HTTP/2", 200, body=chat(), headers=[V1], h2=True),
        Row("chat on the shared host", 200, body=chat(), host=SHARED_HOST, headers=[V1]),
        Row("a host with port and capitals", 200, body=chat(), host="API.ai.EXAMPLE.com:443",
            headers=[V1]),
        Row("embeddings", 200, path=EMBEDDINGS, body=EMBED),
        Row("a stream", 200, body=asked, headers=[V1]),
        Row("a stream of the canary", 200, body=asked, headers=[V2]),
        Row("a stream with usage", 200, body=stated, headers=[V1]),
        Row("key in x-api-key", 200, body=chat(), key=None, headers=[V1, ("x-api-key", KEY)]),
        Row("key in api-key", 200, body=chat(), key=None, headers=[V1, ("api-key", KEY)]),
        Row("the same key twice", 200, body=chat(), headers=[V1, ("x-api-key", KEY)]),
        Row("a query", 200, path="/v1/chat/completions?api-version=1", body=chat(), headers=[V1]),
        Row("models", 200, path="/v1/models"),
        Row("one model", 200, path="/v1/models/llama3-8b"),
        Row("models on the shared host", 200, path="/v1/models", host=SHARED_HOST),
        Row("forged headers", 200, body=chat(), headers=[V1, *FORGED]),
    ]  # fmt: skip


def refused_callers() -> list[Row]:
    """Callers that the policy refuses, everywhere or on this host."""
    return [
        Row("forged headers without a key", 401, "invalid_api_key", body=chat(), key=None,
            headers=FORGED),
        Row("no key", 401, "invalid_api_key", body=chat(), key=None),
        Row("a wrong key", 401, "invalid_api_key", body=chat(), key="no-such-key"),
        Row("a disabled key", 401, "invalid_api_key", body=chat(), key=KEYS["disabled"]),
        Row("an expired key", 401, "invalid_api_key", body=chat(), key=KEYS["expired"]),
        Row("keys that disagree", 401, "invalid_api_key", body=chat(),
            headers=[("x-api-key", policies.KEY_B)]),
        Row("a credential header twice", 401, "invalid_api_key", body=chat(), key=None,
            headers=[("x-api-key", KEY), ("x-api-key", KEY)]),
        Row("another tenant's host", 403, "tenant_mismatch", body=chat(),
            host="tenant-b.ai.example.com"),
        Row("nobody's host", 403, "tenant_mismatch", body=chat(), host="x.ai.example.com"),
        Row("a path that is not allowed", 403, "path_not_allowed", path="/v1/responses",
            body=chat()),
        Row("a path that nobody knows", 404, "unknown_path", path="/v1/nothing", body=chat()),
        Row("a path with %2f", 404, "unknown_path", path="/v1%2fchat/completions",
            body=chat()),
        Row("a path with //", 404, "unknown_path", path="//v1/chat/completions", body=chat()),
        Row("a path with ;", 404, "unknown_path", path="/v1/chat/completions;x", body=chat()),
        Row("the root", 404, "unknown_path", path="/"),
        Row("another method", 405, "method_not_allowed"),
        Row("an unknown model", 404, "model_not_found", body=chat("gpt-9")),
        Row("a model that is not this path's", 404, "model_not_found", body=chat("bge-small")),
        Row("a model that is not this key's", 404, "model_not_found", body=chat(),
            key=KEYS["narrow"]),
    ]  # fmt: skip


def refused_bodies() -> list[Row]:
    return [
        Row("no model", 400, "missing_model", body={"messages": []}),
        Row("no JSON", 400, "invalid_json", body=b"{"),
        Row("a key twice", 400, "duplicate_key", body=b'{"model":"llama3-8b","model":"x"}'),
        Row("a bad bound", 400, "invalid_value", body=chat() | {"max_tokens": 0}),
        Row("above the model's bound", 400, "invalid_value", body=chat() | {"max_tokens": 4097}),
        Row("another media type", 415, "unsupported_media_type", body=b"x",
            headers=[("content-type", "text/plain")]),
        Row("an encoding", 415, "unsupported_encoding", body=b"x",
            headers=[("content-encoding", "gzip")]),
        Row("a body of the limit", 400, "invalid_json", body=b"[" + b" " * (LIMIT - 1)),
        Row("a body above the limit", 413, "request_too_large", body=b" " * (LIMIT + 1)),
        Row("a model route that Envoy has not got", 503, "no_route", body=chat("ghost")),
    ]  # fmt: skip


def rows(has_answers: bool) -> list[Row]:
    """What both must decide alike; `has_answers` is false where Tollgate sees no response."""
    asked = chat(stream=True)
    result = [
        *served(), *refused_callers(), *refused_bodies(),
        Row("above the key's rate", 429, "rate_limit_exceeded", body=chat(), key=KEYS["twice"],
            headers=[V1], repeat=3),
        Row("above the key's budget", 429, "insufficient_quota", body=chat(), key=KEYS["poor"],
            headers=[V1], repeat=3),
        Row("the backend's error", 500, body=chat(), headers=[V1, ("x-sim-status", "500")]),
        Row("a chat is not tried again", 503, body=chat(), headers=[V1, ("x-sim-status", "503")]),
        Row("an embedding is tried again", 503, path=EMBEDDINGS, body=EMBED,
            headers=[("x-sim-status", "503")]),
        Row("a stream that the backend cuts", 599, body=asked, headers=[V1, ("x-sim-rate", "20"), ("x-sim-cut", "3")]),
    ]  # fmt: skip
    if has_answers:
        result += [
            Row("an alias", 200, body=chat("llama3"), headers=[V1]),
            Row("an alias of the canary", 200, body=chat("llama3"), headers=[V2]),
            Row("more than the key's limit holds", 429, "rate_limit_exceeded",
                body=chat() | {"max_tokens": 1000}, key=KEYS["crowded"]),
            Row("usage that is not told", 200, body=chat(),
                headers=[V1, ("x-sim-usage", "none")]),
        ]  # fmt: skip
    return result


class Pair:
    """Both gateways with one policy, all rows run through both."""

    def __init__(self, name: str, folder: Path):
        self.name = name
        documents = manifests.load(name)
        alone = name == "overlays/ext-authz-only"
        self.rows = rows(has_answers=not alone)
        policy = parity.policy_of(documents, has_slots=not alone)
        # No upgrades, and what the edge removes, as shipped.
        options = EnvoyOptions(filters=("ext_authz", "ext_proc"), upgrades=(), edge_removes=True)
        if alone:
            options.filters = ("ext_authz",)
            options.authz_body_bytes = LIMIT + 1024
        self.authority = None
        if name == "overlays/jwt":
            issuer = authority.Issuer(ISSUER)
            options.jwks, options.issuer = issuer.jwks(), ISSUER
            options.filters = ("ext_authz", "jwt", "ext_proc")
            self.rows += self._tokens(issuer)
        if name == "overlays/mtls":
            self.authority = authority.CertificateAuthority(folder)
            options.tls = self.authority.server()
            self.rows += self._certificates(self.authority)

        class Demo(Stack):
            def _configuration(self) -> dict:
                text = json.dumps(super()._configuration())
                # The policy's name for the claims is Envoy Gateway's; callers without a certificate
                # are let in, as the overlay does.
                text = text.replace('"payload_in_metadata": "jwt"',
                                    f'"payload_in_metadata": "{ISSUER}"')  # fmt: skip
                text = text.replace('"require_client_certificate": true',
                                    '"require_client_certificate": false')  # fmt: skip
                return _retrying(json.loads(text))

        class Gateway(GatewayStack):
            pass

        Gateway.documents, Gateway.tls, Gateway.jwks = documents, options.tls, options.jwks
        common = {"policy": policy, "simulator": True, "unknown_routes": ("ghost-v1",)}
        self.demo = Demo(StackOptions(envoy=options, **common))
        self.gateway = Gateway(StackOptions(**common))

    @staticmethod
    def _tokens(issuer: authority.Issuer) -> list[Row]:
        good = issuer.token(tenant="tenant-a", sub="u:1", aud="ai-gateway")
        stranger = authority.Issuer(ISSUER).token(tenant="tenant-a", sub="u:1", aud="ai-gateway")
        refused = {
            "an expired token": issuer.token(tenant="tenant-a", sub="u", exp=time.time() - 900,
                                             aud="ai-gateway"),
            "another signer's token": stranger,
            "a token without a tenant": issuer.token(sub="u:1", aud="ai-gateway"),
            "what only looks like a token": "YQ.YQ.YQ",
        }  # fmt: skip
        return [
            Row("a token", 200, body=chat(), key=good, headers=[V1]),
            Row("a token lists models", 200, path="/v1/models", key=good),
            Row("a token on another's host", 403, "tenant_mismatch", body=chat(), key=good,
                host="tenant-b.ai.example.com"),
        ] + [Row(name, 401, "invalid_api_key", body=chat(), key=token)
             for name, token in refused.items()]  # fmt: skip

    @staticmethod
    def _certificates(ca: authority.CertificateAuthority) -> list[Row]:
        own, other = ca.client([PRINCIPAL]), ca.client(["spiffe://cluster.local/ns/x/sa/y"])
        return [
            Row("a certificate", 200, body=chat(), key=None, certificate=own, headers=[V1]),
            Row("a certificate and a key that agree", 200, body=chat(), certificate=own,
                headers=[V1]),
            Row("a certificate of nobody", 401, "invalid_api_key", body=chat(), key=None,
                certificate=other),
            Row("a certificate on another's host", 403, "tenant_mismatch", body=chat(), key=None,
                certificate=own, host="tenant-b.ai.example.com"),
        ]  # fmt: skip

    def run(self) -> None:
        self.seen = [parity.run(stack, self.rows, self.authority) for stack in self.stacks]
        self.backends = [parity.at_backends(*both) for both in zip(self.stacks, self.seen)]
        self.logs = [parity.logged(*both) for both in zip(self.stacks, self.seen)]
        self.records = [parity.recorded(*both) for both in zip(self.stacks, self.seen)]

    @property
    def stacks(self) -> tuple[Stack, Stack]:
        return self.demo, self.gateway


def _retrying(config: dict) -> dict:
    """The bench's routes with the demo's own retries of batch jobs."""
    shipped = {
        name: policy
        for name, policy in re.findall(r"cluster: (\S+)\n[^-]*?retry_on: (\S+)",
                                       (manifests.REPOSITORY / "envoy/envoy.yaml").read_text())
    }  # fmt: skip
    (chain,) = config["static_resources"]["listeners"][0]["filter_chains"]
    (host,) = chain["filters"][0]["typed_config"]["route_config"]["virtual_hosts"]
    for route in host["routes"]:
        if route.get("name") in shipped:
            route["route"]["retry_policy"] = {
                "retry_on": shipped[route["name"]], "retriable_status_codes": [503],
                "num_retries": 2,
            }  # fmt: skip
    return config


PAIRS = ["base", "overlays/jwt", "overlays/mtls", "overlays/ext-authz-only"]


@pytest.fixture(scope="module", params=PAIRS)
def pair(request, tmp_path_factory):
    if not manifests.kustomize():
        pytest.skip("neither kubectl nor kustomize is installed: no manifests to compare")
    found = Pair(request.param, tmp_path_factory.mktemp("certificates"))
    with found.demo, found.gateway:
        found.run()
        yield found


def both(part: list[dict], name: str) -> tuple:
    return part[0].get(name), part[1].get(name)


def test_both_give_the_verdicts_that_are_expected(pair):
    wrong = []
    for row in pair.rows:
        expected = (row.status, row.code)
        for gateway, seen in zip(("demo", "manifests"), pair.seen):
            verdict = seen[row.name].verdict
            # A backend's own error carries a code of its own.
            if verdict != expected and not (row.code is None and verdict[0] == row.status):
                wrong.append(f"{row.name}: {gateway} says {verdict}, not {expected}")
    assert not wrong, "\n".join(wrong)


def test_both_answer_the_client_alike(pair):
    differ = []
    for row in pair.rows:
        one, other = (parity.answer(seen[row.name]) for seen in pair.seen)
        if one != other:
            differ.append(f"{row.name}:\n  demo      {one}\n  manifests {other}")
    assert not differ, "\n".join(differ)


def test_both_send_the_same_to_the_same_backends(pair):
    differ = [
        f"{row.name}:\n  demo      {one}\n  manifests {other}"
        for row in pair.rows for one, other in [both(pair.backends, row.name)] if one != other
    ]  # fmt: skip
    assert not differ, "\n".join(differ)
    reached = {backend for requests in pair.backends[1].values() for backend, *_ in requests}
    assert reached == set(pair.demo.clusters)
    for row in pair.rows:
        if row.code:
            assert pair.backends[1][row.name] == [], f"{row.name} reached a backend"


def test_both_log_the_same(pair):
    differ = []
    for row in pair.rows:
        one, other = both(pair.logs, row.name)
        if one != other:
            members = {key: (one[key], other[key]) for key in one if one[key] != other[key]}
            differ.append(f"{row.name}: {members}")
    assert not differ, "\n".join(differ)


def test_both_keep_the_same_books(pair):
    differ = [
        f"{row.name}:\n  demo      {one}\n  manifests {other}"
        for row in pair.rows for one, other in [both(pair.records, row.name)] if one != other
    ]  # fmt: skip
    assert not differ, "\n".join(differ)
    charged = [r for records in pair.records[1].values() for r in records
               if r["type"] == "completion" and r["total_tokens"]]  # fmt: skip
    assert charged
    assert parity.refusals(pair.demo) == parity.refusals(pair.gateway)


def test_an_upgrade_is_refused_by_both(pair):
    """The other: Envoy refuses it before any filter, and Envoy Gateway has no field for the answer."""
    headers = [V1, ("connection", "upgrade"), ("upgrade", "websocket")]
    row = Row("an upgrade", 403, body=chat(), headers=headers)
    one, other = (parity.ask(stack, row, pair.authority) for stack in pair.stacks)
    assert one.verdict == (426, "unsupported_upgrade")
    assert other.response.status_code == 403


def test_paths_with_dots_are_resolved_by_envoy_gateway(pair):
    """One of two differences in verdicts: no manifest can switch it off, and what is resolved is what is
    judged, routed and recorded. The demo leaves such a path as it is, and Tollgate refuses it."""
    row = Row("dots", 200, path="/v1/x/../chat/completions", body=chat(), headers=[V1])
    one, other = (parity.ask(stack, row, pair.authority) for stack in pair.stacks)
    assert one.verdict == (404, "unknown_path")
    assert other.response.status_code == 200
    ((request_id, _),) = parity.request_ids(pair.gateway, {"dots": other}).items()
    record = pair.gateway.ledger.admission(request_id)
    assert record["route"] == "/v1/chat/completions"


@pytest.mark.parametrize("name", [name for name in manifests.NAMES if name not in PAIRS])
def test_envoy_takes_what_the_other_overlays_make(name, tmp_path):
    if not manifests.kustomize():
        pytest.skip("neither kubectl nor kustomize is installed: no manifests to translate")
    services = {"chat-llama3-8b-v1": 1, "chat-llama3-8b-v2": 2, "embed-bge-small-v1": 3}
    place = envoy_gateway.Place(0, 0, "/tollgate.sock", services, "/dev/null")
    config = tmp_path / "envoy.json"
    config.write_text(json.dumps(envoy_gateway.bootstrap(manifests.load(name), place)))
    done = subprocess.run(
        [envoy_binary(), "--mode", "validate", "-c", str(config), *ENVOY_ARGUMENTS],
        capture_output=True, text=True, timeout=DRAIN_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_weights_of_a_route_split_what_is_one_route_in_the_books():
    """The other way to run a canary: the policy names one route, Envoy chooses the version by weight."""
    if not manifests.kustomize():
        pytest.skip("neither kubectl nor kustomize is installed: no manifests to run")

    class Weighted(GatewayStack):
        documents = manifests.load("overlays/canary-by-weight")

    policy = parity.policy_of(Weighted.documents, has_slots=True)
    stack = Weighted(StackOptions(policy=policy, simulator=True))
    # The policy does not know the Services behind the route.
    stack.clusters |= {name: free_port() for name in ("chat-llama3-8b-v1", "chat-llama3-8b-v2")}
    with stack:
        seen = [parity.ask(stack, Row("chat", 200, body=chat())) for _ in range(200)]
        assert {s.response.status_code for s in seen} == {200}
        assert {s.response.headers["x-ai-model-route"] for s in seen} == {"chat-llama3-8b"}
        drawn = Counter(s.response.headers["x-sim-backend"] for s in seen)
        # The chance that 200 requests at 10 % all miss the canary is one in a thousand million.
        assert set(drawn) == {"chat-llama3-8b-v1", "chat-llama3-8b-v2"}
        assert drawn["chat-llama3-8b-v1"] > drawn["chat-llama3-8b-v2"]
        settled = stack.ledger.settled(0, 200)
        assert {record["model_route"] for record in settled} == {"chat-llama3-8b"}
        ports = Counter(int(record["gateway_backend"].rpartition(":")[2]) for record in settled)
        assert ports == Counter({stack.clusters[name]: count for name, count in drawn.items()})


def scaled(documents: list[dict], divisor: int) -> list[dict]:
    """The same manifests with every timeout of a route that much shorter."""

    def shorter(duration: str) -> str:
        return f"{int(duration.removesuffix('s')) * 1000 // divisor}ms"

    for route in manifests.of_kind(documents, "HTTPRoute"):
        for rule in route["spec"]["rules"]:
            rule["timeouts"] = {k: shorter(v) for k, v in rule.get("timeouts", {}).items()}
    for policy in manifests.of_kind(documents, "BackendTrafficPolicy"):
        http = policy["spec"].get("timeout", {}).get("http", {})
        http.update({name: shorter(value) for name, value in http.items()})
    client = manifests.find(documents, "ClientTrafficPolicy", "ai-shared-gateway")
    http = client["spec"]["timeout"]["http"]
    http["streamIdleTimeout"] = shorter(http["streamIdleTimeout"])
    return documents


def test_a_silent_model_has_the_routes_whole_time():
    """No byte for most of it: an answer in one piece, and a stream that waits for its first token."""
    if not manifests.kustomize():
        pytest.skip("neither kubectl nor kustomize is installed: no manifests to run")

    class Scaled(GatewayStack):
        # 115 s are 7.6 s, a minute is 4.
        documents = scaled(manifests.load("base"), 15)

    stack = Scaled(StackOptions(policy=parity.policy_of(Scaled.documents, True), simulator=True))
    patient, late = ("x-sim-delay-ms", "4500"), ("x-sim-delay-ms", "60000")
    rows = [
        Row("an answer", 200, body=chat(), headers=[V1, patient]),
        Row("a stream", 200, body=chat(stream=True), headers=[V1, patient]),
        Row("nothing", 504, body=chat(), headers=[V1, late]),
    ]
    with stack, ThreadPoolExecutor(len(rows)) as pool:
        seen = list(pool.map(lambda row: parity.ask(stack, row), rows))
        assert [s.response.status_code for s in seen] == [row.status for row in rows]
        # What ends it is the route's time (an idle timeout says "stream timeout").
        assert seen[2].response.text == "upstream request timeout"


@pytest.mark.parametrize("name, patched, refused", [
    ("base", False, True),
    ("overlays/ext-authz-only", False, False),
    ("overlays/ext-authz-only", True, True),
])  # fmt: skip
def test_ext_authz_alone_sees_text_and_not_bytes(name, patched, refused):
    """The limit that its component states, and the remedy: pack-as-bytes.yaml's patch."""
    if not manifests.kustomize():
        pytest.skip("neither kubectl nor kustomize is installed: no manifests to run")
    example = manifests.KUBERNETES / "components/ext-authz-only/pack-as-bytes.yaml"
    (patch,) = yaml.safe_load(example.read_text())["spec"]["jsonPatches"]

    class Gateway(GatewayStack):
        documents = manifests.load(name)

        def _configuration(self) -> dict:
            found = super()._configuration()
            if patched:
                _patch(found, patch["operation"])
            return found

    policy = parity.policy_of(Gateway.documents, has_slots=name == "base")
    body = b'{"model":"llama3-8b","mod\xffel":"another","messages":[]}'
    with Gateway(StackOptions(policy=policy, simulator=True)) as stack:
        seen = parity.ask(stack, Row("bytes", 400, body=body, headers=[V1]))
        # The simulator refuses these bytes too, without a code; a server need not.
        assert seen.verdict == (400, "invalid_json" if refused else None)
        reached = parity.at_backends(stack, {"bytes": seen})["bytes"]
        assert len(reached) == (0 if refused else 1)


def _patch(value, operation: dict) -> None:
    """What Envoy Gateway does with `add` below a JSONPath of the form `..NAME`."""
    name = operation["jsonPath"].removeprefix("..")
    assert operation["op"] == "add" and name.isidentifier()
    for member, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if member == name:
            inner[operation["path"]] = operation["value"]
        if isinstance(inner, dict | list):
            _patch(inner, operation)


@pytest.mark.parametrize("name", ["base", "overlays/ext-authz-only"])
def test_without_tollgate_nothing_passes_and_nothing_is_forgotten(name):
    if not manifests.kustomize():
        pytest.skip("neither kubectl nor kustomize is installed: no manifests to run")

    class Gateway(GatewayStack):
        documents = manifests.load(name)

    policy = parity.policy_of(Gateway.documents, has_slots=name == "base")
    stack = Gateway(StackOptions(policy=policy, simulator=True, unknown_routes=("ghost-v1",)))
    forged = Row("forged", 503, body=chat(),
                 headers=[V1, ("x-ai-model-route", "chat-llama3-8b-v1")])  # fmt: skip
    with stack:
        assert parity.ask(stack, Row("chat", 200, body=chat())).response.status_code == 200
        stack.tollgate.expected_dead = True
        stack.tollgate.process.signal(signal.SIGKILL)
        stack.tollgate.process.wait(DRAIN_SECONDS)
        seen = {row.name: parity.ask(stack, row) for row in (
            forged, Row("chat", 503, body=chat()), Row("models", 503, path="/v1/models"),
            Row("nobody's host", 503, host="x.ai.example.com"),
        )}  # fmt: skip
        assert {s.response.status_code for s in seen.values()} == {503}
        assert not any(parity.at_backends(stack, seen).values())
        stack.tollgate.start()
        poll("Envoy finds it again",
             lambda: parity.ask(stack, Row("chat", 200, body=chat())).response.status_code == 200)
        assert stack.ledger.since(0, "admission")
