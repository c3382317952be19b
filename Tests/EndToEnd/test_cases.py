"""What went wrong at other gateways, as small inputs with what is right.

Each case is a folder of `shared/cases` (its README says what the files mean). All of them run on one
stack with a model of its own for each, through the real Envoy: the recorder gives the case's answer,
and the ledger must say what `expect.json` says.
"""

import gzip
import json
import re
import shutil
import subprocess
import uuid
from decimal import Decimal
from pathlib import Path

import pytest

import direct
import policy as policies
from envoy_config import EnvoyOptions
from exposition import Metrics
from harness import BINARIES, SHARED, Stack, StackOptions, poll
from ledger import charged
from recorder import Canned

FOLDER = SHARED / "cases"
CASES = {path.parent.name[:2]: path.parent for path in sorted(FOLDER.glob("*/expect.json"))}
pytestmark = pytest.mark.skipif(not CASES, reason=f"skipped: {FOLDER} is not there")

# What a case's model is where the case has no policy of its own.
MODEL = """{ models: { "m1": { class: "interactive_inference", routes: [{ name: "m1-v1" }],
  max_output_tokens: 32768 } } }"""
# The prices that a case's policy wants beside its own.
WANTED = {
    "28": {"completion: 15}": "completion: 15, cache_write_1h_prompt: 6}"},
    "35": {"price_usd_per_request: 0": "price_usd_per_minute: 0.006"},
    "60": {"completion: 10}": "completion: 10, tiers: { priority: { prompt: 2, completion: 20 },"
                              " flex: { prompt: 0.5, completion: 5 } } }"},
}  # fmt: skip
# Cases whose answer is metered: a request, an answer, a completion to compare.
METERED = [
    number for number, case in CASES.items()
    if number not in ("34", "59") and any(case.glob("response*.json*")) or any(case.glob("*.sse*"))
]  # fmt: skip
COMPRESSED = ".gz"


def expectation(number: str) -> dict:
    return json.loads((CASES[number] / "expect.json").read_text(), parse_float=Decimal)


def own_model(number: str, text: str) -> str:
    """The case's text with a model and a route of the case's own in it."""
    return re.sub(r'"m1(-v1)?"', rf'"m-{number}\1"', text)


def write_policies(folder: Path) -> dict:
    """The base policy and a file for every case, merged as a directory is; and what Envoy must route."""
    folder.mkdir()
    policy = policies.build()
    tenant = policy["tenants"]["tenant-a"]
    tenant["allow"][0]["models"] += [f"m-{number}" for number in CASES]
    tenant["limits"] = [
        {"name": "rpd", "requests": 1_000_000, "per": "day"},
        {"name": "tpd", "tokens": 1_000_000_000, "per": "day"},
        {"name": "small", "tokens": 10_000, "per": "minute", "models": ["m-39"]},
        {"name": "usd", "usd": 1000, "per": "month",
         "models": [f"m-{n}" for n in CASES if priced(n)]},
    ]  # fmt: skip
    tenant["limits"] = [limit for limit in tenant["limits"] if limit.get("models") != []]
    policy["tenants"]["tenant-b"]["allow"].append(
        {"paths": ["/v1/responses"], "models": [f"m-{number}" for number in CASES]}
    )
    (folder / "base.json5").write_text(policies.text(policy))
    for number, case in CASES.items():
        fragment = case / "policy.json5"
        text = own_model(number, fragment.read_text() if fragment.exists() else MODEL)
        for before, after in WANTED.get(number, {}).items():
            assert before in text
            text = text.replace(before, after)
        (folder / f"{number}.json5").write_text(text)
    for number in CASES:
        policy["models"][f"m-{number}"] = {"routes": [{"name": f"m-{number}-v1"}]}
    return policy


def priced(number: str) -> bool:
    fragment = CASES[number] / "policy.json5"
    return fragment.exists() and "price_usd_per_million" in fragment.read_text()


@pytest.fixture(scope="module", params=["STREAMED", "FULL_DUPLEX_STREAMED"])
def field(request, tmp_path_factory):
    envoy = EnvoyOptions(response_body_mode=request.param)
    if request.param == "FULL_DUPLEX_STREAMED":
        envoy.request_body_mode = request.param
    folder = tmp_path_factory.mktemp("cases") / "policies"
    policy = write_policies(folder)
    with Stack(StackOptions(policy=policy, policy_path=folder, envoy=envoy)) as stack:
        yield stack


def path_of(number: str) -> str:
    return expectation(number).get("path", "/v1/chat/completions")


