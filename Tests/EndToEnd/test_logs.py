"""What the log tells an operator: every event once, nothing per request, and every line is JSON."""

import json
import re
import signal
import threading
import time
from datetime import datetime

import policy as policies
from harness import Stack, StackOptions, poll
from test_disk import Ballast, disk, on_disk, refused, until_refused  # noqa: F401 (a fixture)

LEVELS = ("debug", "info", "warning", "error")
NEW_KEY = "tg-test-new-0123456789abcdef0123456789abcdef"


def options(*arguments: str, **named) -> StackOptions:
    return StackOptions(tollgate_arguments=("--log-format", "json", *arguments), **named)


class Log:
    """The JSON lines of one process, each checked for what every line has."""

    def __init__(self, stack: Stack):
        self.process = stack.tollgate.process

    def lines(self) -> list[dict]:
        text = self.process.log()
        lines = []
        for line in text[: text.rfind("\n") + 1].split("\n")[:-1]:
            record = json.loads(line)
            assert list(record)[:4] == ["time", "level", "event", "message"], line
            datetime.strptime(record["time"], "%Y-%m-%dT%H:%M:%S.%fZ")
            assert record["level"] in LEVELS
            lines.append(record)
        return lines

    def of(self, event: str) -> list[dict]:
        return [line for line in self.lines() if line["event"] == event]

    def wait(self, event: str, count: int = 1) -> dict:
        """The last of that many lines of an event, as soon as it is there."""
        poll(f"{event} is logged {count} times", lambda: len(self.of(event)) >= count)
        assert len(self.of(event)) == count, self.of(event)
        return self.of(event)[-1]


def end(stack: Stack) -> None:
    stack.tollgate.expected_dead = True
    stack.tollgate.process.signal(signal.SIGTERM)
    assert stack.tollgate.process.wait(60) == 0


def test_a_life_is_told_from_start_to_end():
    with Stack(options("--workers", "2", envoy=None)) as stack:
        tollgate = stack.tollgate
        log = Log(stack)
        started = log.wait("started")
        assert started["pid"] == tollgate.process.pid
        assert (started["ledger_seq"], started["ledger_hash"]) == (0, None)
        assert (started["durability"], started["workers"]) == ("durable", 2)
        assert started["data"] == str(tollgate.data)
        ready = log.wait("ready")
        assert ready["policy_revision"] == started["policy_revision"]
        assert ready["tenants"] == len(stack.options.policy["tenants"])
        places = [line["listen"] for line in log.of("listening")]
        assert set(places) >= {tollgate.socket, tollgate.target}
        tollgate.process.signal(signal.SIGUSR1)
        assert log.wait("signal")["signal"] == "SIGUSR1"
        end(stack)
        assert log.wait("drain_began")["reason"] == "SIGTERM"
        ended = log.wait("drain_ended")
        assert ended["complete"] is True and ended["connections"] == 0
        assert 0 <= ended["duration_seconds"] < 60
        # The bench's policy has an expired key, which is worth a warning.
        events = [
            line["event"] for line in log.lines()
            if line["event"] not in ("policy_warning", "listening")
        ]  # fmt: skip
        assert events == ["started", "ready", "signal", "drain_began", "drain_ended", "stopped"]
        # The next one goes on where this one stopped, and says so.
        last = stack.ledger.records()[-1]
        assert last["type"] == "stop"
        tollgate.start()
        again = Log(stack).wait("started")
        assert (again["ledger_seq"], again["ledger_hash"]) == (last["seq"], last["hash"])


def test_a_reload_says_what_changed_and_a_refused_one_what_is_wrong():
    with Stack(options(envoy=None)) as stack:
        log = Log(stack)
        first = log.wait("ready")["policy_revision"]
        policy = policies.with_key(policies.build(), "tenant-a", "fresh", NEW_KEY)
        policy["tenants"]["tenant-new"] = {
            "keys": [], "principals": [], "hostnames": ["new.ai.example.com"], "allow": [],
        }  # fmt: skip
        policy["models"]["canary"]["routes"][0]["weight"] = 80
        policy["models"]["short-lived"] = {
            "class": "interactive_inference", "routes": [{"name": "canary-v1"}],
        }  # fmt: skip
        policy["max_body_bytes"] = 20 << 20
        stack.write_policy(policy)
        stack.tollgate.reload()
        replaced = log.wait("policy_replaced")
        assert replaced["previous_revision"] == first != replaced["policy_revision"]
        assert replaced["keys_added"] == {"count": 1, "names": ["tenant-a/fresh"]}
        assert replaced["tenants_added"] == {"count": 1, "names": ["tenant-new"]}
        assert replaced["models_added"] == {"count": 1, "names": ["short-lived"]}
        assert replaced["routes_changed"]["names"] == ["canary/canary-v1"]
        assert replaced["settings_changed"]["names"] == ["max_body_bytes"]
        assert "keys_removed" not in replaced and "limits_changed" not in replaced
        stack.tollgate.reload()
        assert log.wait("policy_unchanged")["policy_revision"] == replaced["policy_revision"]

        stack.write_policy('{"version": 1, "log_level": "debgu", "tenant": {}}')
        stack.tollgate.reload()
        refusal = log.wait("policy_refused")
        assert refusal["policy_revision"] == replaced["policy_revision"]
        assert (refusal["problems"], refusal["refused"], refusal["level"]) == (2, 1, "error")
        problems = log.of("policy_problem")
        assert {problem["problem"] for problem in problems} == {"log_level", None}
        assert all(problem["file"] == str(stack.policy_path) for problem in problems)
        assert any("did you mean `debug`?" in problem["message"] for problem in problems)

        stack.write_policy("x" * 100)
        stack.tollgate.reload()
        assert log.wait("policy_refused", 2)["refused"] == 2
        many = json.dumps({"version": 1} | {f"field{number}": 1 for number in range(100)})
        stack.write_policy(many)
        before = len(log.of("policy_problem"))
        stack.tollgate.reload()
        assert log.wait("policy_refused", 3)["problems"] > 20
        said = log.of("policy_problem")[before:]
        assert len(said) == 21 and "tollgate check" in said[-1]["message"]
        text = log.process.log()
        for key in (policies.KEY_A, NEW_KEY):
            assert key not in text and policies.digest(key) not in text


