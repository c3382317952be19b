"""Many clients at once on one thread: each asks again and again, waits when it is told to, and notes what
it was answered."""

import asyncio
import json
import random
import threading
import time
from dataclasses import dataclass, field

# An answer that takes longer is a hang.
HANG_SECONDS = 20
# Where an answer says nothing of when to come back, and the longest that a client waits: the tests
# do not have the patience of real ones.
BACK_OFF_SECONDS = 0.3


@dataclass(frozen=True)
class Caller:
    """One client: what it sends, and how often."""

    tenant: str
    raw: bytes
    # Seconds from one request's beginning to the next one's; 0: as soon as it is answered.
    interval: float = 0
    # Whether it waits as `retry-after` says, up to `patience` seconds.
    obeys: bool = True
    patience: float = 1


@dataclass(frozen=True)
class Answer:
    tenant: str
    status: int
    # The refusal's code, "" for an answer of a model.
    code: str
    request_id: str
    # Unix seconds.
    began: float
    ended: float
    tokens: int

    @property
    def seconds(self) -> float:
        return self.ended - self.began

    @property
    def is_allowed(self) -> bool:
        return self.status == 200


@dataclass
class Crowd:
    """Callers that ask until told to stop; a context manager."""

    port: int
    callers: list[Caller]
    seed: int = 1
    answers: list[Answer] = field(default_factory=list)
    # Connections that ended without an answer, and answers that nobody could wait for.
    broken: list[str] = field(default_factory=list)
    hung: int = 0

    def __enter__(self) -> "Crowd":
        self._done = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def stop(self) -> None:
        """Requests that are under way are waited for."""
        self._done.set()
        self._thread.join(HANG_SECONDS + 10)
        assert not self._thread.is_alive(), "the clients do not end"

    def abandon(self) -> None:
        """Ends at once; who waits for an answer leaves."""
        self._done.set()
        self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in self._tasks])
        self._thread.join(10)
        assert not self._thread.is_alive(), "the clients do not end"

    @property
    def tenants(self) -> set[str]:
        return {caller.tenant for caller in self.callers}

    def of(self, tenant: str) -> list[Answer]:
        return [answer for answer in list(self.answers) if answer.tenant == tenant]

    def allowed(self, tenant: str) -> list[Answer]:
        return [answer for answer in self.of(tenant) if answer.is_allowed]

    def refused(self, tenant: str, code: str | None = None) -> list[Answer]:
        return [
            answer for answer in self.of(tenant)
            if not answer.is_allowed and code in (None, answer.code)
        ]  # fmt: skip

    def first_refusal(self, tenant: str) -> Answer | None:
        return min(self.refused(tenant), key=lambda answer: answer.ended, default=None)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks = [
            asyncio.ensure_future(self._client(*entry)) for entry in enumerate(self.callers)
        ]
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _client(self, number: int, caller: Caller) -> None:
        chance = random.Random(self.seed * 10_000 + number)
        # Even load: the clients do not begin together.
        due = time.monotonic() + chance.random() * caller.interval
        reader = writer = None
        while await self._waited(due):
            due = max(due + caller.interval, time.monotonic() - caller.interval)
            try:
                if writer is None:
                    reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                answer, wait, stays = await asyncio.wait_for(
                    self._ask(caller, reader, writer), HANG_SECONDS
                )
            except (OSError, asyncio.IncompleteReadError) as problem:
                is_hang = isinstance(problem, TimeoutError)
                self.hung += is_hang
                self.broken.append("no answer in time" if is_hang else repr(problem))
                stays, wait = False, 0.05
            else:
                self.answers.append(answer)
            if not stays:
                if writer:
                    writer.close()
                reader = writer = None
            if wait and caller.obeys:
                due = max(due, time.monotonic() + min(wait, caller.patience))
        if writer:
            writer.close()

    async def _waited(self, due: float) -> bool:
        """Whether to go on."""
        while not self._done.is_set():
            left = due - time.monotonic()
            if left <= 0:
                return True
            await asyncio.sleep(min(left, 0.1))
        return False

    async def _ask(self, caller: Caller, reader, writer) -> tuple[Answer, float, bool]:
        began = time.time()
        writer.write(caller.raw)
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head[:-4].decode("latin-1").split("\r\n")
        fields = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
        }
        if fields.get("transfer-encoding") == "chunked":
            body = b""
            while (size := int(await reader.readuntil(b"\r\n"), 16)) != 0:
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readexactly(2)
        else:
            body = await reader.readexactly(int(fields.get("content-length", "0")))
        status = int(first.split(" ")[1])
        code, tokens = _read(status, body)
        answer = Answer(
            caller.tenant, status, code, fields.get("x-ai-request-id", ""), began, time.time(), tokens
        )
        wait = 0.0 if status == 200 else float(fields.get("retry-after", BACK_OFF_SECONDS))
        return answer, wait, fields.get("connection") != "close"


def _read(status: int, body: bytes) -> tuple[str, int]:
    """The refusal's code, or the tokens that were used."""
    try:
        content = json.loads(body)
        if status == 200:
            return "", content["usage"]["total_tokens"]
        return content["error"]["code"] or "", 0
    except (ValueError, KeyError, TypeError):
        return "unreadable", 0