def answer_of(file: Path, pieces: int) -> Canned:
    """The recorder's answer: the file's bytes in pieces of a size."""
    data = file.read_bytes()
    headers = file.parent / "response-headers.json"
    fields = json.loads(headers.read_text()) if headers.exists() else {}
    kind = "application/json" if file.suffix == ".json" else "text/event-stream"
    return Canned(
        pieces=[data[i : i + pieces] for i in range(0, len(data), pieces)],
        content_type=fields.pop("content-type", kind),
        status=int(fields.pop(":status", 200)),
        fields=tuple(fields.items()),
    )


def request_body(number: str) -> tuple[bytes, str]:
    """The request's body and content type; a transcription's is a form."""
    case = CASES[number]
    if (case / "request.json").exists():
        return own_model(number, (case / "request.json").read_text()).encode(), "application/json"
    form = (
        '--b\r\ncontent-disposition: form-data; name="model"\r\n\r\n'
        f"m-{number}\r\n--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n"
        "content-type: audio/wav\r\n\r\nRIFF....WAVE\r\n--b--\r\n"
    )
    return form.encode(), "multipart/form-data; boundary=b"


def send(stack, number: str, answer: Canned | None):
    body, kind = request_body(number)
    test_id = uuid.uuid4().hex
    if answer:
        stack.recorder.replay(test_id, answer)
    return stack.request(
        "POST", path_of(number), body=body,
        headers={"x-test-id": test_id, "content-type": kind},
    )  # fmt: skip


def unread_answers(stack) -> float:
    return Metrics(stack.tollgate.scrape()).sum("ai_gateway_usage_unread_total")


def compare(completion: dict, expected: dict, least: dict) -> None:
    for name, value in expected.items():
        if name == "tokens_charged":
            assert charged(completion).get("tenant/tenant-a/tpd", 0) == value
        elif name == "requests_charged":
            assert charged(completion).get("tenant/tenant-a/rpd", 0) == value
        elif name == "cost_usd":
            assert completion["estimated_cost_usd"] in (None, Decimal(value))
        else:
            assert completion[name] == value, f"{name}: {completion[name]}, not {value}"
    for name, value in least.items():
        assert completion[name] is not None and completion[name] >= value, name
    numbers = [value for value in completion.values() if isinstance(value, (int, Decimal))]
    assert all(value >= 0 for value in numbers), completion


@pytest.mark.parametrize("pieces", [1 << 20, 7], ids=["whole", "by seven bytes"])
@pytest.mark.parametrize("number", METERED)
def test_an_answer_is_settled_as_it_should(field, number, pieces):
    expected = expectation(number)
    answers = sorted(CASES[number].glob("response*.*"), key=lambda file: (len(file.name), file.name))
    for file in answers:
        if file.name == "response-headers.json":
            continue
        mark = field.ledger.mark()
        unread = unread_answers(field)
        response = send(field, number, answer_of(file, pieces))
        if "either" in expected and response.status_code == 400:
            assert "background" in response.text
            continue
        assert response.status_code == 200, response.text
        if file.suffix != COMPRESSED:
            assert response.content == file.read_bytes()
        else:
            assert response.content == gzip.decompress(file.read_bytes())
        (completion,) = field.ledger.settled(mark, 1)
        is_second = "-2" in file.name
        settle = expected.get("second" if is_second and "second" in expected else "settle", {})
        compare(completion, settle, expected.get("at_least", {}))
        assert completion["end_reason"] == expected.get("end_reason", "complete")
        if "units" in expected:
            assert completion["units"] == expected["units"]
        if cost := expected.get("second_cost_usd" if is_second else "cost_usd"):
            assert completion["estimated_cost_usd"] == Decimal(cost)
        if "operator_sees" in expected:
            assert unread_answers(field) == unread + 1


def test_many_prompts_are_reserved_together(field):
    if "39" not in CASES:
        pytest.skip("skipped: the case is not there")
    response = send(field, "39", None)
    assert response.status_code == expectation("39")["http_status"], response.text
    assert response.headers["x-should-retry"] == "false"
    assert "retry-after" not in response.headers


@pytest.mark.parametrize("name", ["request.json", "request-2.json"])
def test_a_second_model_in_the_body_is_refused(field, name):
    text = own_model("42", (CASES["42"] / name).read_text())
    mark = field.ledger.mark()
    response = field.request("POST", path_of("42"), body=text.encode())
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert error["code"] == "unsupported_parameter" and error["param"] in ("models", "fallbacks")
    denial = poll("the denial is on disk", lambda: field.ledger.since(mark, "admission"))[0]
    assert denial["decision"] == "deny" and denial["reason"] == "unsupported_parameter"


