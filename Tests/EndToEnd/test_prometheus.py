"""The rules, alerts and the dashboard, held against a real Prometheus that scrapes real traffic."""

import json
import re

import pytest
import yaml

import policy as policies
from harness import Stack, StackOptions, chat_body, free_port, poll
from prometheus import OBSERVABILITY, Prometheus, promtool, rules
from recorder import Canned
from test_disk import Ballast, disk, on_disk  # noqa: F401 (a fixture)

CHAT = "/v1/chat/completions"
TESTS = ("rules_test.yaml", "rules_budget_test.yaml")
# What `promtool check metrics` says of a scrape, and why it stays so.
EXCEPTIONS = {
    # The recording rules need these names in milliseconds; each has a twin in seconds.
    "ai_gateway_request_duration_ms metric names should not contain abbreviated units",
    "ai_gateway_time_to_first_token_ms metric names should not contain abbreviated units",
}


# The files.


def test_the_rules_pass_their_own_tests():
    for arguments in (("check", "rules", "rules.yaml"), ("check", "config", "prometheus.yml"),
                      ("test", "rules", *TESTS)):  # fmt: skip
        done = promtool(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_has_a_test_and_every_alert_one_where_it_is_silent():
    tests = sum((yaml.safe_load((OBSERVABILITY / name).read_text())["tests"] for name in TESTS), [])
    expressions = " ".join(
        case["expr"] for test in tests for case in test.get("promql_expr_test", [])
    )
    alerts = [case for test in tests for case in test.get("alert_rule_test", [])]
    for rule in rules():
        if "record" in rule:
            assert re.search(re.escape(rule["record"]) + r"(?![\w:])", expressions), rule["record"]
            continue
        expected = [case["exp_alerts"] for case in alerts if case["alertname"] == rule["alert"]]
        assert any(expected), f"{rule['alert']} is never seen to fire"
        assert not all(expected), f"{rule['alert']} is never seen to be silent"


def test_every_alert_says_what_it_is_and_where_to_read_on():
    page = (OBSERVABILITY / "README.md").read_text()
    sections = {match.lower() for match in re.findall(r"^### (\w+)$", page, re.M)}
    alerts = [rule for rule in rules() if "alert" in rule]
    for alert in alerts:
        assert alert["labels"]["severity"] in ("warning", "critical")
        assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
        url, _, anchor = alert["annotations"]["runbook_url"].partition("#")
        assert url == "envoy/observability/README.md" and anchor == alert["alert"].lower()
        assert anchor in sections, f"{alert['alert']} has no section in the runbook"
    assert sections == {alert["alert"].lower() for alert in alerts}


def dashboard() -> dict:
    return json.loads((OBSERVABILITY / "dashboard.json").read_text())


def expressions() -> dict[str, list[str]]:
    """Each panel's queries, as Grafana would send them with everything chosen."""
    found = {}
    for panel in dashboard()["panels"]:
        found[f"{panel['id']} {panel['title']}"] = [
            re.sub(r"\$(instance|tenant|model_route)\b", ".*", target["expr"])
            .replace("$__rate_interval", "1m").replace("$__range", "1h")
            for target in panel.get("targets", [])
        ]  # fmt: skip
    return {title: queries for title, queries in found.items() if queries}


def test_the_dashboard_is_whole():
    board = dashboard()
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert [variable["name"] for variable in board["templating"]["list"]][0] == "datasource"
    squares: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        own = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not own & squares, f"{panel['title']} lies over another panel"
        squares |= own
        if panel["type"] == "row":
            continue
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])
    left = re.findall(r"\$[\w{]+", " ".join(sum(expressions().values(), [])))
    assert left == [], "a variable that nothing sets"


# Against a running gateway.

PRICES = {"prompt": 1, "cached_prompt": 0.5, "completion": 2}
USAGE = {
    "prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100,
    "prompt_tokens_details": {"cached_tokens": 400},
}  # fmt: skip
# 600 at 1, 400 at 0.5 and 100 at 2, in millionths.
USAGE_USD = 0.001
# Far from full.
LEDGER_MAX = 1 << 30


