"""Header hygiene: no client copy of our headers ever reaches a backend, on any path or method."""

import itertools
import json
import re
import uuid

import pytest

import policy as policies
from envoy_config import EnvoyOptions, Place, bootstrap
from harness import Stack, StackOptions, chat_body
from test_bodies import multipart
from wire import CHAT, h1, send_h1

# What Tollgate sets on requests.
OWN = [
    "x-ai-tenant", "x-ai-subject", "x-ai-model", "x-ai-model-route", "x-ai-traffic-class",
    "x-ai-stream", "x-ai-request-id", "x-gateway-model-name", "x-gateway-inference-fairness-id",
    "x-gateway-inference-objective", "x-llm-d-inference-fairness-id", "x-llm-d-inference-objective",
]  # fmt: skip
# What endpoint pickers, the sidecars of model servers and web frameworks go by.
STEERING = [
    "x-gateway-model-name-rewrite", "x-llm-d-model-name-rewrite", "x-gateway-destination-endpoint",
    "x-gateway-anything", "x-llm-d-anything", "x-prefiller-host-port", "x-prefiller-url",
    "x-data-parallel-host-port", "x-encoder-hosts-ports", "x-kv-cache-source-host-port",
    "x-http-method-override", "x-http-method", "x-method-override", "x-original-url",
    "x-original-uri", "x-original-host", "x-rewrite-url",
]  # fmt: skip
# Besides the one that the caller is recognised by.
CREDENTIALS = ["x-goog-api-key", "proxy-authorization"]
FORGED = "forged-by-the-client"


def spellings(name: str) -> list[str]:
    """Every way to write `_` for `-`, in three ways of capitals."""
    words = name.split("-")
    joints = itertools.product("-_", repeat=len(words) - 1)
    plain = [
        "".join(word + joint for word, joint in zip(words, [*joint, ""])) for joint in joints
    ]
    return [
        change(text) for text in plain for change in (str.lower, str.upper, str.title)
    ]


