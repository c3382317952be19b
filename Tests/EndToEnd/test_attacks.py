"""The HTTP/2 abuse battery against tollgate's own port: whatever happens, others are served."""

import json
import re
import subprocess
import sys

import pytest

import direct
from harness import SHARED, Stack, StackOptions

BATTERY = SHARED / "tools" / "h2attacks.py"
BUDGET_SECONDS = "3"
# What an attack may leave behind in tollgate's memory once it is over.
RESIDENT_KIB_MAX = 512 << 10


def attacks() -> list[str]:
    if not BATTERY.exists():
        return []
    return re.findall(r"@att\ndef (\w+)", BATTERY.read_text())


@pytest.fixture(scope="module")
def target():
    with Stack(StackOptions(envoy=None)) as stack:
        yield stack.tollgate


@pytest.mark.skipif(not BATTERY.exists(), reason=f"skipped: {BATTERY} is not there")
@pytest.mark.parametrize("attack", attacks() or ["battery"])
def test_others_are_served_after(target, attack):
    host, port = target.target.split(":")
    run = subprocess.run(
        [sys.executable, str(BATTERY), host, port, "--grpc", "--path", direct.CHECK_METHOD,
         "--pid", str(target.process.pid), "--only", attack, "--budget", BUDGET_SECONDS],
        capture_output=True, text=True, timeout=150, check=True,
    )  # fmt: skip
    (result,) = [json.loads(line) for line in run.stdout.splitlines()]
    assert result["clean_conn_after"], result
    assert result["rss_kib_delta"] < RESIDENT_KIB_MAX, result
    with direct.channel(target.target) as over:
        answer = direct.check(over, direct.check_request(as_map=True))
    assert answer.status.code == 0
    target.check()