def monitored_policy() -> dict:
    """A day's budget that the traffic of these tests uses to four fifths."""
    policy = policies.build()
    policy["models"]["llama3-8b"]["price_usd_per_million"] = PRICES
    policy["tenants"]["tenant-a"]["limits"] = [
        {"name": "daily", "requests": 100, "per": "day"},
        {"name": "rpm", "requests": 100_000, "per": "minute"},
        {"name": "parallel", "concurrent": 50},
    ]
    return policy


@pytest.fixture(scope="module")
def monitored():
    # Nobody listens there: shipping has something to tell.
    arguments = ("--ship", f"tcp://127.0.0.1:{free_port()}", "--ledger-max-bytes", str(LEDGER_MAX))
    options = StackOptions(policy=monitored_policy(), tollgate_arguments=arguments)
    with Stack(options) as stack:
        target = stack.tollgate.admin.removeprefix("http://")
        with Prometheus(stack.folder / "prometheus", target) as prometheus:
            yield stack, prometheus


def ask(stack: Stack, well: int, failing: int, refused: int, streams: int) -> None:
    """So many of each; of the tenant's budget they use all but the refused ones."""
    answer = {"object": "chat.completion", "usage": USAGE, "choices": []}
    stack.recorder.replay("usage", Canned([json.dumps(answer).encode()]))
    for _ in range(well):
        assert stack.chat(headers={"x-test-id": "usage"}).status_code == 200
    for _ in range(failing):
        assert stack.chat(headers={"x-test-status": "500"}).status_code == 500
    for _ in range(refused):
        assert stack.chat(key="wrong").status_code == 401
    for _ in range(streams):
        headers = {"x-test-events": "7", "x-test-interval-ms": "100"}
        body = chat_body("canary", stream=True)
        assert stack.request("POST", CHAT, json=body, headers=headers).status_code == 200


def counted(prometheus: Prometheus) -> float:
    return prometheus.value("sum(ai_gateway_requests_total)") or 0


@pytest.fixture(scope="module")
def traffic(monitored):
    """Two rounds: a rate leaves out what a counter already had at its first scrape."""
    stack, prometheus = monitored
    prometheus.settle()
    assert prometheus.firing() == {"TollgateShippingStalled"}
    ask(stack, well=2, failing=1, refused=1, streams=2)
    poll("the first round is scraped", lambda: counted(prometheus) == 6)
    ask(stack, well=30, failing=20, refused=20, streams=4)
    poll("the second round is scraped", lambda: counted(prometheus) == 80)
    prometheus.settle()
    return stack, prometheus


def test_the_metrics_are_linted(traffic):
    stack, _ = traffic
    page = stack.tollgate.scrape()
    done = promtool("check", "metrics", text=page)
    said = set(filter(None, (done.stdout + done.stderr).splitlines()))
    assert said == EXCEPTIONS


def test_the_recorded_rules_have_the_values_of_the_traffic(traffic):
    _, prometheus = traffic
    chat = f'tenant="tenant-a", route="{CHAT}", model_route="chat-llama3-8b-v1"'
    # 20 of 50 that came after the first scrape failed; rates are extrapolated, both alike.
    ratio = prometheus.value(f"ai_gateway:error_ratio{{{chat}}}")
    assert ratio == pytest.approx(0.4, rel=0.2)
    rate = prometheus.value(f"ai_gateway:requests_per_second{{{chat}}}")
    errors = prometheus.value(f"ai_gateway:error_rate{{{chat}}}")
    assert errors == pytest.approx(ratio * rate, rel=0.2)
    assert rate > 0
    unknown = prometheus.query('ai_gateway:error_rate{tenant="none"}')
    assert unknown and all(float(sample["value"][1]) == 0 for sample in unknown)
    # Each stream took more than half a second after its first event.
    slow = prometheus.query('ai_gateway:p95_latency_ms{model_route=~"canary-.*"}')
    assert slow and all(float(sample["value"][1]) > 500 for sample in slow)
    # 2 + 1 + 2 and 30 + 20 + 4 requests of 100.
    assert prometheus.value('ai_gateway:limit_used_ratio{limit="daily"}') == pytest.approx(0.59)
    assert prometheus.value('ai_gateway:limit_used_ratio{limit="parallel"}') == 0
    assert prometheus.value("ai_gateway:ledger_commit_p99_seconds") > 0
    assert prometheus.value("ai_gateway_ledger_max_bytes") == LEDGER_MAX
    assert prometheus.value("ai_gateway:gateway_error_ratio:5m") == 0
    tokens = {
        sample["metric"]["type"]: float(sample["value"][1])
        for sample in prometheus.query(
            'sum by (type) (ai_gateway_tokens_total{model_route="chat-llama3-8b-v1"})'
        )
    }
    # The bench's backend reports 3 and 1 with each of its 21 errors.
    assert tokens == {"prompt": 32 * 1000 + 21 * 3, "completion": 32 * 100 + 21}
    cost = prometheus.value('ai_gateway_cost_usd_total{model_route="chat-llama3-8b-v1"}')
    assert cost == pytest.approx(32 * USAGE_USD + 21 * 5e-6)
    failing = prometheus.value('ai_gateway:backend_error_ratio:1h{model_route="chat-llama3-8b-v1"}')
    assert failing == pytest.approx(0.4, rel=0.2)


