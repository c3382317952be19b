"""The reader of a shared store, on a server of its own."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest
import store_reader
from resp import RedisError


@pytest.fixture
def address(tmp_path):
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed")
    path = str(tmp_path / "s")
    server = subprocess.Popen(
        ["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no",
         "--dir", str(tmp_path)], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while not Path(path).exists():
            assert server.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        yield path
    finally:
        server.kill()
        server.wait()


def test_keys_are_those_of_the_gateway():
    """The same as in Tests/StoreTests/StoreKeysTests.swift."""
    for name, kind, shape, key in [
        ("tenant/tenant-a/rpm", "requests", "bucket/60000", "{tollgate:57}:3f6df1b3d8dafed7a8b93996fec6998c"),
        ("key/a%2Fb/k/m", "usd", "month", "{tollgate:31}:9b05a7f2ca72856b81f42b7acf2a0b06"),
        ("global/all/subject/s", "tokens", "day", "{tollgate:49}:096f1005a742b422b582cf8af1a05b78"),
        ("class/batch/max_concurrent/tenant/tenant-a", "concurrent", "slots", "{tollgate:57}:51c21a9e785d89b89da5ec8c9f514720"),
    ]:
        assert store_reader.key(name, kind, shape) == key


def test_what_was_stated_is_read(address):
    name = ("tenant/tenant-a/parallel", "concurrent", "slots")
    partition = store_reader.partition(name[0])
    tag = f"{{tollgate:{partition:02}}}"
    with store_reader.Store(address) as store:
        assert store.counter(*name) is None and store.sums([name]) == {name[0]: 0}
        assert store.is_open(partition) is None
        for ledger, hold in [("a" * 32, 2), ("b" * 32, 3)]:
            store.ask(
                "EVAL", store_reader.script(), 3, f"{tag}:open", f"{tag}:opening",
                store_reader.key(*name), "run-1", ledger, 1, "0000000a", 10_000, 1, 1, "", 1, ledger,
                "slots", 10, 1, hold, 1, 0, 0, "", "")
        counter = store.counter(*name)
        assert counter.sum == 5 and {h.hold for h in counter.holders.values()} == {2, 3}
        assert store.sums([name]) == {name[0]: 5}
        assert store.is_open(partition) == "run-1"
        store.ask("HSET", store_reader.key(*name), "sum", 6)
        with pytest.raises(ValueError, match="the sum is 6, its parts come to 5"):
            store.counter(*name)


@pytest.mark.parametrize("words", [("NOSUCHCOMMAND",), ("HGETALL",)])
def test_errors_are_raised(address, words):
    with store_reader.Store(address) as store, pytest.raises(RedisError):
        store.ask(*words)
