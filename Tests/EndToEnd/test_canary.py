"""No secret gets out: a marked word is put wherever a client or backend can put one, then looked for.

Looked through are the ledger's files, tollgate's log at its most talkative, the metadata that it
hands to Envoy, and every word of its refusals. What Envoy itself logs of a request is not ours.
"""

import json
import socket
import uuid

import pytest

import direct
import load
import policy as policies
import wire
from envoy_config import EnvoyOptions
from harness import Stack, StackOptions, chat_body, poll
from recorder import Canned

CANARY = "Zx7CANARYq9"
KEY = f"tg-test-{CANARY}-0123456789abcdef0123456789"
CHAT = "/v1/chat/completions"


def canary_policy() -> dict:
    policy = policies.with_key(policies.build(), "tenant-a", "marked", KEY)
    tenant = policy["tenants"]["tenant-a"]
    policy["models"]["free"] = {
        "class": "interactive_inference", "routes": [{"name": "free-v1"}], "stream_usage": "inject",
    }  # fmt: skip
    tenant["allow"][0]["models"].append("free")
    tenant["limits"] = [
        {"name": "tpd", "tokens": 1_000_000_000, "per": "day"},
        {"name": "small", "tokens": 5000, "per": "day", "models": ["bge-*"]},
        {"name": "each", "requests": 1_000_000, "per": "day", "scope": "subject"},
    ]
    return policy


@pytest.fixture(scope="module", params=["BUFFERED", "FULL_DUPLEX_STREAMED"])
def marked(request):
    envoy = EnvoyOptions(request_body_mode=request.param)
    if request.param == "FULL_DUPLEX_STREAMED":
        envoy.response_body_mode = request.param
    options = StackOptions(
        policy=canary_policy(), envoy=envoy, tollgate_arguments=("--log-level", "debug")
    )
    with Stack(options) as stack:
        yield stack


class Search:
    """Asks, and looks through everything that tollgate has written."""

    def __init__(self, stack):
        self.stack = stack

    def ask(self, path=CHAT, method="POST", canned: Canned | None = None, **named):
        test_id = uuid.uuid4().hex
        if canned:
            self.stack.recorder.replay(test_id, canned)
        headers = [*named.pop("headers", []), ("x-test-id", test_id)]
        response = self.stack.request(method, path, headers=headers, **named)
        entries = poll("Envoy logs it", lambda: self.stack.access_log(test_id))
        for entry in entries:
            assert CANARY not in json.dumps([entry["tollgate"], entry["authz"]])
        return response

    def refused(self, status: int, **named) -> None:
        response = self.ask(**named)
        assert response.status_code == status, response.text
        assert CANARY not in response.text
        assert CANARY not in str(response.headers)

    def files(self) -> None:
        """Everything on disk, and everything logged."""
        poll("every exchange is settled", lambda: not self.stack.ledger.open())
        files = [p for p in self.stack.tollgate.data.rglob("*") if p.is_file()]
        assert any(p.suffix == ".jsonl" for p in files)
        for path in files:
            assert CANARY.encode() not in path.read_bytes(), path.name
        log = self.stack.tollgate.process.log()
        assert "ready on" in log and CANARY not in log
        # The search works: it finds the marked key's id, which is allowed to be there.
        assert b'"key_id":"marked"' in self.stack.ledger.raw()


@pytest.fixture
def search(marked):
    search = Search(marked)
    assert search.ask(json=chat_body("free"), key=KEY).status_code == 200
    yield search
    search.files()


def messages(text: str) -> list[dict]:
    return [{"role": "user", "content": text}]


def test_prompts_and_other_fields(search):
    fields = {
        "user": CANARY, "metadata": {CANARY: CANARY}, "stop": [CANARY], CANARY: CANARY,
        "tools": [{"type": "function", "function": {"name": CANARY}}],
        "messages": messages(f"say {CANARY}"),
    }  # fmt: skip
    response = search.ask(json={"model": "free"} | fields, key=KEY)
    assert response.status_code == 200
    assert CANARY.encode() in search.stack.recorder.since(0)[-1].body


