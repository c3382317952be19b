"""Recorded provider traffic through Envoy: every request is routed, every byte arrives."""

import hashlib
import json
import uuid

import pytest

import policy as policies
from envoy_config import EnvoyOptions
from harness import SHARED, Stack, StackOptions

CORPUS = SHARED / "corpus" / "otel-openai"
CASES = sorted(path.parent for path in CORPUS.glob("*/meta.json"))


def corpus_policy() -> dict:
    """Every model the recordings name, mapped to one route."""
    models = {json.loads((case / "meta.json").read_text())["expect"]["model"] for case in CASES}
    policy = policies.build()
    for model in models:
        policy["models"][model] = {
            "class": "interactive_inference", "stream_usage": "as_asked",
            "routes": [{"name": "corpus-v1"}], "max_output_tokens": 1_000_000,
        }  # fmt: skip
    policy["tenants"]["tenant-a"]["allow"][0]["models"] += sorted(models)
    return policy


@pytest.fixture(scope="module", params=["BUFFERED", "FULL_DUPLEX_STREAMED"])
def recorded(request):
    envoy = EnvoyOptions(request_body_mode=request.param)
    if request.param != "BUFFERED":
        envoy.response_body_mode = request.param
    with Stack(StackOptions(policy=corpus_policy(), envoy=envoy)) as stack:
        yield stack


@pytest.mark.skipif(not CASES, reason=f"skipped: {CORPUS} is not there")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_recorded_request_is_routed_byte_for_byte(recorded, case):
    meta = json.loads((case / "meta.json").read_text())
    body = (case / "request.json").read_bytes()
    test_id = uuid.uuid4().hex
    headers = [
        (name, value)
        for name, values in meta["request"]["headers"].items()
        for value in values
        if name not in ("host", "connection", "content-length", "authorization", "content-type")
    ]
    headers += [("content-type", "application/json"), ("x-test-id", test_id)]
    response = recorded.request("POST", meta["request"]["path"], body=body, headers=headers)
    assert response.status_code == 200, response.text
    (seen,) = recorded.recorder.by_id(test_id)
    assert seen.cluster == "corpus-v1"
    assert seen.sha256 == hashlib.sha256(body).hexdigest()
    assert seen.value("x-ai-model") == meta["expect"]["model"]
    assert seen.value("x-ai-stream") == str(bool(meta["expect"]["stream"])).lower()
