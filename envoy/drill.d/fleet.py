"""Several Tollgates that share their limits in a Redis, behind one Envoy."""

import re
import signal
import socket

from stack import READY_SECONDS, Process, Stack


class Fleet(Stack):
    """The gateway of several replicas, on the ports of the one that rests meanwhile, with its backends."""

    def __init__(self, alone: Stack):
        run = alone.run / "fleet"
        names = tuple(sorted(path.stem for path in run.glob("tollgate-*.command")))
        super().__init__(run, alone.bin, alone.listen_port, alone.models_port, names)
        self.backends = alone.backends
        self.redis = Process(run, "redis")

    def start(self) -> None:
        self.start_redis()
        self.start_gateway()

    def stop(self) -> list[tuple[str, int | None]]:
        # It may be stopped in the other sense.
        self.redis.signal(signal.SIGCONT)
        return [(process.name, process.stop()) for process in (self.envoy, *self.tollgates, self.redis)]

    def start_redis(self) -> None:
        # One that was killed leaves its socket behind.
        (self.run / "redis.sock").unlink(missing_ok=True)
        self.redis.start()
        self._need(lambda: (self.run / "redis.sock").exists(), self.redis)

    def empty_redis(self) -> str:
        """FLUSHALL; its answer."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(READY_SECONDS)
            client.connect(str(self.run / "redis.sock"))
            client.sendall(b"FLUSHALL\r\n")
            return client.recv(100).decode().strip()

    def knowing(self, state: str) -> int:
        """How many replicas have partitions of the store in this state."""
        pattern = rf'^ai_gateway_store_partitions\{{state="{state}"\}} [1-9]'
        pages = [self.page("/metrics", tollgate)[1] for tollgate in self.tollgates]
        return sum(bool(re.search(pattern, page, re.MULTILINE)) for page in pages)
