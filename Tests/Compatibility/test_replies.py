"""The official classes read what EnvoyAPI writes."""

import subprocess
from functools import cache

import pytest
from envoy.config.core.v3.base_pb2 import HeaderValue, HeaderValueOption
from envoy.service.auth.v3.external_auth_pb2 import (
    CheckResponse, DeniedHttpResponse, OkHttpResponse,
)
from envoy.service.ext_proc.v3.external_processor_pb2 import (
    BodyMutation, BodyResponse, CommonResponse, GrpcStatus, HeaderMutation, HeadersResponse,
    ImmediateResponse, ProcessingResponse, StreamedBodyResponse, TrailersResponse,
)
from envoy.type.v3.http_status_pb2 import HttpStatus
from google.protobuf.struct_pb2 import Struct
from google.rpc.status_pb2 import Status

import reader

OVERWRITE = HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
MEMBERS = [
    "request_headers", "response_headers", "request_body", "response_body", "request_trailers",
    "response_trailers",
]


def option(name: str, value: bytes) -> HeaderValueOption:
    header = HeaderValue(key=name, raw_value=value)
    return HeaderValueOption(header=header, append_action=OVERWRITE)


# What is written last stands first.
MUTATION = HeaderMutation(
    set_headers=[option("x-ai-tenant", b"tenant-a"), option("x-bytes", b"\x00\xff\x80\x0a")],
    remove_headers=["authorization", "x-last"],
)


def dynamic_metadata() -> Struct:
    members = {
        "tenant": "tenant-a", "empty": "", "stream": True, "cut": False, "cost_usd": 0.00125,
        "zero": 0, "minus": -1e300,
    }
    result = Struct()
    result.update({"tollgate": members})
    return result


def common(number: int, response: CommonResponse) -> ProcessingResponse:
    kind = HeadersResponse if number <= 2 else BodyResponse
    return ProcessingResponse(**{MEMBERS[number - 1]: kind(response=response)})


def body(number: int, **mutation) -> ProcessingResponse:
    return common(number, CommonResponse(body_mutation=BodyMutation(**mutation)))


def expectations() -> dict:
    table = {}
    for number, member in enumerate(MEMBERS, start=1):
        if number <= 4:
            table[f"continue-{number}"] = common(number, CommonResponse())
            table[f"mutation-{number}"] = common(
                number, CommonResponse(header_mutation=MUTATION, clear_route_cache=True))
        else:
            table[f"continue-{number}"] = ProcessingResponse(**{member: TrailersResponse()})
            table[f"mutation-{number}"] = ProcessingResponse(
                **{member: TrailersResponse(header_mutation=MUTATION)})
    for number in (3, 4):
        table[f"body-{number}"] = body(number, body=b'{"a":1}')
        table[f"clear-{number}"] = body(number, clear_body=True)
        table[f"streamed-{number}"] = body(
            number, streamed_response=StreamedBodyResponse(body=b"piece", end_of_stream=True))
        for count in (1, 127, 128, 200_000):
            reply = body(number, streamed_response=StreamedBodyResponse(body=b"t" * count))
            reply.dynamic_metadata.CopyFrom(dynamic_metadata())
            table[f"tail-{number}-{count}"] = reply
    table["immediate"] = ProcessingResponse(immediate_response=ImmediateResponse(
        status=HttpStatus(code=429), headers=MUTATION, body=b'{"error":{}}',
        grpc_status=GrpcStatus(status=8), details="rate_limit_exceeded"))
    table["metadata"] = common(1, CommonResponse())
    table["metadata"].dynamic_metadata.CopyFrom(dynamic_metadata())
    sizes = (0, 1, 127, 128, 4000, 4095, 4096, 16383, 16384, 65535, 65536, 3_000_000)
    for size in sizes:
        mutation = HeaderMutation(set_headers=[option("x-long", b"v" * size)])
        table[f"header-{size}"] = common(1, CommonResponse(header_mutation=mutation))
    table["allowed"] = CheckResponse(
        status=Status(), dynamic_metadata=dynamic_metadata(),
        ok_response=OkHttpResponse(
            headers=[option("x-ai-tenant", b"tenant-a")], headers_to_remove=["authorization"],
            response_headers_to_add=[option("x-out", b"3")]))
    table["denied"] = CheckResponse(
        status=Status(code=16, message="invalid_api_key"),
        denied_response=DeniedHttpResponse(
            status=HttpStatus(code=401), body='{"error":{}}',
            headers=[option("content-type", b"application/json")]))
    return table


EXPECTED = expectations()


@cache
def written() -> dict:
    result = subprocess.run(
        [reader.program(), "write"], check=True, capture_output=True, text=True)
    lines = [line.split(" ") for line in result.stdout.splitlines()]
    assert len({name for name, _ in lines}) == len(lines)
    return {name: bytes.fromhex(encoded) for name, encoded in lines}


def test_every_reply_has_an_expectation():
    assert set(written()) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_reply_says_what_was_meant(name):
    wanted = EXPECTED[name]
    reply = type(wanted).FromString(written()[name])
    assert reply == wanted
    # Unknown fields are carried along, and show in the size.
    assert reply.ByteSize() == wanted.ByteSize()
