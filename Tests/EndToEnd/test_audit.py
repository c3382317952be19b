"""What `audit` and `usage` say of a ledger, and that `audit verify` judges as the next start does."""

import json
import shutil
import signal
import subprocess
from decimal import Decimal

import pytest

import harness
import ledger_check
from crash_rounds import books_policy
from harness import DRAIN_SECONDS, Process, Stack, StackOptions, free_port, poll
from test_crash import data_of, end, settled

REQUESTS = 6


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    """A policy, and a ledger of one segment whose process ended in order."""
    policy = books_policy()
    folder = tmp_path_factory.mktemp("closed")
    with Stack(StackOptions(policy=policy)) as stack:
        for _ in range(REQUESTS):
            assert stack.chat().status_code == 200
        settled(stack, policy)
        assert end(stack, signal.SIGTERM) == 0
        shutil.copytree(data_of(stack), folder / "data")
        shutil.copy(stack.policy_path, folder / "policy.json5")
    return folder


class Case:
    """A copy of that ledger, to be changed."""

    def __init__(self, closed, folder):
        self.folder = folder
        self.policy = closed / "policy.json5"
        self.data = folder / "data"
        shutil.copytree(closed / "data", self.data)
        ((_, self.path),) = ledger_check.segments(self.data / "ledger")

    def lines(self) -> list[bytes]:
        return self.path.read_bytes().splitlines(keepends=True)

    def write(self, lines: list[bytes]) -> None:
        self.path.write_bytes(b"".join(lines))

    def audit(self, *arguments: str) -> subprocess.CompletedProcess:
        return tollgate("audit", arguments[0], str(self.data), *arguments[1:])

    def verified(self) -> tuple[int, dict]:
        """`audit verify`: its exit code, and its JSON."""
        run = self.audit("verify", "--json")
        return run.returncode, json.loads(run.stdout)

    def start(self) -> tuple[int | None, str]:
        """A start of tollgate: its exit code (None when it serves) and its output."""
        command = [
            str(harness.BINARIES / "tollgate"), "serve", "--policy", str(self.policy),
            "--data", str(self.data), "--listen", f"127.0.0.1:{free_port()}", "--admin", "off",
        ]  # fmt: skip
        process = Process("tollgate", command, self.folder, {"SWIFT_BACKTRACE": "enable=no"})
        poll("it serves or ends", lambda: "is ready on" in process.log() or not process.is_running)
        if not process.is_running:
            code = process.wait(DRAIN_SECONDS)
            return code, process.log()
        assert process.stop() == 0, process.log()
        return None, process.log()