def test_another_tenants_answer_is_not_continued(field):
    case = CASES["34"]
    test_id = uuid.uuid4().hex
    field.recorder.replay(test_id, answer_of(case / "response-to-tenant-a.json", 1 << 20))
    first = field.request(
        "POST", "/v1/responses", headers={"x-test-id": test_id},
        body=own_model("34", (case / "request-tenant-a.json").read_text()).encode(),
    )  # fmt: skip
    assert first.status_code == 200, first.text
    continued = own_model("34", (case / "request-tenant-b.json").read_text()).encode()
    refused = field.request(
        "POST", "/v1/responses", body=continued, key=policies.KEY_B, host=policies.HOST_B
    )
    assert refused.status_code == 400, refused.text
    assert refused.json()["error"]["code"] == "previous_response_not_found"
    # Its own tenant may go on with it.
    assert field.request("POST", "/v1/responses", body=continued).status_code == 200


def test_a_websocket_is_told_to_upgrade_otherwise(field):
    fields = json.loads((CASES["32"] / "request-headers.json").read_text())
    extra = {k: v for k, v in fields.items() if k[0] != ":" and k != "authorization"}
    response = field.request(fields[":method"], fields[":path"], headers=extra)
    assert response.status_code == expectation("32")["http_status"], response.text
    assert response.json()["error"]["code"] == "unsupported_upgrade"


def test_headers_that_rewrite_the_model_reach_no_backend(field):
    fields = json.loads((CASES["58"] / "request-headers.json").read_text())
    extra = [(k, v) for k, v in fields.items() if k[0] != ":" and k != "authorization"]
    test_id = uuid.uuid4().hex
    body = own_model("58", (CASES["58"] / "request.json").read_text()).encode()
    response = field.request(
        "POST", fields[":path"], body=body, headers=[*extra, ("x-test-id", test_id)]
    )
    assert response.status_code == 200, response.text
    (seen,) = field.recorder.by_id(test_id)
    names = {name.lower() for name, _ in seen.headers}
    for name in expectation("58")["removed_from_request"]:
        assert name not in names


def claims_policy(name: str) -> dict:
    """The policy that reads the claim which the token of this name carries."""
    claim = {
        "auth0.json": "https://example.com/tenant",
        "cognito.json": "cognito:groups",
        "keycloak.json": ["realm_access", "roles"],
        "two-tenants.json": "cognito:groups",
    }[name]
    token = json.loads((CASES["51"] / name).read_text())
    issuer = {"issuer": token["iss"], "metadata_key": "jwt", "tenant_claim": claim,
              "subject_claim": "sub"}  # fmt: skip
    return policies.with_auth(policies.build(), jwt=[issuer])


@pytest.mark.parametrize("name", ["auth0.json", "cognito.json", "keycloak.json", "two-tenants.json"])
def test_claims_lead_to_one_tenant_or_none(name):
    token = json.loads((CASES["51"] / name).read_text())
    with Stack(StackOptions(policy=claims_policy(name), envoy=None)) as stack:
        with direct.channel(stack.tollgate.target) as channel:
            exchange = direct.Exchange(channel)
            reply = exchange.ask(
                direct.request_headers(
                    end=True, path="/v1/models", method="GET", key=None, content_type=None,
                    metadata={"envoy.filters.http.jwt_authn": {"jwt": token}},
                )
            )  # fmt: skip
            expected = expectation("51")[name]
            status = reply.immediate_response.status.code
            assert status == expected.get("http_status", 200)
            exchange.cancel()
        if "tenant" in expected:
            admission = poll("the admission", lambda: stack.ledger.since(0, "admission"))[0]
            assert admission["tenant"] == expected["tenant"]


def test_what_another_filter_dropped_costs_nothing(field):
    case = CASES["59"]
    expected = expectation("59")
    fields = json.loads((case / "response-headers.json").read_text())
    attributes = json.loads((case / "attributes.json").read_text())
    mark = field.ledger.mark()
    with direct.channel(field.tollgate.target) as channel:
        exchange = direct.Exchange(channel)
        exchange.ask(direct.request_headers())
        body = json.dumps({"model": "m-59", "messages": [{"role": "user", "content": "hello"}]})
        exchange.ask(direct.request_body(body.encode()))
        message = direct.response_headers(
            status=fields[":status"], content_type=fields["content-type"], end=True
        )
        for name, value in fields.items():
            if name not in (":status", "content-type"):
                message.response_headers.headers.headers.add(key=name, raw_value=value.encode())
        message.attributes["envoy.filters.http.ext_proc"].Clear()
        message.attributes["envoy.filters.http.ext_proc"].update(attributes)
        exchange.ask(message)
        exchange.cancel()
    (completion,) = field.ledger.settled(mark, 1)
    compare(completion, expected["settle"], {})
    assert completion["origin"] == expected["origin"]


def test_manifests_of_another_gateway_are_not_taken_for_checked(tmp_path):
    manifest = tmp_path / "manifest.yaml"
    shutil.copy(CASES["54"] / "manifest.yaml", manifest)
    done = subprocess.run(
        [str(BINARIES / "tollgate"), "lint", str(manifest)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "not-checked" in done.stdout + done.stderr
