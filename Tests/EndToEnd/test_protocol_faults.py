"""What a broken or hostile peer of the gRPC port may send: a clear end, and service for others."""

import grpc
import pytest

import direct

# Field 2047 of an unknown kind, well-formed: a newer Envoy's.
UNKNOWN_FIELD = b"\xfa\x7f\x03abc"
# Transport's limit of one message: 64 MiB.
MESSAGE_BYTES_MAX = 64 << 20


@pytest.fixture(scope="module")
def target(request):
    return request.getfixturevalue("direct").tollgate.target


@pytest.fixture(scope="module")
def over(target):
    with direct.channel(target) as channel:
        yield channel


def process(over, *messages: bytes):
    call = over.stream_stream(direct.PROC_METHOD)(iter(messages), timeout=60)
    replies, code = [], grpc.StatusCode.OK
    try:
        replies = list(call)
    except grpc.RpcError as error:
        code = error.code()
    return replies, code


def test_an_empty_processing_request_is_never_ok(over):
    replies, code = process(over, b"")
    assert replies or code is not grpc.StatusCode.OK
    assert all(direct.kind(direct.Reply.FromString(r)) == "immediate_response" for r in replies)


def test_unknown_fields_are_passed_over(over):
    headers = direct.request_headers(end=True, path="/custom/search", method="GET")
    replies, code = process(over, headers.SerializeToString() + UNKNOWN_FIELD)
    assert direct.kind(direct.Reply.FromString(replies[0])) == "request_headers"
    assert code is grpc.StatusCode.OK


def test_unknown_fields_do_not_open_a_door(over):
    headers = direct.request_headers(key="wrong")
    replies, _ = process(over, headers.SerializeToString() + UNKNOWN_FIELD)
    assert direct.Reply.FromString(replies[0]).immediate_response.status.code == 401


@pytest.mark.mass
def test_a_huge_message_is_refused_from_its_prefix(over):
    filler = b"\x22" + _varint(MESSAGE_BYTES_MAX) + bytes(MESSAGE_BYTES_MAX)
    _, code = process(over, filler)
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


@pytest.mark.parametrize("cut", [1, 2, 5, 20, 60])
def test_a_message_cut_short_is_never_ok(over, cut):
    whole = direct.request_headers().SerializeToString()
    replies, code = process(over, whole[:-cut])
    assert code is not grpc.StatusCode.OK or replies


def test_a_deadline_is_honoured(over):
    call = over.stream_stream(direct.PROC_METHOD)
    stream = direct.Exchange(over, seconds=1)
    stream.ask(direct.request_headers())
    stream.rest()
    assert stream.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert call is not None


def test_header_values_that_are_not_utf8_do_no_harm(over):
    stream = direct.Exchange(over)
    reply = stream.ask(direct.request_headers(extra=[("x-odd", b"\xff\xfe\x00")]))
    assert direct.kind(reply) in ("request_headers", "immediate_response")
    stream.cancel()


@pytest.mark.parametrize("value", [b"Bearer \xff\xfe", b"\xff" * 10])
def test_a_credential_that_is_not_utf8_is_401(over, value):
    stream = direct.Exchange(over)
    reply = stream.ask(direct.request_headers(key=None, extra=[("authorization", value)]))
    assert reply.immediate_response.status.code == 401
    stream.cancel()


@pytest.mark.parametrize("missing", [":path", ":method", ":authority"])
def test_a_request_without_a_pseudo_header_is_refused(over, missing):
    fields = [field for field in direct.request_fields() if field[0] != missing]
    stream = direct.Exchange(over)
    reply = stream.ask(direct.request_headers(fields=fields))
    assert direct.kind(reply) == "immediate_response"
    assert 400 <= reply.immediate_response.status.code < 500
    stream.cancel()
