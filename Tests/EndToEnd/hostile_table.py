"""Hostile requests, each with the answer it must get. None may ever reach a backend.

`status` None: Envoy's parser refuses it before Tollgate is asked, with a 4xx or 5xx or by closing.
"""

from dataclasses import dataclass

import policy as policies
from policy import HOST_A, HOST_B, KEY_A, KEY_B
from wire import CHAT, h1, h2_fields

ENVOYS = None
JWT = "eyJhbGciOiJub25lIn0.eyJ0ZW5hbnQiOiJ0ZW5hbnQtYSJ9.c2lnbmF0dXJl"
SPIFFE = policies.PRINCIPAL_A


@dataclass(frozen=True)
class Hostile:
    name: str
    request: bytes | tuple
    status: int | None
    code: str | None = None
    method: str = "POST"

    @property
    def is_h2(self) -> bool:
        return isinstance(self.request, tuple)


def _json(name: str, body: bytes | str, status: int, code: str | None) -> Hostile:
    raw = body.encode() if isinstance(body, str) else body
    return Hostile(f"json: {name}", h1(body=raw), status, code)


def _chat(members: str) -> str:
    return '{"model":"llama3-8b","messages":[],%s}' % members


def _hosts() -> list[Hostile]:
    mismatch = (403, "tenant_mismatch")
    return [
        Hostile("host: another tenant's", h1(host=HOST_B), *mismatch),
        Hostile("host: another tenant's in capitals", h1(host=HOST_B.upper()), *mismatch),
        Hostile("host: another tenant's with a port", h1(host=HOST_B + ":443"), *mismatch),
        Hostile("host: another tenant's with a dot", h1(host=HOST_B + "."), *mismatch),
        Hostile("host: nobody's", h1(host="nobody.example.com"), *mismatch),
        Hostile("host: ours as a prefix", h1(host=HOST_A + ".evil.example"), *mismatch),
        Hostile("host: ours as a suffix", h1(host="evil" + HOST_A), *mismatch),
        Hostile("host: two trailing dots", h1(host=HOST_A + ".."), *mismatch),
        Hostile("host: userinfo", h1(host=f"{HOST_A}@{HOST_B}"), *mismatch),
        Hostile("host: comma", h1(host=f"{HOST_A},{HOST_B}"), *mismatch),
        Hostile("host: percent-encoded", h1(host=HOST_A.replace("-", "%2d")), *mismatch),
        Hostile("host: a port that is none", h1(host=HOST_A + ":port"), *mismatch),
        Hostile("host: two ports", h1(host=HOST_A + ":80:80"), *mismatch),
        Hostile("host: twice", h1(headers=[f"Host: {HOST_B}"]), ENVOYS),
        Hostile("host: none", h1(host=None), ENVOYS),
        Hostile("host: with a space", h1(host=f"{HOST_A} {HOST_B}"), ENVOYS),
        Hostile("host: absolute target wins",
                h1(target=f"http://{HOST_B}/v1/chat/completions"), *mismatch),
        Hostile("host: x-forwarded-host is nothing",
                h1(host=HOST_B, headers=[f"X-Forwarded-Host: {HOST_A}"]), *mismatch),
        Hostile("host: h2 host header against :authority",
                (h2_fields(authority=HOST_B, extra=[("host", HOST_A)]), CHAT), *mismatch),
    ]  # fmt: skip