def test_the_policy_sets_the_level_and_gives_it_back():
    with Stack(options("--log-level", "warning")) as stack:
        log = Log(stack)
        assert stack.chat().status_code == 200
        assert {line["event"] for line in log.lines()} <= {"policy_warning"}
        stack.write_policy(policies.build(log_level="debug"))
        stack.tollgate.reload()
        changed = log.wait("log_level_changed")
        assert (changed["log_level"], changed["previous_log_level"]) == ("debug", "warning")
        response = stack.chat()
        exchange = log.wait("exchange")
        assert exchange["request_id"] == response.headers["x-ai-request-id"]
        assert (exchange["tenant"], exchange["http_status"]) == ("tenant-a", 200)
        assert exchange["end_reason"] == "complete"
        assert stack.chat(model="nothing").status_code == 404
        assert log.wait("refusal")["reason"] == "model_not_found"
        stack.write_policy(policies.build())
        stack.tollgate.reload()
        assert log.wait("log_level_changed", 2)["log_level"] == "warning"
        count = len(log.lines())
        assert stack.chat().status_code == 200
        assert stack.chat(model="nothing").status_code == 404
        # Lines about those two would be written before the process ends.
        end(stack)
        assert len(log.lines()) == count


def test_a_drain_says_how_much_is_left():
    with Stack(options()) as stack:
        log = Log(stack)
        held: list = []
        clients = [
            threading.Thread(target=lambda: held.append(stack.chat(headers={"x-test-hold": "1"})))
            for _ in range(3)
        ]
        for client in clients:
            client.start()
        poll("three are at the backend", lambda: stack.recorder.open == 3)
        stack.tollgate.expected_dead = True
        stack.tollgate.process.signal(signal.SIGTERM)
        began = log.wait("drain_began")
        assert began["requests"] == 3 and began["connections"] >= 1
        stack.recorder.release()
        for client in clients:
            client.join(60)
        assert stack.tollgate.process.wait(60) == 0
        assert [response.status_code for response in held] == [200] * 3
        ended = log.wait("drain_ended")
        assert (ended["complete"], ended["connections"], ended["requests"]) == (True, 0, 0)


def test_requests_leave_no_line_and_refusals_are_counted():
    with Stack(options()) as stack:
        log = Log(stack)
        log.wait("ready")
        before = len(log.lines())
        for _ in range(50):
            assert stack.chat().status_code == 200
        assert len(log.lines()) == before
        began = time.monotonic()
        for number in range(200):
            assert stack.chat(key=f"wrong-{number}").status_code == 401
            if number % 10 == 0:
                assert stack.chat(model=f"hostile-{number}").status_code == 404
        end(stack)
        took = time.monotonic() - began
        counts: dict = {}
        for line in log.of("requests_refused"):
            pair = (line["tenant"], line["reason"])
            counts.setdefault(pair, []).append(line["count"])
            assert line["level"] == "info"
        assert {pair: sum(found) for pair, found in counts.items()} == {
            (None, "invalid_api_key"): 200, ("tenant-a", "model_not_found"): 20,
        }  # fmt: skip
        # At once, then every ten seconds, and what is left at the end.
        assert max(len(found) for found in counts.values()) <= took / 10 + 2
        assert "wrong-" not in log.process.log() and "hostile" not in log.process.log()


def test_a_ledger_that_is_lost_and_found_again_is_told_with_how_long(disk):  # noqa: F811
    with on_disk(disk, policies.build()) as stack:
        stack.tollgate.arguments = ("--log-format", "json")
        end(stack)
        stack.tollgate.start()
        log = Log(stack)
        ballast = Ballast(disk)
        ballast.fill()
        until_refused(stack)
        refused(stack, 5)
        lost = poll("its loss is told", lambda: log.of("ledger_unavailable"))[0]
        assert "No space left on device" in lost["reason"] and lost["level"] == "error"
        poll("refusals are told", lambda: log.of("requests_refused"))
        ballast.free()
        poll("it heals", lambda: stack.chat().status_code == 200)
        back = poll("its return is told", lambda: log.of("ledger_writable"))[-1]
        assert back["duration_seconds"] > 0
        end(stack)
        mine = [line for line in log.of("requests_refused") if line["reason"] == "ledger_unavailable"]
        assert sum(line["count"] for line in mine) >= 5
        assert {line["level"] for line in mine} == {"warning"}


def test_text_is_one_line_each_and_no_colours_where_nobody_looks():
    with Stack(StackOptions(envoy=None)) as stack:
        stack.write_policy('{"version": 1, "a\\nerror b": 1, "c\\u001b[31m": 1}')
        stack.tollgate.reload()
        poll("it is refused", lambda: "is refused" in stack.tollgate.process.log())
        text = stack.tollgate.process.log()
        assert "\x1b" not in text
        for line in text.splitlines():
            assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z (debug|info|warning|error) ", line), line
