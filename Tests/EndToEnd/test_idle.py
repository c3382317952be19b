"""Streams and connections that send nothing: what they take is bounded like bytes that are kept, they
end in time, and the memory comes back."""

import contextlib
import re
import select
import socket
import struct

import httpx
import pytest

import direct
import policy as policies
from harness import SANITIZER, Stack, StackOptions, poll

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS, HEADERS, RESET, GOAWAY = 4, 1, 3, 7
END_HEADERS = 4
REFUSED_STREAM = 7
MEBIBYTE = 1 << 20
BUFFER_BYTES_MAX = 8 * MEBIBYTE
# What Tollgate counts for each.
STREAM_BYTES, CONNECTION_BYTES = 8 << 10, 16 << 10
CONNECTIONS, STREAMS = 4, 5_000
# What the process takes besides: buffers of its loops, and pages that the allocator keeps for itself.
SLACK_BYTES = 24 * MEBIBYTE


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def literal(name: str, value: str) -> bytes:
    """A field that no table remembers (RFC 7541, 6.2.2)."""
    return b"\0" + b"".join(bytes((len(text),)) + text.encode() for text in (name, value))


BLOCK = b"".join(literal(*field) for field in (
    (":method", "POST"), (":scheme", "http"), (":path", direct.PROC_METHOD), (":authority", "x"),
    ("content-type", "application/grpc"), ("te", "trailers"),
))  # fmt: skip


class Peer:
    """A connection that opens streams and reads what comes, as frames."""

    def __init__(self, target: str):
        host, port = target.split(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.sendall(PREFACE + frame(SETTINGS, 0, 0) + frame(SETTINGS, 1, 0))
        self._rest = b""
        self.next_stream = 1

    def open(self, count: int) -> None:
        for _ in range(count // 250):
            block = b"".join(
                frame(HEADERS, END_HEADERS, self.next_stream + 2 * index, BLOCK) for index in range(250)
            )
            self.next_stream += 500
            self.socket.sendall(block)

    def frames(self, seconds: float = 1.0) -> list[tuple[int, int, int, bytes]]:
        """Type, flags, stream and payload of what comes until nothing has for `seconds`."""
        found = []
        ready = select.poll()
        ready.register(self.socket, select.POLLIN)
        while ready.poll(seconds * 1000):
            data = self.socket.recv(1 << 20)
            if not data:
                break
            self._rest += data
        while len(self._rest) >= 9:
            length = int.from_bytes(self._rest[:3], "big")
            if len(self._rest) < 9 + length:
                break
            stream = int.from_bytes(self._rest[5:9], "big")
            found.append((self._rest[3], self._rest[4], stream, self._rest[9 : 9 + length]))
            self._rest = self._rest[9 + length :]
        return found

    def close(self) -> None:
        self.socket.close()


def resident(stack: Stack) -> int:
    status = open(f"/proc/{stack.tollgate.process.pid}/status").read()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) << 10


def serving(*arguments: str) -> Stack:
    return Stack(StackOptions(envoy=None, tollgate_arguments=(
        "--max-buffer-bytes", str(BUFFER_BYTES_MAX), *arguments)))  # fmt: skip


def serves(stack: Stack) -> bool:
    with direct.channel(stack.tollgate.target) as over:
        try:
            return direct.check(over, direct.check_request(as_map=True)).status.code == 0
        except direct.grpc.RpcError:
            return False


@pytest.mark.skipif(bool(SANITIZER), reason="skipped: a sanitizer's memory is not the program's")
def test_idle_streams_stay_within_the_bound_and_their_memory_comes_back():
    """20,000 streams over four connections, and nothing on any: most are refused, the others end."""
    with serving("--first-message-timeout", "6s") as stack:
        assert serves(stack)
        before = resident(stack)
        with contextlib.ExitStack() as stackable:
            peers = [Peer(stack.tollgate.target) for _ in range(CONNECTIONS)]
            for peer in peers:
                stackable.callback(peer.close)
                # Before there are streams: without room the connection itself would be turned away.
                poll("it is taken", lambda peer=peer: any(s[0] == SETTINGS for s in peer.frames(0.05)))
            for peer in peers:
                peer.open(STREAMS)
            seen = []

            def not_refused() -> int:
                seen.extend(s for peer in peers for s in peer.frames(0.05))
                refusal = struct.pack(">I", REFUSED_STREAM)
                return CONNECTIONS * STREAMS - sum(s[0] == RESET and s[3] == refusal for s in seen)

            most = BUFFER_BYTES_MAX // STREAM_BYTES
            poll("what is beyond the bound is refused", lambda: not_refused() <= most)
            peak, taken = resident(stack), not_refused()
            assert 0 < taken <= most, taken
            assert peak - before < BUFFER_BYTES_MAX + SLACK_BYTES, (before, peak)
            assert not any(s[0] == GOAWAY for s in seen)
            assert "--max-buffer-bytes" in stack.tollgate.process.log()
            # They end by themselves, with a status that is not OK, and others are served again.
            ended = list(seen)

            def trailers() -> int:
                ended.extend(s for peer in peers for s in peer.frames(0.05))
                return sum(s[0] == HEADERS for s in ended)

            poll("each has its trailers", lambda: trailers() >= taken)
            assert trailers() == taken and not any(s[0] == GOAWAY for s in ended)
            assert serves(stack)
            poll("the memory is back", lambda: resident(stack) - before < SLACK_BYTES)


def test_a_thousand_connections_without_a_stream_count_and_others_are_served():
    """Up to the bound they are kept; beyond it each is told with GOAWAY, and its end comes."""
    most = BUFFER_BYTES_MAX // CONNECTION_BYTES
    with serving() as stack:
        before = resident(stack)
        with contextlib.ExitStack() as stackable:
            peers = []
            for _ in range(1_000):
                peers.append(Peer(stack.tollgate.target))
                stackable.callback(peers[-1].close)
            going = [any(s[0] == GOAWAY for s in peer.frames(0.01)) for peer in peers]
            kept = going.count(False)
            assert most * 0.7 <= kept <= most, kept
            if not SANITIZER:
                assert resident(stack) - before < BUFFER_BYTES_MAX + SLACK_BYTES
            # One that leaves makes room.
            for peer in peers[:50]:
                peer.close()
            poll("others are served", lambda: serves(stack))


def test_a_reload_gives_the_old_policys_memory_back():
    """Four reloads of a large policy: the process does not keep what each of them took."""
    policy = large_policy(0)
    with Stack(StackOptions(envoy=None, policy=policy)) as stack:
        before = resident(stack)
        for number in range(1, 5):
            stack.write_policy(large_policy(number))
            stack.tollgate.reload()
            poll("it is in force", lambda: f'generation":{number + 1}' in status(stack), 60)
        if not SANITIZER:
            poll("the memory is back", lambda: resident(stack) < 1.5 * before, 60)


def status(stack: Stack) -> str:
    return httpx.get(stack.tollgate.admin + "/api/v1/status", trust_env=False, timeout=30).text


def large_policy(number: int, tenants: int = 1_500) -> dict:
    policy = policies.build()
    for index in range(tenants):
        policy["tenants"][f"t-{index}"] = {
            "hostnames": [f"t-{index}.example.com"],
            "keys": [{"id": "k", "sha256": policies.digest(f"key-{index}")}],
            "allow": [{"paths": ["/v1/chat/completions"], "models": ["llama3-8b"]}],
            "limits": [{"name": "rpm", "requests": 100 + number, "per": "minute"},
                       {"name": "tpd", "tokens": 1_000_000, "per": "day"}],
        }  # fmt: skip
    return policy
