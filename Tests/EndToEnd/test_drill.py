"""The operator's drill misses the right promise when one is broken on purpose.

Each test runs `envoy/drill` with one piece sabotaged: an edited envoy.yaml or policy, or a `tollgate`
that is a script around the real one.
"""

import json
import os
import re
import socket
import subprocess
from pathlib import Path

import pytest

from harness import BINARIES, PORT_FIRST, PORT_LAST, REPOSITORY, SANITIZER, envoy_binary

DRILL_SECONDS = 150
ENVOY = REPOSITORY / "envoy"
# The listener, Envoy's admin page and five backends.
PORTS = 7

pytestmark = [
    pytest.mark.timeout(DRILL_SECONDS + 30),
    pytest.mark.skipif(bool(SANITIZER), reason="these test the drill, not the binaries"),
]


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports() -> int:
    """The first of so many free ports in a row."""
    for first in range(PORT_FIRST, PORT_LAST - PORTS, PORTS):
        if all(is_free(port) for port in range(first, first + PORTS)):
            return first
    raise RuntimeError("no free ports in a row")


class Report:
    def __init__(self, code: int, text: str, path: Path):
        self.code, self.text = code, text
        self.rows = json.loads(path.read_text())["rows"] if path.exists() else []

    def missed(self, scenario: str) -> list[str]:
        return [row["what"] for row in self.rows if row["scenario"] == scenario and not row["ok"]]


@pytest.fixture
def drill(tmp_path):
    """Runs one scenario; pieces are given as environment variables."""

    def run(scenario: str, **pieces) -> Report:
        first = free_ports()
        environment = {
            "DEMO_BIN": str(BINARIES), "DEMO_ENVOY": envoy_binary(), "DEMO_LISTEN_PORT": str(first),
            "DEMO_ADMIN_PORT": str(first + 1), "DEMO_MODELS_PORT": str(first + 2), "TMPDIR": str(short),
        } | {name: str(value) for name, value in pieces.items()}  # fmt: skip
        path = tmp_path / "report.json"
        with subprocess.Popen(
            [ENVOY / "drill", "--only", scenario, "--json", path], env=os.environ | environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        ) as child:  # fmt: skip
            try:
                text, _ = child.communicate(timeout=DRILL_SECONDS)
            except subprocess.TimeoutExpired:
                # SIGTERM, not SIGKILL, so that the drill can stop what it started.
                child.terminate()
                text, _ = child.communicate()
                pytest.fail(f"the drill did not end in {DRILL_SECONDS} s:\n{text}")
        return Report(child.returncode, text, path)

    # A Unix socket's path is short; pytest's folders are not.
    short = Path("/tmp") / f"drill-{os.getpid()}"
    short.mkdir(exist_ok=True)
    yield run
    subprocess.run(["rm", "-rf", short], check=True)


def edited(source: Path, target: Path, pattern: str, replacement: str) -> Path:
    """A copy in which every match is replaced; there must be one."""
    text, count = re.subn(pattern, replacement, source.read_text())
    assert count, f"{source.name} has no {pattern}"
    target.write_text(text)
    return target


def wrapped(folder: Path, before_serve: str) -> Path:
    """Binaries whose `tollgate serve` does something first."""
    folder.mkdir()
    (folder / "model-simulator").symlink_to(BINARIES / "model-simulator")
    script = folder / "tollgate"
    script.write_text(
        f'#!/usr/bin/env bash\nif [ "$1" = serve ]; then\n{before_serve}\nfi\n'
        f'exec "{BINARIES}/tollgate" "$@"\n'
    )
    script.chmod(0o755)
    return folder


def assert_missed(report: Report, scenario: str, promise: str) -> None:
    assert report.code == 1, report.text
    assert promise in report.missed(scenario), report.text


def test_an_envoy_that_fails_open_is_caught(drill, tmp_path):
    """The catch-all route stops an honest request; a forged route header goes through."""
    config = edited(ENVOY / "envoy.yaml", tmp_path / "envoy.yaml", "failure_mode_allow: false",
                    "failure_mode_allow: true")  # fmt: skip
    # The edge would take the forged header out.
    config = edited(config, config, r"x\[-_\]ai\[-_\]", "x-none-")
    report = drill("tollgate", DEMO_ENVOY_YAML=config)
    assert_missed(report, "tollgate", "while it is away: fails closed")


def test_an_envoy_that_buffers_answers_is_caught(drill, tmp_path):
    config = edited(ENVOY / "envoy.yaml", tmp_path / "envoy.yaml",
                    re.escape("response_body_mode: ${RESPONSE_BODY_MODE}"),
                    "response_body_mode: BUFFERED")  # fmt: skip
    report = drill("streams", DEMO_ENVOY_YAML=config)
    assert_missed(report, "streams", "the first event, before a token is made")