@pytest.fixture(params=["stack", "proc_only", "duplex", "authz_only"])
def any_stack(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def edge():
    with Stack(StackOptions(envoy=EnvoyOptions(edge_removes=True, upgrades=()))) as stack:
        yield stack


def shapes() -> dict[str, dict]:
    form, form_type = multipart(("model", b"llama3-8b"), ("file", b"RIFF"))
    return {
        "chat": {"method": "POST", "path": "/v1/chat/completions", "json": chat_body("llama3-8b")},
        "embeddings": {
            "method": "POST", "path": "/v1/embeddings", "json": {"model": "bge-small", "input": "x"},
        },
        "messages": {
            "method": "POST", "path": "/v1/messages",
            "json": chat_body("llama3-8b", max_tokens=5),
        },
        "azure": {
            "method": "POST", "path": "/openai/deployments/llama3-8b/chat/completions",
            "json": {"messages": []},
        },
        "form": {
            "method": "POST", "path": "/v1/audio/transcriptions", "body": form,
            "headers": {"content-type": form_type},
        },
        "uninspected GET": {"method": "GET", "path": "/custom/search?q=1"},
        "uninspected POST": {"method": "POST", "path": "/custom/search", "json": {"q": 1}},
        "uninspected DELETE": {"method": "DELETE", "path": "/custom/search"},
    }  # fmt: skip


@pytest.mark.parametrize("h2", [False, True], ids=["h1", "h2"])
@pytest.mark.parametrize("shape", shapes())
def test_client_copies_never_arrive(any_stack, shape, h2):
    request = shapes()[shape]
    test_id = uuid.uuid4().hex
    forged = [
        (name, FORGED) for own in OWN + STEERING + CREDENTIALS for name in spellings(own)
    ]
    if h2:
        forged = sorted({(name.lower(), value) for name, value in forged})
    extra = [
        *request.pop("headers", {}).items(), *forged, ("x-test-id", test_id),
        ("x-api-key", policies.KEY_A), ("accept-encoding", "gzip, br"),
        ("x-mine", "kept"), ("x-forwarded-host", "kept.example"),
    ]  # fmt: skip
    response = any_stack.request(headers=extra, h2=h2, **request)
    assert response.status_code == 200, response.text
    (seen,) = any_stack.recorder.by_id(test_id)
    for name, value in seen.headers:
        assert FORGED not in value, f"{name} reached the backend"
        if name.replace("_", "-") in OWN:
            assert name in OWN, f"{name} reached the backend"
    for name in ("authorization", "x-api-key", "api-key", *CREDENTIALS):
        assert seen.values(name) == [], f"the credential {name} reached the backend"
    assert policies.KEY_A not in repr(seen.headers)
    assert seen.value("x-ai-tenant") == "tenant-a"
    assert seen.value("x-ai-subject") == "svc:agent-platform"
    assert seen.value("x-ai-model-route") == seen.cluster
    assert seen.value("x-ai-request-id").startswith("req_")
    assert seen.value("x-mine") == "kept"
    assert seen.value("x-forwarded-host") == "kept.example", "which the edge alone may remove"
    assert seen.value("x-llm-d-inference-fairness-id") == "tenant-a"
    if not shape.startswith("uninspected"):
        model = "bge-small" if shape == "embeddings" else "llama3-8b"
        assert seen.value("x-ai-model") == model
        assert seen.value("x-gateway-model-name") == model
        assert seen.value("x-ai-stream") == "false"
        assert seen.value("x-gateway-inference-fairness-id") == "tenant-a"
        assert seen.value("accept-encoding") is None
        kind = "batch_inference" if shape == "embeddings" else "interactive_inference"
        assert seen.value("x-ai-traffic-class") == kind
        assert seen.value("x-gateway-inference-objective") == kind.replace("_", "-")
        assert seen.value("x-llm-d-inference-objective") == kind.replace("_", "-")


def test_client_copies_in_trailers_never_arrive(any_stack):
    test_id = uuid.uuid4().hex
    names = OWN + STEERING + CREDENTIALS
    trailers = "".join(f"{name}: {FORGED}\r\n" for own in names for name in spellings(own))
    body = b"%x\r\n%s\r\n0\r\n%s\r\n" % (len(CHAT), CHAT, trailers.encode())
    headers = ["Transfer-Encoding: chunked", f"X-Test-Id: {test_id}"]
    reply = send_h1(any_stack.listener, h1(headers=headers, body=body, length=False))
    assert reply.status == 200, reply
    (seen,) = any_stack.recorder.by_id(test_id)
    assert FORGED not in repr(seen.headers) + repr(seen.trailers)
    assert seen.value("x-ai-model-route") == seen.cluster
    assert seen.value("x-ai-tenant") == "tenant-a"


@pytest.mark.parametrize("credential", [
    {"authorization": f"Bearer {policies.KEY_A}"}, {"x-api-key": policies.KEY_A},
    {"api-key": policies.KEY_A}, {"authorization": f"bearer {policies.KEY_A}"},
])  # fmt: skip
def test_every_place_for_a_key_is_read_and_emptied(any_stack, credential):
    test_id = uuid.uuid4().hex
    response = any_stack.chat(key=None, headers=credential | {"x-test-id": test_id})
    assert response.status_code == 200, response.text
    (seen,) = any_stack.recorder.by_id(test_id)
    assert policies.KEY_A not in repr(seen.headers)


def test_the_edge_removes_them_before_anything_looks(edge):
    """As shipped. x-forwarded-host is removed there alone, so it tells that the rules are in force."""
    test_id = uuid.uuid4().hex
    forged = [
        (name, FORGED)
        for own in OWN + STEERING + ["x-forwarded-host"]
        for name in (own, own.replace("-", "_"))
    ]
    for path in ("/v1/chat/completions", "/custom/search"):
        response = edge.request(
            "POST", path, json=chat_body("llama3-8b"),
            headers=[*forged, ("x-test-id", test_id), ("x-mine", "kept")],
        )  # fmt: skip
        assert response.status_code == 200, response.text
        seen = edge.recorder.by_id(test_id)[-1]
        assert all(FORGED not in value for _, value in seen.headers), seen.headers
        assert seen.value("x-mine") == "kept"
        assert seen.value("x-ai-tenant") == "tenant-a"


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/messages", "/nothing"])
@pytest.mark.parametrize("key", [policies.KEY_A, None], ids=["a key", "no key"])
def test_a_websocket_is_426_as_shipped(edge, path, key):
    """Envoy refuses it before any filter. Clients that try one first go on over HTTP at a 426."""
    mark = edge.recorder.mark()
    lines = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="]  # fmt: skip
    reply = send_h1(
        edge.listener,
        h1(path, "GET", key=key, headers=lines, body=b"", content_type=None, length=False),
    )  # fmt: skip
    assert reply.status == 426
    assert reply.headers["content-type"] == "application/json"
    error = json.loads(reply.body)["error"]
    assert error["type"] == "invalid_request_error" and "plain HTTP" in error["message"]
    assert reply.code == (None if path == "/v1/messages" else "unsupported_upgrade")
    assert edge.recorder.since(mark) == []


def test_the_edge_leaves_no_spelling_to_tollgate():
    """Its patterns cover every name that Tollgate removes, and no name of a client's own."""
    manager = bootstrap(EnvoyOptions(edge_removes=True), Place(1, 2, "s"))["static_resources"][
        "listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]  # fmt: skip
    patterns = [
        mutation["remove_on_match"]["key_matcher"]["safe_regex"]["regex"]
        for extension in manager["early_header_mutation_extensions"]
        for mutation in extension["typed_config"]["mutations"]
    ]

    def is_removed(name: str) -> bool:
        return any(re.fullmatch(pattern, name) for pattern in patterns)

    for name in OWN + STEERING + ["x-forwarded-host"]:
        for spelling in spellings(name):
            assert is_removed(spelling.lower()), spelling
    for name in ("x-mine", "x-request-id", "x-forwarded-for", "x-forwarded-proto", "x-ai-models",
                 "x-session-id", "authorization", "x-stainless-lang", "x-api-key"):  # fmt: skip
        assert not is_removed(name), name


def test_the_response_names_route_and_request(stack):
    test_id = uuid.uuid4().hex
    response = stack.chat(headers={"x-test-id": test_id})
    (seen,) = stack.recorder.by_id(test_id)
    assert response.headers["x-ai-model-route"] == "chat-llama3-8b-v1"
    assert response.headers["x-ai-request-id"] == seen.value("x-ai-request-id")


def test_streams_are_marked(stack):
    test_id = uuid.uuid4().hex
    body = chat_body("llama3-8b", stream=True)
    stack.request("POST", "/v1/chat/completions", json=body, headers={"x-test-id": test_id})
    assert stack.recorder.by_id(test_id)[0].value("x-ai-stream") == "true"


def test_a_forged_route_on_a_path_without_admission_reaches_no_model(any_stack):
    mark = any_stack.recorder.mark()
    for method in ("GET", "POST", "DELETE", "OPTIONS"):
        for path in ("/", "/v1/models", "/nothing", "/v1/files"):
            any_stack.request(method, path, headers={"x-ai-model-route": "b-only-v1"})
            any_stack.request(method, path, key=None, headers={"x-ai-model-route": "b-only-v1"})
    assert any_stack.recorder.since(mark) == []


def test_metadata_reaches_the_access_log(stack):
    from harness import poll

    test_id = uuid.uuid4().hex
    stack.chat(headers={"x-test-id": test_id})
    (entry,) = poll("it is logged", lambda: stack.access_log(test_id))
    logged = entry["tollgate"]
    assert logged["tenant"] == "tenant-a"
    assert logged["key_id"] == "agents"
    assert logged["model_route"] == "chat-llama3-8b-v1"
    assert logged["decision"] == "allow"
