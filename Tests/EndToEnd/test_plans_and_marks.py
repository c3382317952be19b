"""Plans, groups, limits that only count, raises and warnings, on real requests."""

import json
import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

import harness
import policy as policies
from exposition import Metrics
from harness import Stack, StackOptions, error_code

BOT = Path(__file__).parents[2] / "envoy/observability/shipping/threshold_bot.py"


def planned(amount: int = 1000) -> dict:
    policy = policies.build()
    policy["plans"] = {"gold": {"limits": [
        {"name": "rpd", "requests": amount, "per": "day"},
        {"name": "next", "requests": 2, "per": "day", "mode": "shadow"},
    ]}}  # fmt: skip
    policy["groups"] = {"research": {"tenants": ["tenant-a", "tenant-b"], "limits": [
        {"name": "department", "requests": 6, "per": "day", "warn_at": [0.5]},
    ]}}  # fmt: skip
    policy["tenants"]["tenant-a"]["plan"] = "gold"
    policy["tenants"]["tenant-a"]["limits"] = [
        {"name": "tpd", "tokens": 1_000_000, "per": "day", "raises": [
            {"add": 5, "from": "2020-01-01T00:00:00Z", "until": "2999-01-01T00:00:00Z"}]},
    ]  # fmt: skip
    return policy


@pytest.fixture(scope="module")
def stack():
    with Stack(StackOptions(policy=planned())) as stack:
        yield stack


def test_they_count_are_told_and_never_name_each_other(stack):
    for _ in range(3):
        assert stack.chat().status_code == 200
    records = harness.poll(
        "the threshold is on record", lambda: stack.ledger.since(0, "threshold")
    )
    assert [(r["group"], r["tenant"], r["limit"], float(r["share"])) for r in records] == [
        ("research", None, "department", 0.5)
    ]
    stack.ledger.settled(0, 3)
    admissions = stack.ledger.since(0, "admission")
    assert [a.get("shadow_limits", []) for a in admissions] == [[], [], ["next"]]
    assert {a["group"] for a in admissions} == {"research"}
    metrics = Metrics(stack.tollgate.scrape())
    assert metrics.sum("ai_gateway_shadow_refusals_total", tenant="tenant-a", limit="next") == 1
    assert metrics.sum("ai_gateway_limit_threshold_total", limit="department", share="0.5") == 1
    assert metrics.sum("ai_gateway_limit_amount", limit="tpd") == 1_000_005
    line = "group research's limit department has come to 0.5 of its amount: 3 of 6"
    harness.poll("it is logged", lambda: line in stack.tollgate.process.log())
    # Three more, and the group's day is over for both tenants.
    for _ in range(3):
        assert stack.chat().status_code == 200
    stack.ledger.settled(0, 6)
    refused = stack.chat()
    assert (refused.status_code, error_code(refused)) == (429, "insufficient_quota")
    assert "Your organisation's budget department" in refused.text
    assert "tenant-b" not in refused.text and "research" not in refused.text


def test_a_reload_tells_whose_plan_has_changed_and_keeps_every_count(stack):
    before = len(stack.ledger.since(0, "admission"))
    stack.write_policy(planned(amount=900))
    stack.tollgate.reload()
    line = "tenant tenant-a: its plan gold has changed"
    harness.poll("it is logged", lambda: line in stack.tollgate.process.log())
    refused = stack.chat()
    assert refused.status_code == 429 and before > 0


def test_the_bot_posts_each_threshold_once(stack, tmp_path):
    said: list[dict] = []

    class Chat(BaseHTTPRequestHandler):
        def do_POST(self):
            said.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    chat = HTTPServer(("127.0.0.1", 0), Chat)
    threading.Thread(target=chat.serve_forever, daemon=True).start()
    port = harness.free_port()
    environment = os.environ | {"CHAT_WEBHOOK": f"http://127.0.0.1:{chat.server_port}/"}
    bot = subprocess.Popen([sys.executable, BOT, f"127.0.0.1:{port}"], env=environment)
    try:
        harness.poll("the bot listens", lambda: harness._listens(port))
        lines = b"".join(
            path.read_bytes() for path in sorted((stack.tollgate.data / "ledger").glob("*.jsonl"))
        )
        for _ in range(2):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(lines)
        (message,) = harness.poll("the bot has told", lambda: said)
        assert message["text"].startswith(
            "Group research has used 3 of 6 requests of the limit department (50% is passed)."
        )
    finally:
        bot.kill()
        bot.wait()
        chat.shutdown()
    assert len(said) == 1