def tollgate(*arguments: str) -> subprocess.CompletedProcess:
    command = [str(harness.BINARIES / "tollgate"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=DRAIN_SECONDS)


@pytest.fixture
def case(closed, tmp_path):
    return Case(closed, tmp_path)


def changed(lines: list[bytes], index: int) -> list[bytes]:
    lines[index] = lines[index].replace(b'"version":"', b'"version":"9', 1).replace(
        b'"tenant":"tenant-a"', b'"tenant":"tenant-b"', 1
    )
    return lines


DAMAGE = {
    "a changed record": lambda lines: (changed(lines, 2), 2),
    "a changed record next to last": lambda lines: (changed(lines, len(lines) - 2), len(lines) - 2),
    "a changed last record": lambda lines: (changed(lines, len(lines) - 1), len(lines) - 1),
    "a removed record": lambda lines: (lines[:3] + lines[4:], 3),
    "a removed record next to last": lambda lines: (lines[:-2] + lines[-1:], len(lines) - 2),
    "a record that comes twice": lambda lines: (lines[:4] + lines[3:], 4),
    "a lost newline": lambda lines: (
        [*lines[:4], lines[4].replace(b"\n", b" "), *lines[5:]], 4,
    ),
    "a hole before a stop": lambda lines: (
        b"".join(lines[:3]).ljust(len(b"".join(lines[:3])) // 512 * 512 + 512, b"\0")
        + b"".join(lines)[len(b"".join(lines[:3])) // 512 * 512 + 512 :],
        3,
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_stops_the_start_however_near_the_end_it_is(case, damage):
    good = case.lines()
    bad, index = DAMAGE[damage](case.lines())
    bad = bad if isinstance(bad, bytes) else b"".join(bad)
    case.path.write_bytes(bad)
    offset = sum(len(line) for line in good[:index])
    code, log = case.start()
    assert code == 1 and f"{case.path.name}: offset {offset}: " in log, log
    assert "--repair-ledger" in log
    assert case.path.read_bytes() == bad and len(list(case.path.parent.iterdir())) == 1
    code, said = case.verified()
    assert code == 1 and said["ok"] is False and said["torn"] is None
    problem = said["problem"]
    assert (problem["file"], problem["offset"]) == (case.path.name, offset)
    assert (problem["kind"], problem["seq"]) == ("hash", index + 1)
    assert said["last_seq"] == index and problem["message"] in log


@pytest.mark.parametrize("tear", ["cut", "zeros", "hole"])
def test_what_a_crash_leaves_goes_aside_and_is_told(case, tear):
    """As after a power cut: the ledger has no `stop` record."""
    lines = case.lines()[:-1]
    whole = b"".join(lines)
    records = 0
    if tear == "cut":
        index = len(lines) - 1
        left = whole[: -len(lines[-1]) // 2]
    elif tear == "zeros":
        index = len(lines)
        left = whole + bytes(700)
    else:
        index = 4
        start = len(b"".join(lines[:index]))
        stop = (start // 512 + 1) * 512
        left = whole[:start] + bytes(stop - start) + whole[stop:]
        ends = [len(b"".join(lines[:number])) for number in range(len(lines))]
        records = sum(at >= stop for at in ends)
        assert records > 2
    case.path.write_bytes(left)
    offset = len(b"".join(lines[:index]))
    code, said = case.verified()
    assert code == 0 and said["ok"] and said["last_seq"] == index and said["problem"] is None
    torn = said["torn"]
    assert (torn["file"], torn["offset"]) == (case.path.name, offset)
    assert (torn["bytes"], torn["records"]) == (len(left) - offset, records)
    shown = case.audit("show", "--json")
    assert shown.returncode == 0 and f"offset {offset}" in shown.stderr
    assert shown.stdout.encode() == b"".join(lines[:index])
    code, log = case.start()
    assert code is None
    (kept,) = case.path.parent.glob("*.torn")
    assert kept.read_bytes() == left[offset:] and kept.name in log
    assert f"{len(left) - offset} bytes from offset {offset} of {case.path.name}" in log
    if records:
        first, last = len(lines) - records + 1, len(lines)
        assert f"{records} whole records ({first} to {last})" in log, log
    else:
        assert "no whole record" in log
    code, said = case.verified()
    assert code == 0 and said["ok"] and said["torn"] is None and said["segments"] == 2


def test_a_ledger_that_is_whole_is_said_in_words_and_in_json(case):
    run = case.audit("verify")
    last = len(case.lines())
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == f"ok: records 1 to {last} in 1 segment, from the first record on\n"
    assert case.verified() == (0, {
        "ok": True, "records": last, "segments": 1, "first_seq": 1, "last_seq": last,
        "void_bytes": 0, "repairs": 0, "torn": None, "problem": None,
    })  # fmt: skip


def test_no_ledger_is_a_problem_in_json_too(tmp_path):
    run = tollgate("audit", "verify", str(tmp_path), "--json")
    assert run.returncode == 1 and json.loads(run.stdout)["problem"]["kind"] == "no_ledger"
    assert "holds no ledger" in run.stderr


def test_times_are_days_moments_and_durations(case):
    """Half of the records before a moment, half from it on, however the moment is written."""
    records = [json.loads(line) for line in case.lines()]
    completions = [record for record in records if record["type"] == "completion"]
    moment = completions[3]["timestamp"]
    before = [record for record in completions if record["timestamp"] < moment]
    after = [record for record in completions if record["timestamp"] >= moment]
    assert before and after
    offset = ledger_check.text(ledger_check.milliseconds(moment) + 3_600_000)[:-1] + "+01:00"
    day = moment[:10]
    for since in (moment, moment.lower(), moment[:-1] + "999Z", offset):
        for flag, expected in (("--since", after), ("--until", before)):
            shown = case.audit("show", "--type", "completion", flag, since, "--json")
            assert shown.returncode == 0, shown.stderr
            ids = [json.loads(line)["request_id"] for line in shown.stdout.splitlines()]
            assert ids == [record["request_id"] for record in expected], since
            used = tollgate("usage", str(case.data), flag, since, "--json")
            assert json.loads(used.stdout)["total"]["requests"] == len(expected)
    for since, count in ((day, REQUESTS), ("1h", REQUESTS), ("2100-01-01T00:00:00Z", 0)):
        used = tollgate("usage", str(case.data), "--since", since, "--json")
        assert json.loads(used.stdout)["total"]["requests"] == count, since


@pytest.mark.parametrize("flag", ["--since", "--until"])
@pytest.mark.parametrize(
    "text", ["garbage", "2026-13-45", "2026-11-23T03:01:50", "2026-11-23 03:01:50Z", "1", "h", "-1h"]
)
def test_a_time_that_is_none_is_refused(case, flag, text):
    for command in (("usage",), ("audit", "show")):
        run = tollgate(*command, str(case.data), f"{flag}={text}")
        assert run.returncode == 2 and run.stdout == ""
        assert f"{flag}: `{text}` is not a day (2026-11-22), a moment" in run.stderr


def test_a_key_and_a_cost_select_records(case):
    """A completion does not name its key: its admission does."""
    records = [json.loads(line, parse_float=Decimal) for line in case.lines()]
    admissions = {r["request_id"]: r for r in records if r["type"] == "admission"}
    for key in {one["key_id"] for one in admissions.values()} - {None} | {"nobody"}:
        shown = case.audit("show", "--key", key, "--json")
        got = [json.loads(line)["seq"] for line in shown.stdout.splitlines()]
        wanted = [r["seq"] for r in records if r["type"] in ("admission", "completion")
                  and admissions[r["request_id"]]["key_id"] == key]  # fmt: skip
        assert got == wanted and (bool(got) == (key != "nobody"))
    costs = sorted(r["estimated_cost_usd"] for r in records
                   if r["type"] == "completion" and r["estimated_cost_usd"] is not None)  # fmt: skip
    for least in {*costs, Decimal(0), Decimal(10**6)}:
        shown = case.audit("show", "--min-cost", format(least, "f"), "--json")
        got = [json.loads(line, parse_float=Decimal) for line in shown.stdout.splitlines()]
        assert all(one["type"] == "completion" for one in got)
        assert len(got) == len([cost for cost in costs if cost >= least])


def test_filters_name_what_there_is(case):
    for type in ledger_check.TYPES:
        shown = case.audit("show", "--type", type, "--json")
        assert shown.returncode == 0
        expected = [line for line in case.lines() if line.startswith(b'{"type":"%s"' % type.encode())]
        assert shown.stdout.encode() == b"".join(expected)
        refused = case.audit("show", "--type", type + "s")
        assert refused.returncode == 2 and f"`{type}`" in refused.stderr
    assert case.audit("show", "--decision", "deny").stdout == ""
    assert case.audit("show", "--decision", "Deny").returncode == 2
