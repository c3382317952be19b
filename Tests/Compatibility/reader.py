"""Runs envoy-messages, and says what it should print for an official message."""

import json
import os
import struct
import subprocess
from functools import cache
from math import isnan
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ATTRIBUTES = "envoy.filters.http.ext_proc"
PHASES = {
    "request_headers": 2, "response_headers": 3, "request_body": 4, "response_body": 5,
    "request_trailers": 6, "response_trailers": 7,
}


@cache
def program() -> str:
    """The built program; ENVOY_MESSAGES names one that is built already."""
    if "ENVOY_MESSAGES" in os.environ:
        return os.environ["ENVOY_MESSAGES"]
    build = ["swift", "build", "--package-path", str(ROOT), "-c", "release",
             "--product", "envoy-messages"]
    subprocess.run(build, check=True, capture_output=True)
    where = subprocess.run([*build, "--show-bin-path"], check=True, capture_output=True, text=True)
    return f"{where.stdout.strip()}/envoy-messages"


def read(kind: str, messages: list[bytes]) -> list[dict]:
    """What EnvoyAPI reads from each message. Given in pieces, a message must give the same."""
    frames = b"".join(kind.encode() + struct.pack(">I", len(m)) + m for m in messages)
    result = subprocess.run([program(), "read"], input=frames, check=True, capture_output=True)
    lines = [json.loads(line, object_hook=with_one_nan) for line in result.stdout.splitlines()]
    assert len(lines) == len(messages)
    for line, message in zip(lines, messages):
        assert line.get("pieces", []) == [], message.hex()
    return [line["read"] for line in lines]


def number(value: float) -> str:
    """A double by its bits, as envoy-messages shows it."""
    return "nan" if isnan(value) else str(struct.unpack("<Q", struct.pack("<d", value))[0])


def with_one_nan(parsed: dict) -> dict:
    """Python's decoder knows a single NaN, so all NaNs are made the same here."""
    if set(parsed) == {"n"}:
        return {"n": number(struct.unpack("<d", struct.pack("<Q", int(parsed["n"])))[0])}
    return parsed


def hexed(value: str | bytes) -> str:
    return (value.encode() if isinstance(value, str) else value).hex()


def value_of(value):
    match value.WhichOneof("kind"):
        case "number_value":
            return {"n": number(value.number_value)}
        case "string_value":
            return {"s": hexed(value.string_value)}
        case "bool_value":
            return {"b": value.bool_value}
        case "struct_value":
            return {"o": structure(value.struct_value)}
        case "list_value":
            return {"l": [value_of(element) for element in value.list_value.values]}
        case _:
            return None


def structure(message) -> dict:
    return {hexed(name): value_of(value) for name, value in message.fields.items()}


def metadata(message) -> dict:
    return {hexed(name): structure(value) for name, value in message.filter_metadata.items()}


def headers(message) -> list:
    return [[hexed(h.key), hexed(h.raw_value or h.value)] for h in message.headers]


def expected_processing_request(message) -> dict:
    name = message.WhichOneof("request")
    part = getattr(message, name) if name else None
    modes = message.protocol_config
    known = range(6)
    return {
        "phase": PHASES[name] if name else None,
        "headers": headers(part.headers) if name and name.endswith("headers")
        else headers(part.trailers) if name and name.endswith("trailers") else [],
        "body": hexed(part.body) if name and name.endswith("body") else "",
        "end_of_stream": getattr(part, "end_of_stream", False),
        "end_of_stream_without_message": getattr(part, "end_of_stream_without_message", False),
        "metadata": metadata(message.metadata_context)
        if message.HasField("metadata_context") else None,
        "attributes": structure(message.attributes[ATTRIBUTES])
        if ATTRIBUTES in message.attributes else None,
        "observability_mode": message.observability_mode,
        "modes": [m if m in known else None
                  for m in (modes.request_body_mode, modes.response_body_mode)]
        if message.HasField("protocol_config") else None,
    }


def expected_check_request(message) -> dict:
    attributes = message.attributes
    http = attributes.request.http
    return {
        "principal": hexed(attributes.source.principal),
        "source_address": hexed(attributes.source.address.socket_address.address),
        "source_port": attributes.source.address.socket_address.port_value,
        "method": hexed(http.method),
        "path": hexed(http.path),
        "host": hexed(http.host),
        "id": hexed(http.id),
        "size": http.size,
        "body": hexed(http.body),
        "raw_body": hexed(http.raw_body),
        "headers": {hexed(name): hexed(value) for name, value in http.headers.items()},
        "header_map": headers(http.header_map) if http.HasField("header_map") else None,
        "metadata": metadata(attributes.metadata_context)
        if attributes.HasField("metadata_context") else None,
    }
