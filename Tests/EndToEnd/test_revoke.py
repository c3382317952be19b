"""`tollgate revoke`: a key is refused at once and after restarts, whatever the policy says."""

import copy
import json
import os
import shutil
import signal
import socket
import stat
import time

import pytest

import ledger_check
import policy as policies
from harness import DRAIN_SECONDS, Stack, StackOptions, poll
from policy import KEY_A, KEY_A_OTHER, digest
from test_audit import tollgate
from test_crash import data_of, end


def revoke(stack: Stack, name: str, *arguments: str):
    return tollgate("revoke", name, "--data", str(data_of(stack)), *arguments)


def lines(stack: Stack) -> list[dict]:
    files = sorted((data_of(stack) / "ledger").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


def status(stack: Stack, key: str = KEY_A) -> int:
    return stack.chat(key=key).status_code


def moved(policy: dict) -> dict:
    """The same key under another name, and another tenant."""
    policy = copy.deepcopy(policy)
    keys = policy["tenants"]["tenant-a"]["keys"]
    policy["tenants"]["tenant-b"]["keys"].append(keys.pop(0) | {"id": "fresh"})
    policy["tenants"]["tenant-b"]["hostnames"].append("more.ai.example.com")
    return policy


def test_a_revoked_key_is_refused_at_once_and_for_good_until_it_is_undone():
    policy = policies.build()
    with Stack(StackOptions(policy=policy)) as stack:
        assert status(stack) == 200 and status(stack, KEY_A_OTHER) == 200
        done = revoke(stack, "tenant-a/agents")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "tenant-a/agents is refused from now on\n"
        # Not some time later: the answer to the command comes behind it.
        poll("it is refused", lambda: status(stack) == 401)
        assert all(status(stack) == 401 for _ in range(20))
        assert status(stack, KEY_A_OTHER) == 200
        assert "key_revoked" in stack.tollgate.process.log() or (
            "tenant-a/agents is refused from now on" in stack.tollgate.process.log()
        )
        # A reload, and another name for it, change nothing.
        stack.write_policy(moved(policy))
        stack.tollgate.reload()
        answer = lambda: stack.chat(key=KEY_A, host="more.ai.example.com").status_code  # noqa: E731
        assert answer() == 401
        end(stack, signal.SIGKILL)
        stack.tollgate.start()
        assert answer() == 401
        stack.write_policy(policy)
        stack.tollgate.reload()
        assert status(stack) == 401
        assert end(stack, signal.SIGTERM) == 0
        stack.tollgate.start()
        assert status(stack) == 401
        done = revoke(stack, "tenant-a/agents", "--undo")
        assert (done.returncode, done.stdout) == (0, "tenant-a/agents is accepted again\n")
        poll("it is accepted", lambda: status(stack) == 200)
        end(stack, signal.SIGKILL)
        stack.tollgate.start()
        assert status(stack) == 200
        records = lines(stack)
        revoked = [record for record in records if record["type"] == "revoke"]
        assert [(r["tenant"], r["key_id"], r.get("undone")) for r in revoked] == [
            ("tenant-a", "agents", None), ("tenant-a", "agents", True),
        ]  # fmt: skip
        # The key's digest, which the policy has, is nowhere.
        assert digest(KEY_A) not in json.dumps(records)
        assert {r["key_hash"] for r in revoked} != {digest(KEY_A)}
        assert any(record.get("revoked") for record in records if record["type"] == "checkpoint")
        assert not [r for r in records if r["type"] == "checkpoint"][-1].get("revoked")


def test_without_a_process_the_next_start_reads_it():
    policy = policies.build()
    stack = Stack(StackOptions(policy=policy))
    path = ("--policy", str(stack.policy_path))
    done = revoke(stack, "tenant-a/agents")
    assert done.returncode == 1 and "--policy" in done.stderr
    # There is no ledger yet: it is made.
    done = revoke(stack, "tenant-a/agents", *path)
    assert done.returncode == 0, done.stderr
    with stack:
        assert (status(stack), status(stack, KEY_A_OTHER)) == (401, 200)
        assert end(stack, signal.SIGTERM) == 0
        assert revoke(stack, "tenant-a/agents", "--undo", *path).returncode == 0
        done = revoke(stack, "tenant-a/agents", "--undo", *path)
        assert done.returncode == 1 and "is not revoked" in done.stderr
        stack.tollgate.start()
        assert status(stack) == 200
        assert tollgate("audit", "verify", str(data_of(stack))).returncode == 0


@pytest.mark.parametrize("name", ["tenant-a/none", "none/agents", "tenant-a/agents --undo"])
def test_what_is_not_there_is_said(name):
    with Stack(StackOptions()) as stack:
        done = revoke(stack, *name.split())
        assert done.returncode == 1 and name.split()[0] in done.stderr
        assert status(stack) == 200
        assert not [record for record in lines(stack) if record["type"] == "revoke"]


@pytest.mark.parametrize("name", ["agents", "/agents", "tenant-a/", ""])
def test_a_name_without_its_tenant_is_wrong_usage(name):
    assert tollgate("revoke", name).returncode == 2


def test_the_socket_is_its_users_alone():
    """Its mode lets nobody else connect; where somebody changes that, the kernel says who it is."""
    if os.geteuid() != 0:
        pytest.skip("only root may become another user")
    with Stack(StackOptions()) as stack:
        path = data_of(stack) / "control.sock"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_ISSOCK(path.stat().st_mode)
        os.chmod(path, 0o666)
        os.chmod(data_of(stack), 0o755)
        request = b'{"version":1,"command":"revoke","tenant":"tenant-a","key_id":"agents","undo":false}\n'
        folder = os.open(data_of(stack), os.O_RDONLY | os.O_DIRECTORY)
        child = os.fork()
        if child == 0:
            code = 9
            try:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                with socket.socket(socket.AF_UNIX) as other:
                    other.settimeout(10)
                    other.connect(f"/proc/self/fd/{folder}/control.sock")
                    other.sendall(request)
                    code = 0 if other.recv(100) == b"" else 1
            except (ConnectionResetError, BrokenPipeError):
                code = 0
            finally:
                os._exit(code)
        _, exit_status = os.waitpid(child, 0)
        os.close(folder)
        assert os.waitstatus_to_exitcode(exit_status) == 0
        poll("it is said", lambda: "another user's process" in stack.tollgate.process.log())
        assert status(stack) == 200
        # Nonsense of the right user is refused, and delays nobody else.
        for text in (b"{}\n", b"nonsense\n", request.replace(b":1", b":2", 1)):
            with socket.socket(socket.AF_UNIX) as own:
                own.settimeout(DRAIN_SECONDS)
                own.connect(str(path))
                own.sendall(text)
                assert b'"refused"' in own.recv(1000)
        with socket.socket(socket.AF_UNIX) as silent:
            silent.connect(str(path))
            assert revoke(stack, "tenant-a/agents").returncode == 0
        assert end(stack, signal.SIGTERM) == 0
        assert not path.exists()


def test_a_data_directory_with_a_long_path_has_its_socket_too(tmp_path):
    stack = Stack(StackOptions())
    stack.tollgate.data = tmp_path / ("x" * 120) / "data"
    with stack:
        assert revoke(stack, "tenant-a/agents").returncode == 0
        poll("it is refused", lambda: status(stack) == 401)


def test_check_warns_of_keys_that_a_ledger_has_not_seen_for_90_days(tmp_path):
    policy = policies.build()
    with Stack(StackOptions(policy=policy)) as stack:
        for key in (KEY_A, KEY_A_OTHER):
            assert status(stack, key) == 200
        assert end(stack, signal.SIGTERM) == 0
        taken = {r["key_id"]: r for r in lines(stack) if r["type"] == "admission"}
        path = str(tmp_path / "policy.json5")
        shutil.copy(stack.policy_path, path)
    bodies = {
        key: {name: value for name, value in record.items() if name not in ("seq", "timestamp", "hash")}
        for key, record in taken.items()
    }

    def check(*times_and_keys):
        """`check` with a ledger in which the keys were used so many days ago."""
        data = tmp_path / f"data-{len(list(tmp_path.iterdir()))}"
        seq, previous, now = 1, ledger_check.ORIGIN, int(time.time() * 1000)
        for days, keys in times_and_keys:
            moment = now - days * 86_400_000
            records = [bodies[key] for key in keys] or [bodies["other"] | {"key_id": None}]
            seq, previous = ledger_check.write_segment(data, seq, moment, previous, records)
        done = tollgate("check", path, "--data", str(data))
        assert done.returncode == 0 and "ok, revision" in done.stdout
        # Without what `check` says of the policy alone.
        return "".join(line for line in done.stderr.splitlines(True) if "expired; " not in line)

    said = check((100, ["agents"]), (10, ["other"]))
    assert "tenant-a/agents was not used for 90 days, last at" in said
    assert "tenant-a/other" not in said
    assert "tenant-a/narrow was not used for 90 days: " in said
    # What is disabled or has expired needs no warning.
    assert "tenant-a/off" not in said and "expired" not in said
    said = check((100, []), (89, ["agents", "other"]))
    assert "agents" not in said and "tenant-a/narrow" in said
    assert "reaches back 30 days" in check((30, ["agents"]))
    done = tollgate("check", path, "--data", str(tmp_path / "nothing"))
    assert done.returncode == 1 and not done.stdout
