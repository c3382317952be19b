"""Bodies through Envoy: large ones, cut ones, rewritten ones; every byte is accounted for."""

import hashlib
import json
import uuid

import pytest

import policy as policies
from harness import chat_body, error_code


@pytest.fixture(params=["stack", "duplex"])
def any_stack(request):
    return request.getfixturevalue(request.param)


def big_body(size: int, model: str = "llama3-8b") -> bytes:
    """A chat request of exactly `size` bytes, the model key last."""
    head = b'{"messages":[{"role":"user","content":"'
    tail = b'"}],"model":"%s"}' % model.encode()
    return head + b"a" * (size - len(head) - len(tail)) + tail


def post(stack, body: bytes, test_id: str, **named):
    return stack.request(
        "POST", "/v1/chat/completions", body=body, headers={"x-test-id": test_id}, **named
    )


@pytest.mark.mass
def test_a_body_of_20_mib_with_the_model_last_is_routed(any_stack):
    body = big_body(20 << 20)
    test_id = uuid.uuid4().hex
    response = post(any_stack, body, test_id)
    assert response.status_code == 200, response.text
    (seen,) = any_stack.recorder.by_id(test_id)
    assert seen.cluster == "chat-llama3-8b-v1"
    assert seen.length == len(body)
    assert seen.sha256 == hashlib.sha256(body).hexdigest()


@pytest.mark.mass
def test_a_body_at_the_limit_is_routed(any_stack):
    test_id = uuid.uuid4().hex
    response = post(any_stack, big_body(policies.MAX_BODY_BYTES), test_id)
    assert response.status_code == 200, response.text
    assert any_stack.recorder.by_id(test_id)[0].length == policies.MAX_BODY_BYTES


@pytest.mark.mass
@pytest.mark.parametrize("declared", [True, False])
def test_a_body_one_over_the_limit_is_413_in_json(any_stack, declared):
    test_id = uuid.uuid4().hex
    body = big_body(policies.MAX_BODY_BYTES + 1)
    pieces = [body[at : at + 65536] for at in range(0, len(body), 65536)]
    response = post(any_stack, body if declared else iter(pieces), test_id)
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/json"
    assert error_code(response) == "request_too_large"
    assert any_stack.recorder.by_id(test_id) == []


@pytest.mark.parametrize("size", [200, 16384, 65536, 262144, 1 << 20])
def test_bodies_of_any_size_pass_byte_for_byte(any_stack, size):
    body = big_body(size)
    test_id = uuid.uuid4().hex
    assert post(any_stack, body, test_id).status_code == 200
    (seen,) = any_stack.recorder.by_id(test_id)
    assert seen.sha256 == hashlib.sha256(body).hexdigest()


def test_a_chunked_body_is_routed(any_stack):
    body = big_body(5000)
    test_id = uuid.uuid4().hex
    response = post(any_stack, iter([body[:1], body[1:100], body[100:]]), test_id)
    assert response.status_code == 200
    (seen,) = any_stack.recorder.by_id(test_id)
    assert seen.sha256 == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize(
    "model, wanted, cluster",
    [
        ("llama3", "llama3-8b", "chat-llama3-8b-v1"),
        ("renamed", "vendor/renamed-2026-10-long", "renamed-v1"),
        ("r", "vendor/renamed-2026-10-long", "renamed-v1"),
        ("shortened", "x", "renamed-v1"),
    ],
)
def test_a_rewritten_model_has_the_right_length(any_stack, model, wanted, cluster):
    sent = b'{ "n" : 1,"model" :"%s" ,"messages":[] , "x": {"model":"inner"}}\n' % model.encode()
    test_id = uuid.uuid4().hex
    response = post(any_stack, sent, test_id)
    assert response.status_code == 200, response.text
    (seen,) = any_stack.recorder.by_id(test_id)
    assert seen.cluster == cluster
    got = json.loads(seen.body)
    assert got == json.loads(sent) | {"model": wanted}
    before, after = sent.split(b'"%s"' % model.encode(), 1)
    assert seen.body.startswith(before) and seen.body.endswith(after)
    lengths = seen.values("content-length")
    assert lengths == [str(seen.length)] or (not lengths and seen.values("transfer-encoding"))
    assert response.json()["sha256"] == seen.sha256


def test_azure_rewrites_nothing_it_need_not(stack):
    test_id = uuid.uuid4().hex
    response = stack.request(
        "POST", "/openai/deployments/llama3-8b/chat/completions?api-version=2024-10-21",
        json={"messages": []}, headers={"x-test-id": test_id},
    )  # fmt: skip
    assert response.status_code == 200, response.text
    assert stack.recorder.by_id(test_id)[0].cluster == "chat-llama3-8b-v1"


def test_a_path_alias_is_served(stack):
    response = stack.request("POST", "/api/v2/chat", json=chat_body("llama3-8b"))
    assert response.status_code == 200, response.text


def multipart(*fields: tuple[str, bytes], boundary: str = "b0undary") -> tuple[bytes, str]:
    body = b"".join(
        b'--%s\r\ncontent-disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        % (boundary.encode(), name.encode(), value)
        for name, value in fields
    )
    return body + b"--%s--\r\n" % boundary.encode(), f"multipart/form-data; boundary={boundary}"


def test_multipart_is_routed_by_its_model_field(any_stack):
    audio = bytes(range(256)) * 100
    body, content_type = multipart(("file", audio), ("model", b"llama3"), ("language", b"en"))
    test_id = uuid.uuid4().hex
    response = any_stack.request(
        "POST", "/v1/audio/transcriptions", body=body,
        headers={"x-test-id": test_id, "content-type": content_type},
    )  # fmt: skip
    assert response.status_code == 200, response.text
    (seen,) = any_stack.recorder.by_id(test_id)
    assert seen.cluster == "chat-llama3-8b-v1"
    wanted, _ = multipart(("file", audio), ("model", b"llama3-8b"), ("language", b"en"))
    assert seen.body == wanted


def test_two_model_fields_in_a_form_are_refused(any_stack):
    body, content_type = multipart(("model", b"llama3-8b"), ("model", b"b-only"))
    test_id = uuid.uuid4().hex
    response = any_stack.request(
        "POST", "/v1/audio/transcriptions", body=body,
        headers={"x-test-id": test_id, "content-type": content_type},
    )  # fmt: skip
    assert (response.status_code, error_code(response)) == (400, "duplicate_key")
    assert any_stack.recorder.by_id(test_id) == []


def test_an_event_stream_passes_byte_for_byte(any_stack):
    response = any_stack.chat(headers={"x-test-events": "50", "x-test-interval-ms": "1"})
    wanted = b"".join(
        b'data: {"choices":[{"delta":{"content":"w%d "}}]}\n\n' % n for n in range(50)
    )
    assert response.content == wanted + b"data: [DONE]\n\n"