def test_one_timeout_for_everything_is_caught(drill, tmp_path):
    config = edited(ENVOY / "envoy.yaml", tmp_path / "envoy.yaml",
                    r"timeout: 0s, (idle_timeout: \w+), max_stream_duration: \{[^}]*\}",
                    r"timeout: 5s, \g<1>")  # fmt: skip
    report = drill("streams", DEMO_ENVOY_YAML=config)
    assert report.missed("streams") == ["a stream longer than the 5 s of a chat"], report.text
    assert report.code == 1


def test_retries_of_chats_and_a_canary_of_another_weight_are_caught(drill, tmp_path):
    retries = "timeout: 120s, retry_policy: { retry_on: connect-failure, num_retries: 2 } }"
    config = edited(ENVOY / "envoy.yaml", tmp_path / "envoy.yaml", r"timeout: 120s \}", retries)
    policy = edited(ENVOY / "policy.json5", tmp_path / "policy.json5",
                    r'(name: "chat-llama3-8b-v2", weight: )10', r"\g<1>90")  # fmt: skip
    report = drill("canary", DEMO_ENVOY_YAML=config, DEMO_POLICY=policy)
    assert report.missed("canary") == [
        "the canary's share of 300 chats", "a chat is never tried again", "200 chats while it is gone",
    ], report.text  # fmt: skip
    assert report.code == 1


def test_an_envoy_that_does_not_say_whose_answer_it_is_is_caught(drill, tmp_path):
    """Then the dead canary looks like a model server that answers 503, and so say the alerts."""
    config = edited(ENVOY / "envoy.yaml", tmp_path / "envoy.yaml",
                    r"response_attributes:\n(\s+- .*\n)+", "")  # fmt: skip
    report = drill("canary", DEMO_ENVOY_YAML=config)
    assert report.missed("canary") == [
        "the ledger blames the route", "everything is given back",
        "the alerts name the route, and nobody else",
    ], report.text  # fmt: skip
    assert report.code == 1


def test_retries_of_what_a_model_server_has_had_are_caught(drill, tmp_path):
    config = edited(ENVOY / "envoy.yaml", tmp_path / "envoy.yaml", "reset-before-request",
                    "reset-before-request,gateway-error")  # fmt: skip
    report = drill("slow", DEMO_ENVOY_YAML=config)
    assert_missed(report, "slow", "what a backend has had is never tried again")


def test_a_tollgate_that_does_not_reload_is_caught(drill, tmp_path):
    """The wrapped tollgate serves a copy of the policy, so an edit of the original has no effect."""
    copy = """
for ((i = 1; i <= $#; i++)); do
  if [ "${!i}" = --policy ]; then
    next=$((i + 1)); cp -r "${!next}" "${!next}.old"; set -- "${@:1:i}" "${!next}.old" "${@:i+2}"
  fi
done"""
    report = drill("reload", DEMO_BIN=wrapped(tmp_path / "bin", copy))
    assert_missed(report, "reload", "a key that was withdrawn")
    assert "a name that was added" in report.missed("reload"), report.text


def test_replicas_that_share_nothing_are_caught(drill, tmp_path):
    """The wrapped tollgate never hears of the store: each replica gives out the whole budget."""
    alone = """
words=()
while [ "$#" -gt 0 ]; do
  case "$1" in --store | --replica | --lease-ttl | --store-timeout) shift ;; *) words+=("$1") ;; esac
  shift
done
set -- "${words[@]}"
"""
    report = drill("store", DEMO_BIN=wrapped(tmp_path / "bin", alone))
    assert_missed(report, "store", "a month's 30 requests, asked of 3 replicas")
    assert report.missed("store").count("on_store_loss: deny") == 2, report.text
    assert report.missed("books") == [], report.text


def test_a_ledger_that_loses_its_last_records_is_caught(drill, tmp_path):
    """The chain of what is left holds, so only the sums can tell."""
    lose = """
for ((i = 1; i <= $#; i++)); do
  if [ "${!i}" = --data ]; then
    next=$((i + 1)); last=$(ls "${!next}"/ledger/*.jsonl 2>/dev/null | tail -n 1)
    [ -z "$last" ] || { head -n -60 "$last" >"$last.new"; mv "$last.new" "$last"; }
  fi
done"""
    report = drill("tollgate", DEMO_BIN=wrapped(tmp_path / "bin", lose))
    assert_missed(report, "tollgate", "nothing that was answered is lost")
    assert "each answer is on record, status and tokens" in report.missed("books"), report.text
