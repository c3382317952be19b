"""The requests that are tried: for every host and route of the configuration, and in every odd shape."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from configuration import Chain, type_of

ENDPOINTS = ("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/messages",
             "/v1/models", "/")  # fmt: skip
# Spellings of a path that one server takes for another.
ODD_PATHS = ("//v1/chat/completions", "/v1/../v1/chat/completions", "/v1/chat%2fcompletions",
             "/V1/CHAT/COMPLETIONS", "/v1/chat/completions/", "/v1/chat/completions;a=b",
             "/%76%31/chat/completions")  # fmt: skip
METHODS = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH")
HOSTS_OF_A_VIRTUAL_HOST_MAX = 3
LARGE_BODY_BYTES = 3 << 20
FORGED = {
    "x-ai-tenant": "prove", "x-ai-subject": "forged", "x-ai-request-id": "req_forged",
    "x-ai-model": "forged", "x-ai-stream": "false", "x-ai-traffic-class": "interactive_inference",
}  # fmt: skip


@dataclass(frozen=True)
class Request:
    """One request to try. `mark` finds it again wherever it arrives."""

    what: str
    method: str = "POST"
    path: str = "/v1/chat/completions"
    host: str = "prove.example.com"
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    # chunked, h2, or whole
    framing: str = "whole"
    # It should get through, with a verdict.
    is_good: bool = False

    @property
    def line(self) -> str:
        forged = [name for name, _ in self.fields if name.startswith("x-ai-")]
        more = f" with {', '.join(forged)}" if forged else ""
        return f"{self.method} {self.host}{self.path} ({self.what}){more}"


def body_of(model: str, text: str = "hello") -> bytes:
    return json.dumps({"model": model, "messages": [{"role": "user", "content": text}]}).encode()


def json_type() -> tuple[str, str]:
    return ("content-type", "application/json")


def requests_of(chain: Chain, routes: list[str], key: str) -> list[Request]:
    """All requests for one filter chain, each shape once."""
    found: dict[tuple, Request] = {}
    for request in _all(chain, routes, key):
        shape = (request.method, request.path, request.host, request.fields, request.body, request.framing)
        found.setdefault(shape, request)
    return list(found.values())


def _all(chain: Chain, routes: list[str], key: str) -> Iterator[Request]:
    bearer = ("authorization", f"Bearer {key}")
    hosts = ["nobody.example.net"]
    for virtual_host in chain.routes.get("virtual_hosts") or []:
        own = [_host(domain) for domain in virtual_host.get("domains") or []]
        own = own[:HOSTS_OF_A_VIRTUAL_HOST_MAX]
        hosts += own
        for host in own[:1]:
            for route in _flat(virtual_host):
                yield from _matching(route, host, routes)
    for host in dict.fromkeys(hosts):
        yield from _table(host, routes)
        for route in routes:
            body = body_of(_model(route))
            for framing in ("whole", "chunked", "h2"):
                yield Request(f"a good one, {framing}", host=host, body=body, framing=framing,
                              fields=(bearer, json_type()), is_good=True)  # fmt: skip


def _model(route: str) -> str:
    return f"prove-{route}"


def _table(host: str, routes: list[str]) -> Iterator[Request]:
    claims = [(("x-ai-model-route", route), *FORGED.items()) for route in routes] or [tuple(FORGED.items())]
    plain = Request("no key", host=host, fields=(json_type(),), body=body_of("prove"))
    for path in ENDPOINTS:
        yield replace(plain, path=path)
        for forged in claims:
            yield replace(plain, path=path, fields=(json_type(), *forged))
    for forged in claims[:3]:
        one = replace(plain, fields=(json_type(), *forged))
        yield replace(one, what="a wrong key", fields=(*one.fields, ("authorization", "Bearer wrong")))
        yield replace(one, what="no key, chunked", framing="chunked")
        yield replace(one, what="no key, HTTP/2", framing="h2")
        yield replace(one, what="no key, no body", body=b"")
        yield replace(one, what="no key, a large body", body=body_of("prove", "a" * LARGE_BODY_BYTES))
        yield replace(one, what="no key, text", fields=(("content-type", "text/plain"), *forged))
        yield replace(one, what="no key, gRPC", framing="h2", path="/inference.GRPCInferenceService/ModelInfer",
                      fields=(("content-type", "application/grpc"), ("te", "trailers"), *forged))  # fmt: skip
        yield replace(one, what="a WebSocket", method="GET", body=b"", fields=(
            ("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13"),
            ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="), *forged))  # fmt: skip
        yield replace(one, what="an upgrade of a POST", fields=(
            *one.fields, ("connection", "upgrade"), ("upgrade", "h2c")))  # fmt: skip
        yield replace(one, what="cross-origin", method="OPTIONS", body=b"", fields=(
            ("origin", "https://example.com"), ("access-control-request-method", "POST"), *forged))  # fmt: skip
        yield replace(one, what="Envoy's own headers", fields=(
            *one.fields, ("x-envoy-original-path", "/healthz"), ("x-envoy-internal", "true"),
            ("x-envoy-upstream-rq-timeout-ms", "1")))  # fmt: skip
        yield replace(one, what="another name of the header", fields=(
            json_type(), *((name.replace("-", "_"), value) for name, value in forged)))  # fmt: skip
        for path in ODD_PATHS:
            yield replace(one, path=path, what="an odd path")
        for method in METHODS:
            yield replace(one, method=method, body=b"", fields=forged, what="no key, another method")


def _matching(route: dict, host: str, routes: list[str]) -> Iterator[Request]:
    """What this route asks for, without a key: whoever can write its headers can choose it."""
    match = route.get("match") or {}
    fields = []
    method = "POST"
    for header in match.get("headers") or []:
        name, value = str(header.get("name", "")).lower(), _value(header)
        if name == ":method" and value:
            method = value
        elif value is not None and not name.startswith(":"):
            fields.append((name, value))
    if "grpc" in match:
        fields.append(("content-type", "application/grpc"))
    query = "&".join(
        f"{one.get('name')}={_value(one) or '1'}" for one in match.get("query_parameters") or []
    )
    for path in _paths(match):
        what = f"as the route {route.get('name') or match} wants it"
        full = f"{path}?{query}" if query else path
        body = body_of("prove") if method in ("POST", "PUT", "PATCH") else b""
        base = tuple(fields) if any(n == "content-type" for n, _ in fields) else (json_type(), *fields)
        yield Request(what, method, full, host, base, body)
        yield Request(what, method, full, host, (*base, *FORGED.items()), body)
        yield Request(f"{what}, HTTP/2", method, full, host, base, body, framing="h2")


def _flat(virtual_host: dict) -> Iterator[dict]:
    """The routes of a virtual host, those of inline matchers too."""

    def routes_in(value: object) -> Iterator[dict]:
        if isinstance(value, dict):
            if type_of(value) == "Route":
                yield value
            for inner in value.values():
                yield from routes_in(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from routes_in(inner)

    yield from virtual_host.get("routes") or []
    yield from routes_in(virtual_host.get("matcher"))


def _host(domain: str) -> str:
    if domain == "*":
        return "prove.example.com"
    if domain.startswith("*"):
        return "prove" + domain[1:]
    return domain[:-1] + "prove" if domain.endswith("*") else domain


def _paths(match: dict) -> list[str]:
    if "path" in match:
        return [match["path"]]
    if "prefix" in match:
        prefix = match["prefix"]
        return [prefix, *(path for path in ENDPOINTS[:4] if path.startswith(prefix) and path != prefix)]
    if "path_separated_prefix" in match:
        return [match["path_separated_prefix"], match["path_separated_prefix"] + "/x"]
    return list(ENDPOINTS[:5])


def _value(matcher: dict) -> str | None:
    """A value that a matcher takes; None where the header has to be absent, or none is known."""
    if matcher.get("invert_match"):
        return None
    text = matcher.get("string_match") or {}
    for source, key in ((text, "exact"), (matcher, "exact_match")):
        if key in source:
            return source[key]
    for source, key in ((text, "prefix"), (matcher, "prefix_match")):
        if key in source:
            return source[key] + "prove"
    for source, key in ((text, "suffix"), (matcher, "suffix_match")):
        if key in source:
            return "prove" + source[key]
    for source, key in ((text, "contains"), (matcher, "contains_match")):
        if key in source:
            return source[key]
    if "range_match" in matcher:
        return str(matcher["range_match"].get("start", 0))
    pattern = (text.get("safe_regex") or matcher.get("safe_regex_match") or {}).get("regex")
    if pattern is not None:
        return pattern.replace(".*", "prove").replace(".+", "prove").replace("\\", "").strip("^$()")
    return None if matcher.get("present_match") is False else "prove"
