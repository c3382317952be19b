"""Header hygiene: no client copy of our headers ever reaches a backend, on any path or method."""

import itertools
import uuid

import pytest

import policy as policies
from harness import chat_body
from test_bodies import multipart
from wire import CHAT, h1, send_h1

OWN = [
    "x-ai-tenant", "x-ai-subject", "x-ai-model", "x-ai-model-route", "x-ai-traffic-class",
    "x-ai-stream", "x-ai-request-id", "x-gateway-model-name", "x-gateway-inference-fairness-id",
    "x-gateway-inference-objective",
]  # fmt: skip
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
    forged = [(name, FORGED) for own in OWN for name in spellings(own)]
    if h2:
        forged = sorted({(name.lower(), value) for name, value in forged})
    extra = [
        *request.pop("headers", {}).items(), *forged, ("x-test-id", test_id),
        ("x-api-key", policies.KEY_A), ("accept-encoding", "gzip, br"),
        ("x-gateway-destination-endpoint", "10.0.0.1:80"), ("x-mine", "kept"),
    ]  # fmt: skip
    response = any_stack.request(headers=extra, h2=h2, **request)
    assert response.status_code == 200, response.text
    (seen,) = any_stack.recorder.by_id(test_id)
    for name, value in seen.headers:
        assert FORGED not in value, f"{name} reached the backend"
        if name.replace("_", "-") in OWN:
            assert name in OWN, f"{name} reached the backend"
    for name in ("authorization", "x-api-key", "api-key"):
        assert seen.values(name) == [], f"the credential {name} reached the backend"
    assert policies.KEY_A not in repr(seen.headers)
    assert seen.value("x-ai-tenant") == "tenant-a"
    assert seen.value("x-ai-subject") == "svc:agent-platform"
    assert seen.value("x-ai-model-route") == seen.cluster
    assert seen.value("x-ai-request-id").startswith("req_")
    assert seen.value("x-mine") == "kept"
    assert seen.values("x-gateway-destination-endpoint") == [], "the edge removes it"
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


def test_client_copies_in_trailers_never_arrive(any_stack):
    test_id = uuid.uuid4().hex
    trailers = "".join(f"{name}: {FORGED}\r\n" for own in OWN for name in spellings(own))
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