def test_every_query_of_the_dashboard_is_answered(traffic):
    stack, prometheus = traffic
    names = set(re.findall(r"^# TYPE (\w+)", stack.tollgate.scrape(), re.M))
    names |= {rule["record"] for rule in rules() if "record" in rule}
    for title, queries in expressions().items():
        answers = [prometheus.query(query) for query in queries]
        assert any(answers), f"{title}: {queries}"
        for query in queries:
            for name in re.findall(r"\b(?:ai_gateway|process)[\w:]+", query):
                bare = re.sub(r"_(bucket|sum|count)$", "", name)
                assert {name, bare} & names, f"{title}: no metric {name}"


def test_the_alerts_fire_for_their_causes_and_no_others(traffic):
    stack, prometheus = traffic
    # The streams' backend reports no usage.
    expected = {
        "ModelBackendErrorBudgetBurnsFast", "ModelBackendErrorBudgetBurns", "UsageOftenEstimated",
        "TollgateShippingStalled",
    }  # fmt: skip
    assert prometheus.firing() == expected
    ask(stack, well=24, failing=0, refused=0, streams=0)
    prometheus.settle()
    expected |= {"TenantBudgetAt80Percent"}
    assert prometheus.firing() == expected
    stack.write_policy('{"version": 1, "nonsense": true}')
    stack.tollgate.reload()
    poll("the refused policy pages", lambda: "TollgatePolicyRejected" in prometheus.firing())
    stack.write_policy(monitored_policy())
    stack.tollgate.reload()
    poll("a good one ends it", lambda: "TollgatePolicyRejected" not in prometheus.firing())
    assert prometheus.firing() == expected
    stack.tollgate.stop()
    poll("its absence pages", lambda: "TollgateDown" in prometheus.firing())
    stack.tollgate.start()
    poll("it is back", lambda: "TollgateDown" not in prometheus.firing())
    poll("that it began again is told", lambda: "TollgateRestarted" in prometheus.firing())


def test_a_ledger_without_room_pages_and_heals(disk):  # noqa: F811
    with on_disk(disk, policies.build()) as stack:
        target = stack.tollgate.admin.removeprefix("http://")
        with Prometheus(stack.folder / "prometheus", target) as prometheus:
            assert stack.chat().status_code == 200
            prometheus.settle()
            assert prometheus.firing() == set()
            ballast = Ballast(disk)
            ballast.fill()

            def pages() -> bool:
                stack.chat()
                return prometheus.firing() >= {
                    "TollgateLedgerNotWritable", "TollgateLedgerWritesFail", "TollgateFailsClosed",
                }  # fmt: skip

            poll("the alerts fire", pages)
            ballast.free()
            poll("it heals", lambda: stack.chat().status_code == 200)
            poll("the page is over",
                 lambda: "TollgateLedgerNotWritable" not in prometheus.firing())  # fmt: skip
