"""EnvoyAPI reads official messages as the official classes do."""

import random

import pytest
from envoy.service.auth.v3.external_auth_pb2 import CheckRequest
from envoy.service.ext_proc.v3.external_processor_pb2 import ProcessingRequest
from google.protobuf.message import DecodeError

import reader
from wire import Encoder, fill

KINDS = {"P": ProcessingRequest, "C": CheckRequest}


def expected(kind: str, message) -> dict:
    if kind == "P":
        return reader.expected_processing_request(message)
    return reader.expected_check_request(message)


def comparable(kind: str, line: dict) -> dict:
    """EnvoyAPI shows every entry of the headers map; in protobuf the last of equal names counts."""
    if kind == "C" and "headers" in line:
        return line | {"headers": dict(line["headers"])}
    return line


def official(kind: str, encoded: bytes):
    try:
        return KINDS[kind].FromString(encoded)
    except (DecodeError, UnicodeDecodeError):
        return None


def read(kind: str, messages: list[bytes]) -> list[dict]:
    return [comparable(kind, line) for line in reader.read(kind, messages)]


@pytest.mark.parametrize("kind", KINDS)
def test_messages_as_the_official_classes_write_them(kind):
    rng = random.Random(f"official {kind}")
    messages = [fill(KINDS[kind](), rng) for _ in range(3000)] + [KINDS[kind]()]
    lines = read(kind, [message.SerializeToString() for message in messages])
    for message, line in zip(messages, lines):
        assert line == expected(kind, message)


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_messages_written_in_every_lawful_way(kind, split):
    rng = random.Random(f"lawful {kind} {split}")
    cases = []
    for _ in range(3000):
        encoder = Encoder(rng, split)
        encoded = encoder.message(fill(KINDS[kind](), rng))
        cases.append((encoded, official(kind, encoded), encoder.repeats_message))
    assert all(message is not None for _, message, _ in cases)
    refused = 0
    for (encoded, message, repeats), line in zip(cases, read(kind, [case[0] for case in cases])):
        if repeats and line == {"error": "repeated"}:
            refused += 1
            continue
        assert line == expected(kind, message), encoded.hex()
    assert refused < len(cases) * 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_every_beginning_of_a_message(kind):
    rng = random.Random(f"beginnings {kind}")
    beginnings = []
    while len(beginnings) < 10_000:
        encoded = fill(KINDS[kind](), rng).SerializeToString()
        if len(encoded) < 1500:
            beginnings += [encoded[:count] for count in range(len(encoded))]
    for encoded, line in zip(beginnings, read(kind, beginnings)):
        message = official(kind, encoded)
        if message is None:
            assert line == {"error": "truncated"}, encoded.hex()
        else:
            assert line == expected(kind, message), encoded.hex()


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_messages_are_never_read_as_something_else(kind):
    rng = random.Random(f"damaged {kind}")
    damaged = []
    while len(damaged) < 10_000:
        encoded = bytearray(fill(KINDS[kind](), rng).SerializeToString())
        if not 0 < len(encoded) < 3000:
            continue
        for _ in range(rng.choice([1, 1, 2, 3])):
            encoded[rng.randrange(len(encoded))] = rng.choice([0, 1, 2, 8, 10, 18, rng.getrandbits(8)])
        damaged.append(bytes(encoded))
    compared = 0
    for encoded, line in zip(damaged, read(kind, damaged)):
        message = official(kind, encoded)
        # EnvoyAPI may read what the official classes refuse: text that is not UTF-8, or damage in a
        # part that it skips. What they read, EnvoyAPI reads alike, or refuses because Envoy never
        # writes it.
        if message is None:
            continue
        if line.get("error") in ("malformed", "wrongType", "repeated"):
            continue
        assert line == expected(kind, message), encoded.hex()
        compared += 1
    assert compared > 1000


def test_text_that_is_not_utf8_is_kept_as_it_came():
    raw = b"\x0a\x07\x22\x05\x12\x03\x22\x01\xff"
    assert official("C", raw) is None
    assert read("C", [raw])[0]["path"] == "ff"