def _paths() -> list[Hostile]:
    targets = {
        "dot dot": "/v1/../v1/chat/completions",
        "dot": "/v1/./chat/completions",
        "double slash": "/v1//chat/completions",
        "double slash first": "//v1/chat/completions",
        "trailing slash": "/v1/chat/completions/",
        "%2f": "/v1/chat%2fcompletions",
        "%2F": "/v1/chat%2Fcompletions",
        "%2e%2e": "/v1/%2e%2e/v1/chat/completions",
        "%5c": "/v1/chat%5ccompletions",
        "encoded letter": "/v1/%63hat/completions",
        "encoded NUL": "/v1/chat/completions%00",
        "encoded space": "/v1/chat/completions%20",
        "encoded query": "/v1/chat/completions%3fx",
        "parameter": "/v1/chat/completions;x=1",
        "capitals": "/V1/Chat/Completions",
        "backslash": "/v1/chat\\completions",
        "climb to another": "/v1/chat/completions/../../../custom/search",
        "unknown": "/v1/nothing",
        "root": "/",
        "admin": "/admin",
        "prefix": "/x/v1/chat/completions",
        "azure climbing": "/openai/deployments/../deployments/llama3-8b/chat/completions",
        "%2f below a model's page": "/v1/models%2fllama3-8b",
        "azure %2f": "/openai/deployments/llama3-8b%2fchat/completions/chat/completions",
        "azure unknown operation": "/openai/deployments/llama3-8b/files",
        "azure without a name": "/openai/deployments//chat/completions",
        "long": "/v1/chat/completions/" + "a" * 8000,
    }
    table = [
        Hostile(f"path: {name}", h1(target=target), 404, "unknown_path")
        for name, target in targets.items()
    ]
    return table + [
        Hostile("path: not in the tenant's list", h1(target="/v1/images/generations"), 403,
                "path_not_allowed"),
        Hostile("path: another tenant's custom path",
                h1("/custom/search", host=HOST_B, key=KEY_B), 404, "unknown_path"),
        Hostile("path: climbing under the model list",
                h1("/v1/models/../../v1/chat/completions", "GET", body=b""), 404,
                "unknown_path", "GET"),
        Hostile("path: a model of another tenant",
                h1("/v1/models/b-only", "GET", body=b""), 404, "model_not_found", "GET"),
        Hostile("path: a model that nobody has",
                h1("/v1/models/nobody-has-this", "GET", body=b""), 404, "model_not_found", "GET"),
        Hostile("path: climbing inside a model's id",
                h1("/v1/models/%2e%2e%2fchat%2fcompletions", "GET", body=b""), 404,
                "model_not_found", "GET"),
        Hostile("path: a model's id encoded twice",
                h1("/v1/models/llama3%252D8b", "GET", body=b""), 404, "model_not_found", "GET"),
        Hostile("path: a model's id with half an escape",
                h1("/v1/models/llama3%2", "GET", body=b""), 404, "model_not_found", "GET"),
        Hostile("path: a model of another tenant, encoded",
                h1("/v1/models/b%2Donly", "GET", body=b""), 404, "model_not_found", "GET"),
        Hostile("path: not this tenant's", h1(host=HOST_B, key=KEY_B), 403, "path_not_allowed"),
        Hostile("path: fragment", h1(target="/v1/chat/completions#/v1/embeddings"), ENVOYS),
        Hostile("path: raw NUL", h1(target=b"/v1/chat/completions\0"), ENVOYS),
        Hostile("path: raw high bytes", h1(target=b"/v1/chat/completions\xff\xfe"), ENVOYS),
        Hostile("path: too long for Envoy", h1(target="/" + "a" * 120_000), ENVOYS),
        Hostile("path: no slash", h1(target="v1/chat/completions"), ENVOYS),
        Hostile("path: azure body names another model", h1(
            target="/openai/deployments/llama3-8b/chat/completions",
            body=b'{"model":"canary","messages":[]}'), 400, "invalid_value"),
        Hostile("path: azure of another tenant's model", h1(
            target="/openai/deployments/b-only/chat/completions", body=b'{"messages":[]}'),
            404, "model_not_found"),
        Hostile("path: h2 empty", (h2_fields(path=""), CHAT), ENVOYS),
        Hostile("path: h2 no slash", (h2_fields(path="v1/chat/completions"), CHAT), ENVOYS),
    ]  # fmt: skip


