"""A TCP proxy before one server, whose faults a test switches while connections are open.

    PASS     what arrives is passed on
    SLOW     the server's answers take `delay` seconds longer
    HOLE     nothing passes, and nobody is told; what was swallowed arrives when the fault ends, late
    REFUSE   nobody listens, and open connections are reset

`cut()` resets the open connections once. Everything is on loopback. The proxy is a process of its own:
in the test's it would wait while the test computes.
"""

import asyncio
import contextlib
import enum
import socket
import struct
import subprocess
import sys
import threading

PIECE_BYTES = 1 << 16
# What one connection may hold back, in pieces; beyond it the sender's socket fills up.
PIECES_MAX = 64
DELAY_SECONDS = 0.2
STOP_SECONDS = 10


class Fault(enum.Enum):
    PASS = "pass"
    SLOW = "slow"
    HOLE = "black hole"
    REFUSE = "refuse"


class FaultProxy:
    """Listens on `port` and passes connections on to `target`."""

    def __init__(self, port: int, target: int):
        self.port, self.delay = port, DELAY_SECONDS
        self._target = target
        self._child: subprocess.Popen | None = None
        self._lock = threading.Lock()

    def start(self) -> "FaultProxy":
        self._child = subprocess.Popen(
            [sys.executable, __file__, str(self.port), str(self._target)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        )  # fmt: skip
        self._expect()
        return self

    def stop(self) -> None:
        if self._child:
            # It ends with its input, also where this process was killed.
            self._child.stdin.close()
            self._child.wait(STOP_SECONDS)
            self._child.stdout.close()

    @property
    def target(self) -> int:
        return self._target

    @target.setter
    def target(self, port: int) -> None:
        """Of connections from now on."""
        self._target = port
        self._do(f"target {port}")

    def set(self, fault: Fault) -> None:
        """From when this returns, the fault is in force."""
        self._do(f"fault {fault.name}")

    def cut(self) -> None:
        self._do("cut")

    @contextlib.contextmanager
    def during(self, fault: Fault):
        self.set(fault)
        try:
            yield
        finally:
            self.set(Fault.PASS)

    def _do(self, line: str) -> None:
        with self._lock:
            self._child.stdin.write(line + "\n")
            self._expect()

    def _expect(self) -> None:
        answer = self._child.stdout.readline()
        assert answer == "done\n", f"the proxy answers {answer!r}"


class _Proxy:
    """The proxy's process."""

    def __init__(self, port: int, target: int):
        self.port, self.target = port, target
        self.fault = Fault.PASS
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Does what each line says, to the end of the input."""
        await self._listen()
        print("done", flush=True)
        lines = asyncio.StreamReader()
        await self._loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while line := (await lines.readline()).decode():
            match line.split():
                case ["target", port]:
                    self.target = int(port)
                case ["fault", name]:
                    await self._set(Fault[name])
                case ["cut"]:
                    await self._cut()
            print("done", flush=True)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(
                self._connection, "127.0.0.1", self.port, limit=PIECE_BYTES
            )

    async def _unlisten(self) -> None:
        if self._server:
            self._server.close()
            self._server = None

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
                await pieces.put((self._loop.time() + (DELAY_SECONDS if is_late else 0), piece))
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

    async def _is_let_through(self) -> None:
        while self.fault is Fault.HOLE:
            await self._changed.wait()


async def _main() -> None:
    await _Proxy(int(sys.argv[1]), int(sys.argv[2])).run()


if __name__ == "__main__":
    asyncio.run(_main())
