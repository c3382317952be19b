"""Mass: many exchanges on one connection, many slow ones at once, clients that leave."""

import asyncio
import json
import socket
import threading
import uuid

import grpc
import pytest
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as proc_grpc

import direct
import load
import policy as policies
from harness import chat_body, poll, scaled
from load import Asked, request_bytes

MODELS = {"llama3-8b": "chat-llama3-8b-v1", "renamed": "renamed-v1", "bge-small":
          "embed-bge-small-v1", "chat-only": "chat-llama3-8b-v1"}  # fmt: skip


@pytest.mark.mass
def test_1000_parallel_exchanges_over_one_connection(request):
    target = request.getfixturevalue("direct").tollgate.target
    wrong = asyncio.run(_parallel(target, scaled(1000)))
    assert wrong == []


async def _parallel(target: str, count: int) -> list[str]:
    """All streams are open at once before any of them sends its body."""
    wrong: list[str] = []
    opened = 0
    everybody_is_here = asyncio.Event()

    async def exchange(stub, number: int) -> None:
        nonlocal opened
        model, route = list(MODELS.items())[number % len(MODELS)]
        padding = "x" * (number * 7 % 3000)
        body = json.dumps(chat_body(model, user=f"caller-{number}", padding=padding)).encode()
        call = stub.Process(timeout=150)
        await call.write(direct.request_headers())
        first = await call.read()
        opened += 1
        if opened == count:
            everybody_is_here.set()
        await everybody_is_here.wait()
        await call.write(direct.request_body(body))
        reply = await call.read()
        answers = [direct.kind(first), direct.kind(reply), direct.mutation(reply)]
        ids.append(answers[2].get("x-ai-request-id"))
        got = (answers[0], answers[1], answers[2].get("x-ai-model"),
               answers[2].get("x-ai-model-route"))  # fmt: skip
        if got != ("request_headers", "request_body", model, route):
            wrong.append(f"{number}: {got}")
        await call.write(direct.response_headers())
        if direct.kind(await call.read()) != "response_headers":
            wrong.append(f"{number}: the response")
        await call.done_writing()
        if await call.read() is not grpc.aio.EOF or await call.code() is not grpc.StatusCode.OK:
            wrong.append(f"{number}: ended {await call.code()}")

    ids: list[str | None] = []
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(target, options=options) as channel:
        stub = proc_grpc.ExternalProcessorStub(channel)
        results = await asyncio.gather(
            *(exchange(stub, number) for number in range(count)), return_exceptions=True
        )
    wrong += [repr(result) for result in results if isinstance(result, BaseException)]
    if len(set(ids)) != count:
        wrong.append(f"{count - len(set(ids))} request ids are not unique")
    return wrong


@pytest.mark.mass
@pytest.mark.timeout(400)
def test_3000_slow_exchanges_at_once_all_succeed(stack):
    """Each is held at the model until all of them are there together."""
    count = scaled(3000)
    raw = request_bytes("/v1/chat/completions", chat_body("llama3-8b"), policies.KEY_A,
                        headers={"x-test-hold": "1"})  # fmt: skip
    asked = Asked("slow", raw, 200, b'"cluster": "chat-llama3-8b-v1"')
    tallies: list[load.Tally] = []
    clients = threading.Thread(
        target=lambda: tallies.append(
            asyncio.run(load.all_at_once(stack.listener, [asked] * count))
        )
    )
    clients.start()
    try:
        poll("all are at the model at once", lambda: stack.recorder.open == count, seconds=100)
    finally:
        stack.recorder.release()
        clients.join(300)
    (tally,) = tallies
    assert tally.wrong[:5] == []
    assert tally.right["slow"] == count


def test_a_client_that_leaves_mid_stream_harms_nobody(stack):
    """Half of the clients go away after the first event; the others get all of theirs."""
    headers = {"x-test-events": "40", "x-test-interval-ms": "50"}
    raw = request_bytes("/v1/chat/completions", chat_body("llama3-8b", stream=True),
                        policies.KEY_A, headers=headers)  # fmt: skip
    whole: list[bytes] = []

    def stay() -> None:
        with socket.create_connection(("127.0.0.1", stack.listener), timeout=60) as connection:
            connection.sendall(raw)
            text = b""
            while b"0\r\n\r\n" not in text:
                piece = connection.recv(65536)
                if not piece:
                    break
                text += piece
        whole.append(text)

    threads = [threading.Thread(target=stay) for _ in range(10)]
    for thread in threads:
        thread.start()
    aborted = stack.recorder.aborted
    for _ in range(10):
        with socket.create_connection(("127.0.0.1", stack.listener), timeout=60) as connection:
            connection.sendall(raw)
            assert connection.recv(1)
    for thread in threads:
        thread.join(60)
    assert len(whole) == 10 and all(text.count(b"data: {") == 40 for text in whole)
    assert all(b"[DONE]" in text for text in whole)
    poll("the backend sees them leave", lambda: stack.recorder.aborted >= aborted + 10)
    assert stack.chat().status_code == 200


@pytest.mark.parametrize("at", ["headers", "half the body"])
def test_a_client_that_leaves_early_harms_nobody(stack, at):
    mark = stack.recorder.mark()
    body = json.dumps(chat_body("llama3-8b", padding="x" * 100_000)).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: {policies.HOST_A}\r\n"
        f"authorization: Bearer {policies.KEY_A}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    ).encode()
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", stack.listener), timeout=60) as connection:
            connection.sendall(head + (b"" if at == "headers" else body[: len(body) // 2]))
    assert stack.chat().status_code == 200
    assert len(stack.recorder.since(mark)) == 1


def test_a_backend_that_cuts_a_stream_harms_nobody(stack):
    headers = {"x-test-events": "10", "x-test-cut-after": "5", "x-test-interval-ms": "20"}
    raw = request_bytes("/v1/chat/completions", chat_body("llama3-8b", stream=True),
                        policies.KEY_A, headers=headers)  # fmt: skip
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", stack.listener), timeout=60) as connection:
            connection.sendall(raw)
            text = b""
            while piece := connection.recv(65536):
                text += piece
        assert b"[DONE]" not in text
    test_id = uuid.uuid4().hex
    assert stack.chat(headers={"x-test-id": test_id}).status_code == 200
