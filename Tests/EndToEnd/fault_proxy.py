"""A TCP proxy before one server, whose faults a test switches while connections are open.

    PASS     what arrives is passed on
    SLOW     the server's answers take `delay` seconds longer
    HOLE     nothing passes, and nobody is told; what was swallowed arrives when the fault ends, late
    REFUSE   nobody listens, and open connections are reset

`cut()` resets the open connections once. Everything is on loopback.
"""

import asyncio
import contextlib
import enum
import socket
import struct
import threading

PIECE_BYTES = 1 << 16
# What one connection may hold back, in pieces; beyond it the sender's socket fills up.
PIECES_MAX = 64


class Fault(enum.Enum):
    PASS = "pass"
    SLOW = "slow"
    HOLE = "black hole"
    REFUSE = "refuse"


class FaultProxy:
    """Listens on `port` and passes connections on to `target`; runs on a thread of its own."""

    def __init__(self, port: int, target: int):
        self.port, self.target = port, target
        self.fault = Fault.PASS
        self.delay = 0.2
        self.accepted = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._changed = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def start(self) -> "FaultProxy":
        self._thread.start()
        self._do(self._listen())
        return self

    def stop(self) -> None:
        if self._thread.is_alive():
            self._do(self._close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)

    def set(self, fault: Fault) -> None:
        """From when this returns, the fault is in force."""
        self._do(self._set(fault))

    def cut(self) -> None:
        self._do(self._cut())

    @contextlib.contextmanager
    def during(self, fault: Fault):
        self.set(fault)
        try:
            yield
        finally:
            self.set(Fault.PASS)

    def _do(self, work) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(
                self._connection, "127.0.0.1", self.port, limit=PIECE_BYTES
            )

    async def _unlisten(self) -> None:
        if self._server:
            self._server.close()
            self._server = None

    async def _close(self) -> None:
        await self._unlisten()
        await self._cut()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _set(self, fault: Fault) -> None:
        self.fault = fault
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        if fault is Fault.REFUSE:
            await self._unlisten()
            await self._cut()
        else:
            await self._listen()

    async def _cut(self) -> None:
        for writer in list(self._open):
            # Reset instead of an orderly end.
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
            writer.transport.abort()

    async def _connection(self, reader, writer) -> None:
        self.accepted += 1
        self._open.add(writer)
        server = None
        try:
            await self._is_let_through()
            far, server = await asyncio.open_connection("127.0.0.1", self.target, limit=PIECE_BYTES)
            self._open.add(server)
            await asyncio.gather(
                self._pass_on(reader, server, is_answer=False),
                self._pass_on(far, writer, is_answer=True),
            )
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for end in (writer, server):
                if end:
                    self._open.discard(end)
                    end.transport.abort()

    async def _pass_on(self, reader, writer, is_answer: bool) -> None:
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(PIECES_MAX)

        async def read() -> None:
            while True:
                try:
                    piece = await reader.read(PIECE_BYTES)
                except OSError:
                    piece = b""
                is_late = is_answer and self.fault is Fault.SLOW
                await pieces.put((self._loop.time() + (self.delay if is_late else 0), piece))
                if not piece:
                    return

        reading = asyncio.ensure_future(read())
        try:
            while True:
                due, piece = await pieces.get()
                await asyncio.sleep(max(0, due - self._loop.time()))
                await self._is_let_through()
                if not piece:
                    # One side's end ends both: a store's client has nothing more to say.
                    raise ConnectionError("ended")
                writer.write(piece)
                await writer.drain()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _is_let_through(self) -> None:
        while self.fault is Fault.HOLE:
            await self._changed.wait()
