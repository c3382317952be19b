"""Envoy takes a number of header fields, and of their bytes, and no more; Tollgate's own are among them.

One too many, and Envoy answers by itself after the verdict: with an empty 503, and a ledger that says
otherwise. So at every number there is an answer of Tollgate's or of the backend's.
"""

import uuid

import pytest

import policy as policies
from envoy_config import EnvoyOptions
from harness import Stack, StackOptions
from wire import h1, send_h1

LIMIT = 100
LIMIT_BYTES = 60 * 1024
# `:method`, `:scheme` and `:path` are fields too; a backend behind HTTP/1.1 sees `:authority` as host.
PSEUDO_HEADERS = 3
DUPLEX = {
    "request_body_mode": "FULL_DUPLEX_STREAMED", "response_body_mode": "FULL_DUPLEX_STREAMED",
    "trailer_mode": "SEND",
}  # fmt: skip
ENVOYS = {
    "as shipped": {},
    "ext_proc": {"filters": ("ext_proc",)},
    "duplex": {"filters": ("ext_proc",)} | DUPLEX,
}


@pytest.fixture(scope="module", params=ENVOYS)
def small(request):
    """The shipped counts, with limits that show in answers."""
    policy = policies.build()
    del policy["max_headers_count"], policy["max_headers_kb"]
    policy["tenants"]["tenant-a"]["limits"] = [
        {"name": "rpm", "requests": 100000, "per": "minute"},
        {"name": "tpm", "tokens": 100000000, "per": "minute"},
    ]
    options = EnvoyOptions(headers_max=None, headers_kb=None, **ENVOYS[request.param])
    with Stack(StackOptions(policy=policy, envoy=options)) as stack:
        yield stack


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/custom/search"])
def test_a_request_passes_up_to_the_limit_and_is_431_from_there_on(small, path):
    passed = []
    statuses = []
    # At 97 of them Envoy's parser has 101 of the client's alone, and closes.
    for count in range(74, 97):
        test_id = uuid.uuid4().hex
        lines = [f"x-m-{number}: 1" for number in range(count - 1)]
        reply = send_h1(small.listener, h1(path, headers=[f"X-Test-Id: {test_id}", *lines]))
        seen = small.recorder.by_id(test_id)
        statuses.append(reply.status)
        if reply.status == 200:
            names = [name for name, _ in seen[0].headers if name != "transfer-encoding"]
            passed.append(len(names) + PSEUDO_HEADERS)
            continue
        assert (reply.status, reply.code) == (431, "too_many_headers"), (count, reply)
        assert str(LIMIT) in reply.body.decode() and seen == []
    assert statuses == sorted(statuses), "refused once, refused with more"
    # From a full-duplex request Envoy takes content-length out by itself; Tollgate counts it all the same.
    is_duplex = small.options.envoy.request_body_mode == DUPLEX["request_body_mode"]
    assert 431 in statuses and max(passed) == LIMIT - is_duplex, passed


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/custom/search"])
def test_a_request_passes_up_to_the_limit_of_bytes_and_is_431_from_there_on(small, path):
    passed = []

    def status(size: int) -> int:
        """Sends a request whose own headers have about so many bytes."""
        test_id = uuid.uuid4().hex
        lines = [f"x-m-{number}: {'m' * 8000}" for number in range(size // 8000)]
        lines.append(f"x-rest: {'m' * (size % 8000)}")
        reply = send_h1(small.listener, h1(path, headers=[f"X-Test-Id: {test_id}", *lines]))
        seen = small.recorder.by_id(test_id)
        if reply.status == 200:
            names = [(n, v) for n, v in seen[0].headers if n != "transfer-encoding"]
            # What HTTP/1.1 says otherwise: `:authority`, `:path`, `:method`, `:scheme`.
            pseudo = len(":authority" + ":path" + path + ":method" + "POST" + ":scheme" + "http")
            passed.append(sum(len(n) + len(v) for n, v in names) - len("host") + pseudo)
            return 200
        assert (reply.status, reply.code) == (431, "too_many_headers"), (size, reply)
        assert str(LIMIT_BYTES) in reply.body.decode() and seen == []
        return 431

    # The client's own must stay below the limit, or Envoy's parser closes.
    sizes = range(LIMIT_BYTES - 2200, LIMIT_BYTES - 340, 60)
    statuses = [status(size) for size in sizes]
    assert statuses == sorted(statuses), "refused once, refused with more"
    assert set(statuses) == {200, 431}
    low = sizes[statuses.index(431) - 1]
    high = sizes[statuses.index(431)]
    around = [status(size) for size in range(low, high)]
    assert around == sorted(around)
    # The route is not known yet where it is decided: the longest names of the policy are counted.
    assert LIMIT_BYTES - 200 < max(passed) <= LIMIT_BYTES, passed


def test_an_answer_gets_ours_as_far_as_there_is_room(small):
    limits = set()
    for count in range(85, 99):
        test_id = uuid.uuid4().hex
        reply = small.chat(headers={"x-test-id": test_id, "x-test-headers": str(count)})
        assert reply.status_code == 200, (count, reply.text)
        assert reply.json()["usage"]["total_tokens"] == 4
        assert len([name for name in reply.headers if name.startswith("x-more-")]) == count
        shown = [name for name in reply.headers if name.startswith("x-ratelimit-")]
        assert len(shown) in (0, 6)
        limits.add(len(shown))
        if shown:
            assert "x-ai-model-route" in reply.headers and "x-ai-request-id" in reply.headers
        (request_id,) = small.recorder.by_id(test_id)[0].values("x-ai-request-id")
        ended = small.ledger.completion(request_id)
        assert (ended["http_status"], ended["end_reason"]) == (200, "complete"), count
        assert ended["usage_source"] == "reported"
    assert limits == {0, 6}


def test_an_answer_gets_ours_as_far_as_there_is_room_for_their_bytes(small):
    shown = []
    # Of an answer over HTTP/1 Envoy takes 80 KiB, over HTTP/2 60. Tollgate's stay below both.
    edge = 80 * 1024
    for count in [*range(LIMIT_BYTES - 1200, LIMIT_BYTES - 300, 60), *range(edge - 900, edge - 300, 60)]:
        test_id = uuid.uuid4().hex
        reply = small.chat(headers={"x-test-id": test_id, "x-test-header-bytes": str(count)})
        assert reply.status_code == 200, (count, reply.text)
        assert reply.json()["usage"]["total_tokens"] == 4
        long = [value for name, value in reply.headers.items() if name.startswith("x-long-")]
        assert sum(map(len, long)) == count
        shown.append(len([name for name in reply.headers if name.startswith("x-ratelimit-")]))
        (request_id,) = small.recorder.by_id(test_id)[0].values("x-ai-request-id")
        ended = small.ledger.completion(request_id)
        assert (ended["http_status"], ended["end_reason"]) == (200, "complete"), count
    assert set(shown) == {0, 6} and shown == sorted(shown, reverse=True)