def test_completions(search):
    answer = {"choices": [{"message": {"content": CANARY}}], "id": CANARY, "model": CANARY,
              "usage": {"prompt_tokens": 1, "completion_tokens": 1, CANARY: 1}}  # fmt: skip
    for status in (200, 404, 500):
        canned = Canned([json.dumps(answer).encode()], status=status)
        response = search.ask(json=chat_body("free"), canned=canned)
        assert response.status_code == status and CANARY in response.text


def test_streams_whole_cut_and_broken(search):
    event = b'data: {"choices":[{"delta":{"content":"%s"}}]}\n\n' % CANARY.encode()
    error = b'data: {"error":{"message":"%s"}}\n\n' % CANARY.encode()
    broken = b"event: %s\ndata: {%s\n\n: %s\n\n" % ((CANARY.encode(),) * 3)
    pieces = [event, broken, error, b"data: [DONE]\n\n"]
    body = chat_body("free", stream=True)
    for kind in ("text/event-stream", f"text/event-stream; x={CANARY}", f"text/{CANARY}"):
        response = search.ask(json=body, canned=Canned(pieces, kind))
        assert response.content == b"".join(pieces)
    for count in range(len(pieces)):
        test_id = uuid.uuid4().hex
        canned = Canned(pieces, "text/event-stream", cut_after=count)
        search.stack.recorder.replay(test_id, canned)
        headers = {"connection": "close", "x-test-id": test_id}
        raw = load.request_bytes(CHAT, body, KEY, headers=headers)
        with socket.create_connection(("127.0.0.1", search.stack.listener), 30) as connection:
            connection.sendall(raw)
            while connection.recv(65536):
                pass


@pytest.mark.parametrize(
    "key", [CANARY, f"tg-{CANARY}", f"{CANARY} {CANARY}", f"{CANARY}.{CANARY}.{CANARY}", CANARY * 2000]
)  # fmt: skip
def test_wrong_keys(search, key):
    search.refused(401, json=chat_body("free"), key=key)
    search.refused(401, json=chat_body("free"), key=None, headers=[("x-api-key", key)])
    search.refused(401, json=chat_body("free"), headers=[("api-key", key)])
    search.refused(401, json=chat_body("free"), key=None, headers=[("authorization", key)])


def test_headers(search):
    names = ["x-custom", "user-agent", "traceparent", "tracestate", "baggage", "x-request-id",
             "x-ai-tenant", "x-ai-model-route", "x_ai_subject", "x-forwarded-for", "cookie",
             "x-envoy-original-path", "referer", CANARY.lower(), "accept", "x-session-id",
             "x-ai-request-id"]  # fmt: skip
    response = search.ask(json=chat_body("free"), key=KEY, headers=[(n, CANARY) for n in names])
    assert response.status_code == 200
    traceparent = f"00-{'a' * 32}-{'b' * 16}-{CANARY[:2]}"
    assert search.ask(json=chat_body("free"), headers=[("traceparent", traceparent)]).is_success


@pytest.mark.parametrize("content_type", [
    CANARY, f"text/{CANARY}", f"application/{CANARY}; charset={CANARY}",
])  # fmt: skip
def test_content_types(search, content_type):
    headers = [("content-type", content_type)]
    search.refused(415, body=b'{"model":"free"}', headers=headers)


def test_encodings(search):
    search.refused(415, body=b'{"model":"free"}', headers=[("content-encoding", CANARY)])


@pytest.mark.parametrize(
    "status, body",
    [
        (404, {"model": CANARY}),
        (404, {"model": f"free{CANARY}"}),
        (400, f'{{"model":"free","{CANARY}'),
        (400, f"{CANARY}"),
        (400, f'{{"model":"free"}} {CANARY}'),
        (400, {"model": [CANARY]}),
        (400, {"model": "free", "stream": CANARY}),
        (400, {"model": "free", "max_tokens": CANARY}),
        (400, {"model": "free", "stream_options": CANARY, "stream": True}),
        (400, {CANARY: "free"}),
        (400, f'{{"model":"{CANARY}","model":"{CANARY}"}}'),
        (400, {"model": "llama3-8b", "max_tokens": 10**6, "user": CANARY}),
        (429, {"model": "bge-small", "input": (CANARY + " ") * 20_000}),
    ],
)
def test_bodies_that_are_refused(search, status, body):
    text = body if isinstance(body, str) else json.dumps(body)
    path = "/v1/embeddings" if status == 429 else CHAT
    search.refused(status, path=path, body=text.encode())