def _credentials() -> list[Hostile]:
    def refused(name: str, *lines: str | bytes, **named) -> Hostile:
        return Hostile(
            f"credential: {name}", h1(key=None, headers=lines, **named), 401, "invalid_api_key"
        )

    bearer = f"Authorization: Bearer {KEY_A}"
    return [
        refused("none"),
        refused("unknown", "Authorization: Bearer tg-test-unknown-0123456789abcdef"),
        refused("expired", f"Authorization: Bearer {policies.KEY_A_EXPIRED}"),
        refused("disabled", f"Authorization: Bearer {policies.KEY_A_DISABLED}"),
        refused("repeated", bearer, bearer),
        refused("repeated, the second wrong", bearer, "Authorization: Bearer wrong"),
        refused("comma-joined", f"{bearer}, Bearer {KEY_A}"),
        refused("comma-joined x-api-key", f"X-Api-Key: {KEY_A},{KEY_A}"),
        refused("two that disagree", bearer, f"X-Api-Key: {KEY_B}"),
        refused("two, one unknown", bearer, "Api-Key: wrong"),
        refused("two, one empty", bearer, "X-Api-Key:"),
        refused("empty", "Authorization:"),
        refused("bearer of nothing", "Authorization: Bearer "),
        refused("over-long", "Authorization: Bearer " + "k" * 20_000),
        refused("over-long x-api-key", "X-Api-Key: " + "k" * 20_000),
        refused("looks like a JWT", f"Authorization: Bearer {JWT}"),
        refused("JWT and a good key", f"Authorization: Bearer {JWT}", f"X-Api-Key: {KEY_A}"),
        refused("another scheme", f"Authorization: Basic {KEY_A}"),
        refused("two words", f"{bearer} extra"),
        refused("capitals", f"Authorization: Bearer {KEY_A.upper()}"),
        refused("the stored digest", f"Authorization: Bearer {policies.digest(KEY_A)}"),
        refused("cut short", f"Authorization: Bearer {KEY_A[:-1]}"),
        refused("longer", f"Authorization: Bearer {KEY_A}0"),
        refused("in the query", target=f"/v1/chat/completions?api-key={KEY_A}&key={KEY_A}"),
        refused("in a cookie", f"Cookie: authorization=Bearer {KEY_A}"),
        refused("proxy-authorization", f"Proxy-Authorization: Bearer {KEY_A}"),
        refused("underscored header", f"X_Api_Key: {KEY_A}"),
        refused("a forged tenant header", "X-AI-Tenant: tenant-a", "X-AI-Subject: root"),
        refused("a forged certificate header",
                f"X-Forwarded-Client-Cert: By=x;Hash=00;URI={SPIFFE}"),
        refused("forged metadata headers", "Envoy.filters.http.jwt_authn: tenant-a",
                'X-Envoy-Dynamic-Metadata: {"tollgate":{"tenant":"tenant-a"}}',
                'Tollgate: {"tenant":"tenant-a"}'),
        refused("high bytes", b"Authorization: Bearer \xff\xfe"),
        Hostile("credential: h2 repeated",
                (h2_fields(extra=[("authorization", f"Bearer {KEY_A}")]), CHAT), 401,
                "invalid_api_key"),
        Hostile("credential: NUL inside", h1(key=None, headers=[bearer + "\0"]), ENVOYS),
        Hostile("credential: space before the colon",
                h1(key=None, headers=[f"Authorization : Bearer {KEY_A}"]), ENVOYS),
        Hostile("credential: on the model list",
                h1("/v1/models", "GET", key="wrong", body=b""), 401, "invalid_api_key", "GET"),
        Hostile("credential: anthropic's own header twice", h1(
            target="/v1/messages", key=None,
            headers=[f"X-Api-Key: {KEY_A}", f"X-Api-Key: {KEY_A}"]), 401),
    ]  # fmt: skip


def _methods() -> list[Hostile]:
    table = [
        Hostile(f"method: {method}", h1(method=method, body=body), 405, "method_not_allowed", method)
        for method, body in [
            ("GET", b""), ("GET", CHAT), ("PUT", CHAT), ("PATCH", CHAT), ("DELETE", b""),
            ("OPTIONS", b""), ("PROPFIND", b""),
        ]
    ]
    # The answer to HEAD has no body to read a code from.
    table.append(Hostile("method: HEAD", h1(method="HEAD", body=b""), 405, None, "HEAD"))
    upgrade = ["Connection: Upgrade", "Upgrade: websocket"]
    return table + [
        Hostile("method: POST on the model list", h1("/v1/models"), 405, "method_not_allowed"),
        Hostile("method: DELETE of a model", h1("/v1/models/llama3-8b", "DELETE", body=b""), 405,
                "method_not_allowed", "DELETE"),
        Hostile("method: lower case", h1(method="post"), ENVOYS),
        Hostile("method: unknown", h1(method="BREW"), ENVOYS),
        Hostile("method: CONNECT", h1(target="x:443", method="CONNECT", body=b""), ENVOYS),
        Hostile("method: asterisk", h1(target="*", method="OPTIONS", body=b""), ENVOYS),
        Hostile("method: Upgrade on POST", h1(headers=upgrade), 426, "unsupported_upgrade"),
        Hostile("method: a WebSocket on a known endpoint",
                h1("/v1/responses", "GET", headers=upgrade, body=b"", content_type=None), 426,
                "unsupported_upgrade", "GET"),
        Hostile("method: a WebSocket, Anthropic's dialect",
                h1("/v1/messages", "GET", headers=upgrade, body=b"", content_type=None), 426,
                None, "GET"),
        Hostile("method: h2 GET with a body", (h2_fields(method="GET"), CHAT), 405,
                "method_not_allowed"),
    ]  # fmt: skip


