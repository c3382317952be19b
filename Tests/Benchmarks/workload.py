"""What the benchmark sends: a policy of many tenants, and Envoy's messages for one of them.

Everything is made from fixed seeds, so that two runs measure the same bytes. The messages are the
official ones of `xds-protos`, filled in as Envoy 1.40 fills them in.
"""

import hashlib
import json
import random
import struct
from dataclasses import dataclass

from envoy.config.core.v3 import base_pb2
from envoy.extensions.filters.http.ext_proc.v3 import processing_mode_pb2
from envoy.service.auth.v3 import external_auth_pb2
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc

TENANTS = 1000
KEYS_PER_TENANT = 5
MODELS = 24

# The tenant and the rest that the load uses: not the first nor the last of its kind, so that look-ups
# cost what they usually do.
CALLER_TENANT = 617
CALLER_KEY = 3
CALLER_MODEL = 7

CHAT_PATH = "/v1/chat/completions"
KIB, MIB = 1 << 10, 1 << 20

# Too high to be reached: every limit is checked, none refuses.
PLENTY = 500_000_000


def tenant_name(number):
    return f"tenant-{number:04d}"


def hostname(number):
    return f"{tenant_name(number)}.ai.example.com"


def api_key(tenant, key):
    secret = hashlib.sha256(f"benchmark key {tenant} {key}".encode()).hexdigest()
    return f"tg-{secret[:48]}"


def model_name(number):
    return f"bench-llm-{number:02d}"


def route_name(model, version):
    return f"chat-bench-llm-{model:02d}-v{version}"


def policy():
    """The policy as a value that JSON (and so JSON5) can carry."""
    models = {}
    for number in range(MODELS):
        models[model_name(number)] = {
            "aliases": [f"bench-{number:02d}-latest"],
            "class": "interactive_inference" if number % 3 else "batch_inference",
            "routes": [
                {"name": route_name(number, 1), "weight": 90},
                {"name": route_name(number, 2), "weight": 10},
            ],
            "max_output_tokens": 4096,
            "price_usd_per_million": {"prompt": 0.2, "completion": 0.6},
        }
    tenants = {}
    for number in range(TENANTS):
        mine = [model_name((number + step) % MODELS) for step in range(6)]
        if number == CALLER_TENANT and model_name(CALLER_MODEL) not in mine:
            mine[-1] = model_name(CALLER_MODEL)
        tenants[tenant_name(number)] = {
            "hostnames": [hostname(number), f"{tenant_name(number)}.internal.example.net"],
            "keys": [
                {
                    "id": f"key-{key}",
                    "sha256": hashlib.sha256(api_key(number, key).encode()).hexdigest(),
                    "subject": f"svc:agent-{key}",
                }
                for key in range(KEYS_PER_TENANT)
            ],
            "principals": [{"uri": f"spiffe://cluster.local/ns/{tenant_name(number)}/sa/*"}],
            "allow": [{"paths": [CHAT_PATH, "/v1/completions", "/v1/responses"], "models": mine}],
            "limits": [
                {"name": "rpm", "requests": PLENTY, "per": "minute"},
                {"name": "tpm", "tokens": PLENTY * 1000, "per": "minute"},
                {"name": "each-caller", "requests": PLENTY, "per": "minute", "scope": "subject"},
                {"name": "monthly", "usd": PLENTY, "per": "month"},
                {"name": "parallel", "concurrent": 1_000_000},
            ],
        }
    return {
        "version": 1,
        "timezone": "UTC",
        "shared_hostnames": ["api.ai.example.com"],
        "max_body_bytes": 32 * MIB,
        "auth": {"client_certificates": True},
        "classes": {
            "interactive_inference": {
                "latency_sensitive": True, "streaming": True, "retry_friendly": False,
            },
            "batch_inference": {
                "latency_sensitive": False, "streaming": False, "retry_friendly": True,
            },
        },
        "models": models,
        "tenants": tenants,
    }


WORDS = (
    "the of and to a in that is was for it with as on be at by this have from or had not but "
    "what all were when we there can an your which their said if do will each about how up out "
    "them then request token latency cluster gateway tenant budget summary contract invoice "
    "customer schedule naïve café Zürich 東京 über résumé"
).split()


def prose(source, length):
    """Text of `length` characters or a word more, with breaks, quotes and code as prompts have."""
    parts, total = [], 0
    while total < length:
        draw = source.random()
        if draw < 0.02:
            part = '\n\n```python\nprint("hello", x[0])\n```\n'
        elif draw < 0.05:
            part = ".\n"
        elif draw < 0.07:
            part = f'"{source.choice(WORDS)}" '
        else:
            part = source.choice(WORDS) + " "
        parts.append(part)
        total += len(part)
    return "".join(parts)