@pytest.mark.parametrize(
    "status, method, path",
    [
        (404, "POST", f"/{CANARY}"),
        (404, "POST", f"/v1/{CANARY}/completions?{CANARY}={CANARY}"),
        (404, "GET", f"/v1/models/{CANARY}"),
        (404, "GET", f"/v1/models/{CANARY}/x"),
        (404, "POST", f"/openai/deployments/{CANARY}/chat/completions?api-version={CANARY}"),
    ],
)
def test_paths(search, status, method, path):
    body = json.dumps(chat_body("free")).encode() if method == "POST" else None
    response = search.ask(path=path, method=method, body=body)
    assert response.status_code in (status, 403), response.text
    # An unknown path is told to who asked for it, once and without its query; no model's name is.
    is_told = response.json()["error"].get("code") == "unknown_path"
    assert response.text.count(CANARY) == is_told
    assert CANARY not in str(response.headers)


def test_a_known_path_with_a_query(search):
    assert search.ask(path=f"{CHAT}?key={CANARY}", json=chat_body("free"), key=KEY).is_success


def test_hosts_and_methods(search):
    for host in (f"{CANARY}.example.com", f"tenant-a.ai.example.com.{CANARY}"):
        response = search.ask(json=chat_body("free"), host=host)
        # The host is told to who asked for it, and to nobody else.
        assert response.status_code == 403 and response.text.count(CANARY) == 1, response.text
    # Over HTTP/2, where Envoy lets any method pass.
    reply = wire.send_h2(search.stack.listener, wire.h2_fields(method=CANARY))
    assert reply.status != 200 and CANARY.encode() not in reply.body


def test_multipart_forms(search):
    form = (
        f"--{CANARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{CANARY}\"\r\n\r\n"
        f"{CANARY}\r\n--{CANARY}\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nfree\r\n"
        f"--{CANARY}--\r\n"
    ).encode()
    headers = [("content-type", f"multipart/form-data; boundary={CANARY}")]
    path = "/v1/audio/transcriptions"
    assert search.ask(path=path, body=form, headers=headers).status_code == 200
    search.refused(400, path=path, body=form[: len(form) // 2], headers=headers)


def test_what_another_client_sends_to_tollgate_itself(search):
    """Malformed and misplaced messages: what is logged of them names no content."""
    fields = [(":method", "POST"), (":path", f"/{CANARY}"), ("authorization", f"Bearer {CANARY}")]
    with direct.channel(search.stack.tollgate.target) as over:
        for message in (
            direct.request_headers(fields=fields), direct.request_body(CANARY.encode()),
            direct.response_headers(status=CANARY, content_type=CANARY),
        ):  # fmt: skip
            call = over.stream_stream(direct.PROC_METHOD)(iter([message.SerializeToString()]))
            try:
                answers = b"".join(call)
            except direct.grpc.RpcError:
                answers = b""
            assert CANARY.encode() not in answers
            assert CANARY not in (call.details() or "")
        for raw in (CANARY.encode(), b"\x0a\xff" + CANARY.encode()):
            call = over.stream_stream(direct.PROC_METHOD)(iter([raw]))
            with pytest.raises(direct.grpc.RpcError):
                list(call)
            assert CANARY not in (call.details() or "")


def test_a_key_pasted_into_the_policy_in_the_place_of_its_digest(search):
    policy = canary_policy()
    policy["tenants"]["tenant-a"]["keys"].append({"id": "pasted", "sha256": KEY})
    before = len(search.stack.tollgate.process.log())
    search.stack.write_policy(policy)
    search.stack.tollgate.reload()
    log = poll("it is said to be wrong", lambda: search.stack.tollgate.process.log()[before:])
    poll("it names the field", lambda: "sha256" in search.stack.tollgate.process.log()[before:])
    assert CANARY not in log
    search.stack.write_policy(canary_policy())