def _framing() -> list[Hostile]:
    chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(CHAT), CHAT)

    def chunked(value: str, body: bytes = chunk) -> bytes:
        return h1(headers=[f"Transfer-Encoding: {value}"], body=body, length=False)

    requests = {
        "TE and CL": h1(headers=["Transfer-Encoding: chunked"], body=chunk),
        "TE identity": chunked("identity"),
        "TE chunked, identity": chunked("chunked, identity"),
        "TE xchunked": chunked("xchunked"),
        "TE twice": h1(headers=["Transfer-Encoding: chunked", "Transfer-Encoding: x"],
                       body=chunk, length=False),
        "CL twice": h1(headers=["Content-Length: 3"]),
        "CL comma": h1(headers=[f"Content-Length: {len(CHAT)}, 3"], length=False),
        "CL negative": h1(headers=["Content-Length: -1"], length=False),
        "CL with a sign": h1(headers=[f"Content-Length: +{len(CHAT)}"], length=False),
        "CL hexadecimal": h1(headers=["Content-Length: 0x10"], length=False),
        "bad chunk size": chunked("chunked", b"zz\r\nhello\r\n0\r\n\r\n"),
        "negative chunk size": chunked("chunked", b"-5\r\nhello\r\n0\r\n\r\n"),
        "chunk size overflow": chunked("chunked", b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
        "no version": h1().replace(b" HTTP/1.1", b"", 1),
    }  # fmt: skip
    h2 = {
        "h2 content-length lies": (h2_fields(extra=[("content-length", "3")]), CHAT),
        "h2 connection header": (h2_fields(extra=[("connection", "x-ai-tenant")]), CHAT),
        "h2 capital header": (h2_fields(extra=[("X-AI-Tenant", "tenant-b")]), CHAT),
        "h2 transfer-encoding": (h2_fields(extra=[("transfer-encoding", "chunked")]), CHAT),
        "h2 two paths": ([(":path", "/v1/models"), *h2_fields()], CHAT),
        "h2 two authorities": ([(":authority", HOST_B), *h2_fields()], CHAT),
        "h2 late pseudo-header": (h2_fields(extra=[(":path", "/v1/models")]), CHAT),
        "h2 newline in a value": (h2_fields(extra=[("x-a", "b\r\nx-ai-tenant: c")]), CHAT),
        "h2 unknown pseudo-header": ([(":x-ai-tenant", "c"), *h2_fields()], CHAT),
    }
    return [Hostile(f"framing: {name}", request, ENVOYS) for name, request in (requests | h2).items()]


def _types() -> list[Hostile]:
    media, encoding = (415, "unsupported_media_type"), (415, "unsupported_encoding")
    form = "multipart/form-data; boundary=x"
    form_body = b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\nllama3-8b\r\n--x--\r\n'
    audio = "/v1/audio/transcriptions"
    return [
        Hostile("type: none", h1(content_type=None), *media),
        Hostile("type: text", h1(content_type="text/plain"), *media),
        Hostile("type: form", h1(content_type="application/x-www-form-urlencoded"), *media),
        Hostile("type: nearly json", h1(content_type="application/jsonp"), *media),
        Hostile("type: json as a parameter", h1(content_type="text/plain; application/json"),
                *media),
        Hostile("type: utf-16", h1(content_type="application/json; charset=utf-16"), *media),
        Hostile("type: twice", h1(headers=[f"Content-Type: {form}"]), *media),
        Hostile("type: comma", h1(content_type=f"application/json, {form}"), *media),
        Hostile("type: a form on a JSON path", h1(content_type=form, body=form_body), *media),
        Hostile("type: JSON on a form path", h1(target=audio), *media),
        Hostile("type: a form without a boundary",
                h1(target=audio, content_type="multipart/form-data", body=form_body), *media),
        Hostile("type: mixed, not a form",
                h1(target=audio, content_type="multipart/mixed; boundary=x", body=form_body),
                *media),
        Hostile("encoding: gzip", h1(headers=["Content-Encoding: gzip"]), *encoding),
        Hostile("encoding: gzip, identity", h1(headers=["Content-Encoding: gzip, identity"]),
                *encoding),
        Hostile("encoding: twice",
                h1(headers=["Content-Encoding: identity", "Content-Encoding: br"]), *encoding),
        Hostile("encoding: unknown", h1(headers=["Content-Encoding: rot13"]), *encoding),
        Hostile("form: model twice", h1(target=audio, content_type=form,
                body=form_body[:-7] + form_body), 400, "duplicate_key"),
        Hostile("form: no end", h1(target=audio, content_type=form, body=form_body[:-7]), 400),
        Hostile("form: no model", h1(target=audio, content_type=form,
                body=form_body.replace(b'"model"', b'"mode"')), 400, "missing_model"),
    ]  # fmt: skip


def _duplicate_keys() -> list[Hostile]:
    duplicate = (400, "duplicate_key")
    return [_json(*row) for row in [
        ("key twice", '{"model":"llama3-8b","model":"b-only"}', *duplicate),
        ("key twice, the same", '{"model":"llama3-8b","model":"llama3-8b"}', *duplicate),
        ("key twice after unescaping", '{"model":"llama3-8b","mo\\u0064el":"b-only"}', *duplicate),
        ("key twice, escaped first", '{"\\u006dodel":"b-only","model":"llama3-8b"}', *duplicate),
        ("key in capitals too", '{"model":"llama3-8b","Model":"b-only"}', *duplicate),
        ("key in capitals alone", '{"MODEL":"llama3-8b"}', *duplicate),
        ("escaped capitals", '{"model":"llama3-8b","\\u004dodel":"b-only"}', *duplicate),
        ("long s", _chat('"\u017ftream":true'), *duplicate),
        ("escaped long s", _chat('"\\u017ftream":true'), *duplicate),
        ("Kelvin sign", _chat('"max_to\u212aens":5'), *duplicate),
        ("escaped Kelvin sign", _chat('"max_to\\u212aens":5'), *duplicate),
        ("stream twice", _chat('"stream":true,"stream":false'), *duplicate),
        ("max_tokens twice", _chat('"max_tokens":1,"max_tokens":2'), *duplicate),
        ("n twice", _chat('"n":1,"N":128'), *duplicate),
        ("twice in stream_options",
         _chat('"stream":true,"stream_options":{"include_usage":true,"include_usage":false}'),
         *duplicate),
        ("capitals in stream_options",
         _chat('"stream":true,"stream_options":{"Include_Usage":true}'), *duplicate),
    ]]  # fmt: skip


def _no_json() -> list[Hostile]:
    invalid = (400, "invalid_json")
    deep = '"x":' + "[" * 256 + "]" * 256
    return [_json(*row) for row in [
        ("array", "[]", *invalid),
        ("string", '"model"', *invalid),
        ("number", "7", *invalid),
        ("null", "null", *invalid),
        ("white space alone", " \n ", *invalid),
        ("byte order mark", b"\xef\xbb\xbf" + CHAT, *invalid),
        ("UTF-16", CHAT.decode().encode("utf-16-le"), *invalid),
        ("UTF-16 with its mark", CHAT.decode().encode("utf-16"), *invalid),
        ("UTF-32", CHAT.decode().encode("utf-32"), *invalid),
        ("trailing data", CHAT + b"x", *invalid),
        ("two documents", CHAT + CHAT, *invalid),
        ("NaN", _chat('"temperature":NaN'), *invalid),
        ("Infinity", _chat('"temperature":-Infinity'), *invalid),
        ("comment", _chat('/* x */"a":1'), *invalid),
        ("line comment", _chat('//x\n"a":1'), *invalid),
        ("trailing comma", '{"model":"llama3-8b",}', *invalid),
        ("single quotes", "{'model':'llama3-8b'}", *invalid),
        ("unquoted key", '{model:"llama3-8b"}', *invalid),
        ("leading zero", _chat('"seed":01'), *invalid),
        ("plus sign", _chat('"seed":+1'), *invalid),
        ("hexadecimal", _chat('"seed":0x1'), *invalid),
        ("bare point", _chat('"seed":1.'), *invalid),
        ("True", _chat('"stream":True'), *invalid),
        ("cut", CHAT[:-1], *invalid),
        ("cut in a string", CHAT[:12], *invalid),
        ("invalid UTF-8", CHAT[:-1] + b',"x":"\xff"}', *invalid),
        ("overlong UTF-8", CHAT[:-1] + b',"x":"\xc0\x80"}', *invalid),
        ("surrogate in UTF-8", CHAT[:-1] + b',"x":"\xed\xa0\x80"}', *invalid),
        ("raw newline in a string", CHAT[:-1] + b',"x":"a\nb"}', *invalid),
        ("raw NUL", CHAT[:-1] + b',"x":\0}', *invalid),
        ("bad escape", _chat('"x":"\\q"'), *invalid),
        ("short escape", _chat('"x":"\\u12"'), *invalid),
        ("form feed", CHAT + b"\f", *invalid),
        ("no-break space", CHAT + b"\xc2\xa0", *invalid),
        ("too deep", _chat(deep), *invalid),
    ]]  # fmt: skip


def _bad_values() -> list[Hostile]:
    value = (400, "invalid_value")
    return [_json(*row) for row in [
        ("no model", '{"messages":[]}', 400, "missing_model"),
        ("null model", '{"model":null}', 400, "missing_model"),
        ("model deeper down", '{"messages":[{"model":"llama3-8b"}]}', 400, "missing_model"),
        ("model is a number", '{"model":7}', *value),
        ("model is a list", '{"model":["llama3-8b"]}', *value),
        ("model is an object", '{"model":{"model":"llama3-8b"}}', *value),
        ("n of 0", _chat('"n":0'), *value),
        ("n of 129", _chat('"n":129'), *value),
        ("n of a half", _chat('"n":1.5'), *value),
        ("n negative", _chat('"n":-1'), *value),
        ("n as text", _chat('"n":"2"'), *value),
        ("max_tokens of 0", _chat('"max_tokens":0'), *value),
        ("max_tokens negative", _chat('"max_tokens":-5'), *value),
        ("max_tokens of 2^31", _chat('"max_tokens":2147483648'), *value),
        ("max_tokens huge", _chat('"max_tokens":1e400'), *value),
        ("max_tokens past the model's", _chat('"max_tokens":4097'), *value),
        ("one bound of two past the model's",
         _chat('"max_tokens":5,"max_completion_tokens":4097'), *value),
        ("stream as text", _chat('"stream":"true"'), *value),
        ("stream as number", _chat('"stream":1'), *value),
        ("stream_options as list", _chat('"stream":true,"stream_options":[]'), *value),
        ("include_usage as text",
         _chat('"stream":true,"stream_options":{"include_usage":"yes"}'), *value),
    ]]  # fmt: skip


def _bad_models() -> list[Hostile]:
    value, unknown = (400, "invalid_value"), (404, "model_not_found")
    return [_json(*row) for row in [
        ("model unknown", '{"model":"nobody-has-this"}', *unknown),
        ("model of another tenant", '{"model":"b-only"}', *unknown),
        ("model in capitals", '{"model":"LLAMA3-8B"}', *unknown),
        ("model with a space", '{"model":" llama3-8b"}', *unknown),
        ("model with NUL", '{"model":"llama3-8b\\u0000"}', *value),
        ("model with a header in it", '{"model":"llama3-8b\\r\\nx-ai-tenant: b"}', *value),
        ("model as a pattern", '{"model":"*"}', *unknown),
        ("model as a path", '{"model":"../llama3-8b"}', *unknown),
        ("model by its route", '{"model":"chat-llama3-8b-v1"}', *unknown),
        ("model by its upstream name", '{"model":"vendor/renamed-2026-10-long"}', *unknown),
    ]]  # fmt: skip


def _header_counts() -> list[Hostile]:
    # The bench's Envoy and policy take 1,000; a dozen are Envoy's and ours.
    many = [f"x-m-{number}: 1" for number in range(985)]
    too_many = (431, "too_many_headers")
    return [
        Hostile("headers: too many with ours", h1(headers=many), *too_many),
        Hostile("headers: too many on an uninspected path",
                h1("/custom/search", headers=[*many, "x-m: 1", "x-n: 1"]), *too_many),
        Hostile("headers: too many, Anthropic's dialect", h1("/v1/messages", headers=many), 431),
        Hostile("headers: too many for Envoy", h1(headers=many * 2), ENVOYS),
    ]  # fmt: skip


def _other_ways() -> list[Hostile]:
    """Fields that choose a model or a way out beside `model`."""
    refused = (400, "unsupported_parameter")
    return [_json(*row) for row in [
        ("models", _chat('"models":["llama3-8b","b-only"],"route":"fallback"'), *refused),
        ("fallbacks", _chat('"fallbacks":["b-only"]'), *refused),
        ("fallbacks of its own model", _chat('"fallbacks":["llama3-8b"]'), *refused),
        ("fallback_models, escaped", _chat('"fallb\\u0061ck_models":"b-only"'), *refused),
        ("model_fallbacks in capitals", _chat('"MODEL_FALLBACKS":["b-only"]'), *refused),
        ("provider", _chat('"provider":{"order":["other"]}'), *refused),
        ("base_url with a long s", _chat('"ba\u017fe_url":"http://evil.example"'), *refused),
        ("api_key", _chat('"api_key":"sk-other"'), *refused),
        ("an adapter in extra_body", _chat('"extra_body":{"lora_request":{"lora_name":"x"}}'), *refused),
        ("a model in extra_body", _chat('"extra_body":{"model":"b-only"}'), *refused),
        ("an adapter, two levels down", _chat('"parameters":{"extra_body":{"adapter_id":"x"}}'), *refused),
        ("bootstrap_host", _chat('"bootstrap_host":"10.0.0.1"'), *refused),
        ("in the background", _chat('"background":true'), *refused),
        ("models twice", _chat('"models":null,"models":["b-only"]'), 400, "duplicate_key"),
    ]]  # fmt: skip


def _bodies() -> list[Hostile]:
    return [
        Hostile("json: empty body", h1(body=b""), 400),
        Hostile("json: trailers alone", h1(
            headers=["Transfer-Encoding: chunked"], length=False,
            body=b"0\r\nX-Ai-Model-Route: chat-llama3-8b-v1\r\n\r\n"), 400),
        Hostile("json: model too long", h1(body=b'{"model":"%s"}' % (b"m" * 100_000)), 400,
                "invalid_value"),
        Hostile("json: model of another path", h1(
            target="/v1/completions", body=b'{"model":"chat-only","prompt":""}'), 404,
            "model_not_found"),
        Hostile("json: model not this key's",
                h1(key=policies.KEY_A_NARROW), 404, "model_not_found"),
        Hostile("json: messages dialect", h1(target="/v1/messages", body=b"{"), 400),
    ]  # fmt: skip


TABLE = (
    _hosts() + _paths() + _credentials() + _methods() + _framing() + _types() + _duplicate_keys()
    + _no_json() + _bad_values() + _bad_models() + _other_ways() + _bodies() + _header_counts()
)

# Good requests, each of a caller who might get more because the store of its limits is lost.
STORE_LOST = tuple(
    # Anthropic's errors have no code.
    Hostile(f"store: {name}", h1(**what), 503, None if "target" in what else "store_unavailable")
    for name, what in {
        "a chat": {},
        "a stream": {"body": b'{"model":"llama3-8b","stream":true,"messages":[]}'},
        "a chat of an Anthropic client": {
            "target": "/v1/messages",
            "body": b'{"model":"llama3-8b","max_tokens":1,"messages":[]}'},
        "a claim to be let through": {"headers": ["X-On-Store-Loss: allow"]},
    }.items()
)  # fmt: skip
