"""Whatever id a caller has of a request, `audit show --request-id` finds its records."""

import json
import re
import uuid
from concurrent.futures import ThreadPoolExecutor

import anthropic
import openai
import pytest

import policy as policies
from harness import Stack, StackOptions, poll
from hostile_table import TABLE
from ledger import Ledger
from test_anthropic_sdk import ASKED
from test_audit import tollgate
from test_hostile import send
from test_openai_sdk import MESSAGES, make_client
import test_anthropic_sdk

IN_MESSAGE = re.compile(r"\(request id: (req_[0-9A-HJKMNP-TV-Z]{26})\)$")


def show(stack: Stack, request_id: str) -> tuple[int, list[dict]]:
    """`audit show --request-id`: its exit code, and the records."""
    data = stack.tollgate.data
    run = tollgate("audit", "show", str(data), "--request-id", request_id, "--json")
    return run.returncode, [json.loads(line) for line in run.stdout.splitlines()]


def found(stack: Stack, request_id: str) -> list[dict]:
    """The request's records, once they are on disk."""
    return poll(f"{request_id} is on record", lambda: (
        records if (answer := show(stack, request_id))[0] == 0 and (records := answer[1]) else None
    ))  # fmt: skip


def refused_rows(count: int) -> list:
    """Rows of the table that Tollgate refuses with a body, of every code."""
    by_code: dict[str, list] = {}
    for case in TABLE:
        if case.code and case.method != "HEAD":
            by_code.setdefault(case.code, []).append(case)
    rows = []
    while len(rows) < count:
        for cases in by_code.values():
            if cases:
                rows.append(cases.pop(0))
    return rows


@pytest.mark.parametrize("case", refused_rows(30), ids=lambda case: case.name)
def test_the_ids_of_a_refusal_find_its_record(proc_only, case):
    reply = send(proc_only, case)
    assert reply.status == case.status, reply
    ours = reply.headers["x-ai-request-id"]
    assert IN_MESSAGE.search(json.loads(reply.body)["error"]["message"]).group(1) == ours
    records = found(proc_only, ours)
    assert [r["reason"] for r in records] == [case.code]
    assert found(proc_only, reply.headers["x-request-id"]) == records


@pytest.mark.parametrize("call", [
    lambda c: c.chat.completions.create(model="nobody-has-this", messages=MESSAGES),
    lambda c: c.images.generate(model="llama3-8b", prompt="x"),
    lambda c: c.with_options(api_key="wrong").models.list(),
    lambda c: c.with_options(base_url=str(c.base_url) + "/v1").models.list(),
])  # fmt: skip
def test_what_openais_sdk_shows_finds_the_record(providers, call):
    with make_client(providers) as client, pytest.raises(openai.APIStatusError) as raised:
        call(client)
    in_message = IN_MESSAGE.search(raised.value.body["message"]).group(1)
    assert in_message in str(raised.value)
    records = found(providers, in_message)
    assert [r["reason"] for r in records] == [raised.value.code]
    assert found(providers, raised.value.request_id) == records


def test_what_openais_sdk_shows_of_an_answer_finds_both_records(providers):
    with make_client(providers) as client:
        answer = client.chat.completions.create(model="llama3-8b", messages=MESSAGES)
    records = poll("it is completed", lambda: (
        records if len(records := show(providers, answer._request_id)[1]) == 2 else None
    ))  # fmt: skip
    assert [r["type"] for r in records] == ["admission", "completion"]
    assert len({r["request_id"] for r in records}) == 1


@pytest.mark.parametrize("options, change", [
    ({"key": "wrong"}, {}), ({"host": policies.HOST_B}, {}), ({}, {"model": "nobody-has-this"}),
    ({}, {"max_tokens": 0}),
])  # fmt: skip
def test_what_anthropics_sdk_shows_finds_the_record(providers, options, change):
    with test_anthropic_sdk.make_client(providers, **options) as client:
        with pytest.raises(anthropic.APIStatusError) as raised:
            client.messages.create(**(ASKED | change))
    assert raised.value.request_id == raised.value.body["request_id"]
    assert raised.value.request_id in str(raised.value)
    (record,) = found(providers, raised.value.request_id)
    assert record["decision"] == "deny" and record["http_status"] == raised.value.status_code


def test_anthropics_id_of_an_answer_is_ours(providers):
    with test_anthropic_sdk.make_client(providers) as client:
        answer = client.messages.create(**ASKED)
        counted = client.messages.with_raw_response.count_tokens(
            model="claude-sim", messages=ASKED["messages"]
        )
    assert answer._request_id.startswith("req_")
    assert counted.headers["request-id"] == counted.headers["x-ai-request-id"]
    assert found(providers, answer._request_id)[0]["model"] == "claude-sim"


def test_of_a_flood_every_id_is_found_or_answered_with_its_second():
    kinds = [{"model": "nobody-has-this"}, {"key": "wrong"}]
    with Stack(StackOptions()) as stack, ThreadPoolExecutor(16) as pool:
        ledger = stack.ledger
        ids: list[str] = []

        def flood() -> bool:
            """Until both kinds had more than ten refusals in a second, whatever the machine can do."""
            replies = list(pool.map(lambda kind: stack.chat(**kind), kinds * 40))
            ids.extend(reply.headers["x-ai-request-id"] for reply in replies)
            counts = [r for r in ledger.records() if r["type"] == "denials"]
            return {bool(r["tenant"]) for r in counts} == {True, False}

        poll("a second has too many", flood)

        def counted() -> int:
            return sum(
                r["count"] if r["type"] == "denials" else r.get("decision") == "deny"
                for r in ledger.records()
            )

        poll("every refusal is on record", lambda: counted() == len(ids))
        answers = list(pool.map(lambda id_: (show(stack, id_), id_), ids))
        denials = [r for r in ledger.records() if r["type"] == "denials"]
    assert denials
    for (code, records), id_ in answers:
        assert records, f"{id_} is nowhere"
        if code == 0:
            assert all(id_ in (r.get("request_id"), *r.get("request_ids", [])) for r in records)
        else:
            assert {r["type"] for r in records} == {"denials"}
    for record in denials:
        kept = record.get("request_ids", [])
        assert len(kept) == (min(100, record["count"]) if record["tenant"] else 0)


def test_an_id_that_is_nowhere_is_a_failure(proc_only):
    for id_ in ("req_01HF7YAT000000000000000000", str(uuid.uuid4()), "x" * 300, "req_"):
        assert show(proc_only, id_) == (1, [])
