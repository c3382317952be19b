"""Starts the simulator for a test session: the binary named by MODEL_SIMULATOR, else the debug build's."""

import os
import pathlib
import resource
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


# A test opens thousands of connections, each a file descriptor here and in the simulator.
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


def binary():
    named = os.environ.get("MODEL_SIMULATOR")
    return named or str(ROOT / ".build" / "debug" / "model-simulator")


class Simulator:
    """A process of its own with the backends `one` and `two`, on ports the kernel chose."""

    def __init__(self):
        flags = ["--name", "one", "--listen", "127.0.0.1:0", "--name", "two", "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen([binary(), *flags], stdout=subprocess.PIPE, text=True)
        self.ports = {}
        for _ in range(2):
            words = self.process.stdout.readline().split()
            self.ports[words[1]] = int(words[-1].rsplit(":", 1)[1])

    def url(self, name="one"):
        return f"http://127.0.0.1:{self.ports[name]}"

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(timeout=20)


@pytest.fixture(scope="session")
def running():
    simulator = Simulator()
    yield simulator
    assert simulator.stop() == 0


@pytest.fixture
def simulator(running):
    """The session's simulator, its logs emptied."""
    import httpx

    for name in running.ports:
        httpx.delete(running.url(name) + "/__sim/requests")
    yield running
    assert running.process.poll() is None, "the simulator died"


@pytest.fixture
def own_simulator():
    """One that the test may stop."""
    simulator = Simulator()
    yield simulator
    simulator.stop()