def chat_body(size, model_last):
    """A chat request of exactly `size` bytes, as the OpenAI SDK writes it."""
    source = random.Random(size)
    head = {"model": model_name(CALLER_MODEL)}
    rest = {"temperature": 0.7, "max_tokens": 512, "stream": False, "user": "user-4711"}
    messages = [{"role": "system", "content": "You are a careful assistant. Answer briefly."}]

    def encode():
        conversation = {"messages": messages}
        whole = rest | conversation | head if model_last else head | conversation | rest
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()

    written = len(encode())
    while written < size - 1500:
        role = "user" if len(messages) % 2 else "assistant"
        turn = {"role": role, "content": prose(source, source.randint(200, 1100))}
        messages.append(turn)
        written += len(json.dumps(turn, ensure_ascii=False, separators=(",", ":")).encode()) + 1
    messages.append({"role": "user", "content": ""})
    filler = "Please summarise what was said above, in one paragraph. "
    missing = size - len(encode())
    messages[-1]["content"] = (filler * (missing // len(filler) + 1))[:missing]
    body = encode()
    assert len(body) == size, (len(body), size)
    return body


def answer_body():
    """What the model answers: a small completion with its usage."""
    source = random.Random("answer")
    return json.dumps(
        {
            "id": "chatcmpl-9f1e2d3c4b5a", "object": "chat.completion", "created": 1767225600,
            "model": model_name(CALLER_MODEL),
            "choices": [{
                "index": 0, "finish_reason": "stop", "logprobs": None,
                "message": {"role": "assistant", "content": prose(source, 900)},
            }],
            "usage": {
                "prompt_tokens": 512, "completion_tokens": 210, "total_tokens": 722,
                "prompt_tokens_details": {"cached_tokens": 128},
            },
        },
        ensure_ascii=False, separators=(",", ":"),
    ).encode()


def request_headers(body_size, key=None):
    """The headers of a Python SDK's request as Envoy hands them to Tollgate."""
    return [
        (":authority", hostname(CALLER_TENANT)),
        (":path", CHAT_PATH),
        (":method", "POST"),
        (":scheme", "https"),
        ("accept", "application/json"),
        ("accept-encoding", "gzip, deflate"),
        ("content-type", "application/json"),
        ("user-agent", "OpenAI/Python 1.68.2"),
        ("x-stainless-lang", "python"),
        ("x-stainless-package-version", "1.68.2"),
        ("x-stainless-os", "Linux"),
        ("x-stainless-runtime", "CPython"),
        ("x-stainless-retry-count", "0"),
        ("authorization", f"Bearer {key or api_key(CALLER_TENANT, CALLER_KEY)}"),
        ("content-length", str(body_size)),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("x-forwarded-for", "203.0.113.7"),
        ("x-forwarded-proto", "https"),
        ("x-envoy-external-address", "203.0.113.7"),
        ("x-request-id", "8b4e0b5a-6a51-4e0c-9d0f-6a2f5f1f9a10"),
    ]


def raw_headers(pairs):
    return base_pb2.HeaderMap(
        headers=[base_pb2.HeaderValue(key=k, raw_value=v.encode()) for k, v in pairs]
    )


def add_metadata(metadata):
    """A namespace that Envoy's own filters fill and that says nothing about who is calling."""
    metadata.filter_metadata["envoy.filters.http.rbac"].update(
        {"shadow_engine_result": "allowed", "shadow_effective_policy_id": "edge"}
    )


def check_request(key=None):
    request = external_auth_pb2.CheckRequest()
    attributes = request.attributes
    attributes.source.address.socket_address.address = "203.0.113.7"
    attributes.source.address.socket_address.port_value = 48122
    attributes.destination.address.socket_address.address = "10.0.3.12"
    attributes.destination.address.socket_address.port_value = 8443
    attributes.request.time.FromSeconds(1767225600)
    http = attributes.request.http
    headers = dict(request_headers(2 * KIB, key))
    http.id = "1234567890123456789"
    http.method = "POST"
    http.path = CHAT_PATH
    http.host = hostname(CALLER_TENANT)
    http.scheme = "https"
    http.protocol = "HTTP/1.1"
    http.size = 2 * KIB
    for name, value in headers.items():
        http.headers[name] = value
    add_metadata(attributes.metadata_context)
    attributes.route_metadata_context.SetInParent()
    return request


def process_requests(body, key=None):
    """The four messages of one exchange: BUFFERED request, STREAMED response."""
    mode = processing_mode_pb2.ProcessingMode
    first = ext_proc.ProcessingRequest()
    first.request_headers.headers.CopyFrom(raw_headers(request_headers(len(body), key)))
    first.attributes["envoy.filters.http.ext_proc"].update({
        "request.id": "8b4e0b5a-6a51-4e0c-9d0f-6a2f5f1f9a10",
        "source.address": "203.0.113.7:48122",
        "xds.route_name": "catch-all",
    })
    first.protocol_config.request_body_mode = mode.BUFFERED
    first.protocol_config.response_body_mode = mode.STREAMED
    second = ext_proc.ProcessingRequest()
    second.request_body.body = body
    second.request_body.end_of_stream = True
    answer = answer_body()
    third = ext_proc.ProcessingRequest()
    third.response_headers.headers.CopyFrom(raw_headers([
        (":status", "200"),
        ("date", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ("server", "uvicorn"),
        ("content-type", "application/json"),
        ("content-length", str(len(answer))),
        ("x-envoy-upstream-service-time", "412"),
    ]))
    third.attributes["envoy.filters.http.ext_proc"].update({
        "upstream.address": "10.0.7.21:8000",
        "xds.cluster_name": route_name(CALLER_MODEL, 1),
        "response.flags": 0,
        "response.code_details": "via_upstream",
    })
    fourth = ext_proc.ProcessingRequest()
    fourth.response_body.body = answer
    fourth.response_body.end_of_stream = True
    messages = [first, second, third, fourth]
    for message in messages:
        add_metadata(message.metadata_context)
    return messages


def set_headers(mutation, pairs):
    for name, value in pairs:
        option = mutation.set_headers.add()
        option.header.key = name
        option.header.raw_value = value.encode()
        option.append_action = base_pb2.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD


def prepared_replies():
    """Replies such as Tollgate gives, for the server that decides nothing."""
    identity = {"tenant": tenant_name(CALLER_TENANT), "subject": f"svc:agent-{CALLER_KEY}"}
    check = external_auth_pb2.CheckResponse()
    check.status.code = 0
    for name, value in identity.items():
        option = check.ok_response.headers.add()
        option.header.key, option.header.value = f"x-ai-{name}", value
        option.append_action = base_pb2.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
    check.ok_response.headers_to_remove.extend(["x-ai-model", "x-ai-model-route"])
    check.dynamic_metadata.update({"tollgate": identity | {"key_id": f"key-{CALLER_KEY}"}})
    headers, body, answer_headers, answer = (ext_proc.ProcessingResponse() for _ in range(4))
    removed = headers.request_headers.response.header_mutation.remove_headers
    removed.extend(["authorization", "x-ai-model", "x-ai-model-route", "x-ai-tenant"])
    common = body.request_body.response
    common.clear_route_cache = True
    set_headers(common.header_mutation, [
        ("x-ai-tenant", identity["tenant"]),
        ("x-ai-subject", identity["subject"]),
        ("x-ai-model", model_name(CALLER_MODEL)),
        ("x-ai-model-route", route_name(CALLER_MODEL, 1)),
        ("x-ai-traffic-class", "interactive_inference"),
        ("x-ai-stream", "false"),
        ("x-ai-request-id", "req_01JGFJJZ00000000000000000"),
        ("x-gateway-model-name", model_name(CALLER_MODEL)),
        ("x-gateway-inference-fairness-id", identity["tenant"]),
        ("x-gateway-inference-objective", "interactive-inference"),
        ("x-llm-d-inference-fairness-id", identity["tenant"]),
        ("x-llm-d-inference-objective", "interactive-inference"),
    ])
    common.header_mutation.remove_headers.append("accept-encoding")
    body.dynamic_metadata.update({"tollgate": identity | {"decision": "allow"}})
    set_headers(answer_headers.response_headers.response.header_mutation, [
        ("x-ai-model-route", route_name(CALLER_MODEL, 1)),
        ("x-ai-request-id", "req_01JGFJJZ00000000000000000"),
    ])
    answer.response_body.response.SetInParent()
    return [check], [headers, body, answer_headers, answer]


def framed(messages):
    """gRPC's length-prefixed messages, none compressed."""
    frames = []
    for message in messages:
        data = message.SerializeToString()
        frames.append(struct.pack(">BI", 0, len(data)) + data)
    return b"".join(frames)


@dataclass(frozen=True)
class Case:
    """One kind of call, and how much of it makes one measurement."""

    name: str
    path: str
    messages: list
    requests: int
    connections: int
    streams: int

    @property
    def is_check(self):
        return self.path.endswith("/Check")


CHECK_PATH = "/envoy.service.auth.v3.Authorization/Check"
PROCESS_PATH = "/envoy.service.ext_proc.v3.ExternalProcessor/Process"


def cases():
    found = [Case("check", CHECK_PATH, [check_request()], 100_000, 8, 32)]
    sizes = [
        ("2KiB", 2 * KIB, 60_000, 8, 32), ("1MiB", MIB, 400, 4, 2), ("8MiB", 8 * MIB, 48, 4, 1),
    ]
    for label, size, requests, connections, streams in sizes:
        for where in ("first", "last"):
            messages = process_requests(chat_body(size, where == "last"))
            name = f"stream-{label}-model-{where}"
            found.append(Case(name, PROCESS_PATH, messages, requests, connections, streams))
    return found
