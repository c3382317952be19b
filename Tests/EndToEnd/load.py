"""Many requests at once: a small asynchronous HTTP/1.1 client, one connection a worker."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import policy as policies

REQUEST_SECONDS = 120


@dataclass
class Asked:
    """One kind of request and the one answer that is right for it."""

    name: str
    raw: bytes
    status: int
    # What must be in the answer's body: the route, or the refusal's code.
    contains: bytes = b""


@dataclass
class Tally:
    right: Counter = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.right.values()) + len(self.wrong)


def request_bytes(
    path: str, body: dict, key: str | None, host: str = policies.HOST_A,
    headers: dict[str, str] | None = None,
) -> bytes:  # fmt: skip
    raw = json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", f"host: {host}", "content-type: application/json",
             f"content-length: {len(raw)}"]  # fmt: skip
    if key:
        lines.append(f"authorization: Bearer {key}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + raw


async def ask(reader, writer, raw: bytes) -> tuple[int, bytes, bool]:
    """One request on an open connection: status, body, and whether the connection stays."""
    writer.write(raw)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), REQUEST_SECONDS)
    lines = head.decode("latin-1").lower().split("\r\n")
    status = int(lines[0].split(" ")[1])
    fields = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
    if fields.get("transfer-encoding") == "chunked":
        body = b""
        while (size := int(await reader.readuntil(b"\r\n"), 16)) != 0:
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
    else:
        body = await reader.readexactly(int(fields.get("content-length", "0")))
    return status, body, fields.get("connection") != "close"


async def one(port: int, asked: Asked, tally: Tally) -> None:
    """One request on a connection of its own."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            _judge(asked, tally, *(await ask(reader, writer, asked.raw))[:2])
        finally:
            writer.close()
    except (OSError, asyncio.IncompleteReadError, TimeoutError) as problem:
        tally.wrong.append(f"{asked.name}: {problem!r}")


async def all_at_once(port: int, asked: list[Asked]) -> Tally:
    """Every request at the same time, each on its own connection."""
    tally = Tally()
    await asyncio.gather(*(one(port, item, tally) for item in asked))
    return tally


async def keep_asking(
    port: int, asked: list[Asked], workers: int, is_done: Callable[[], bool]
) -> Tally:
    """`workers` connections that send request after request; told to stop, they finish the one under way."""
    tally = Tally()

    async def worker(number: int) -> None:
        count = number
        while not is_done():
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError as problem:
                tally.wrong.append(repr(problem))
                return
            try:
                while not is_done():
                    item = asked[count % len(asked)]
                    count += 1
                    try:
                        status, body, stays = await ask(reader, writer, item.raw)
                        _judge(item, tally, status, body)
                        if not stays:
                            break
                    except (OSError, asyncio.IncompleteReadError, TimeoutError) as problem:
                        tally.wrong.append(f"{item.name}: {problem!r}")
                        break
            finally:
                writer.close()

    await asyncio.gather(*(worker(number) for number in range(workers)))
    return tally


def _judge(asked: Asked, tally: Tally, status: int, body: bytes) -> None:
    if status == asked.status and asked.contains in body:
        tally.right[asked.name] += 1
    else:
        tally.wrong.append(f"{asked.name}: {status} {body[:200]!r}")


def mixture() -> list[Asked]:
    """Good and bad requests; the recorder's answer names the cluster that was reached."""
    chat = "/v1/chat/completions"

    def chat_body(model: str) -> dict:
        return {"model": model, "messages": []}

    return [
        Asked("chat", request_bytes(chat, chat_body("llama3-8b"), policies.KEY_A), 200,
              b'"cluster": "chat-llama3-8b-v1"'),
        Asked("alias", request_bytes(chat, chat_body("llama3"), policies.KEY_A), 200,
              b'"cluster": "chat-llama3-8b-v1"'),
        Asked("rewritten", request_bytes(chat, chat_body("r"), policies.KEY_A), 200,
              b'"cluster": "renamed-v1"'),
        Asked("tenant-b", request_bytes("/v1/embeddings", chat_body("b-only"), policies.KEY_B,
              policies.HOST_B), 200, b'"cluster": "b-only-v1"'),
        Asked("no key", request_bytes(chat, chat_body("llama3-8b"), None), 401,
              b"invalid_api_key"),
        Asked("wrong key", request_bytes(chat, chat_body("llama3-8b"), "wrong"), 401,
              b"invalid_api_key"),
        Asked("wrong model", request_bytes(chat, chat_body("b-only"), policies.KEY_A), 404,
              b"model_not_found"),
        Asked("wrong host", request_bytes(chat, chat_body("llama3-8b"), policies.KEY_A,
              policies.HOST_B), 403, b"tenant_mismatch"),
        Asked("bad JSON", request_bytes(chat, {}, policies.KEY_A)[:-2] + b"{]", 400,
              b"invalid_json"),
    ]  # fmt: skip
