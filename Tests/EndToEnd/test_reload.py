"""A reload is atomic, drops nothing and misjudges nothing; a bad policy never replaces a good one."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

import load
import policy as policies
from harness import Stack, StackOptions, chat_body, error_code, poll

NEW_KEY = "tg-test-new-0123456789abcdef0123456789abcdef"
RELOADS = 50
BAD = [
    "{",
    '{"version": 2}',
    '{"version": 1, "models": {}, "tenants": {}, "unknown_field": 1}',
    policies.text(policies.build()).replace('"class": "batch_inference"', '"class": "nothing"'),
    policies.text(policies.build()).replace('"version": 1', '"version": 1, "version": 1'),
    policies.text(policies.build()).replace(policies.digest(policies.KEY_A), "not hex"),
    "",
]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("filters", [("ext_authz", "ext_proc"), ("ext_proc",)], ids="+".join)
def test_50_reloads_under_load_drop_and_misjudge_nothing(filters):
    from envoy_config import EnvoyOptions

    with Stack(StackOptions(envoy=EnvoyOptions(filters=filters))) as stack:
        done = threading.Event()
        tallies: list[load.Tally] = []

        def keep_asking() -> None:
            tallies.append(
                asyncio.run(
                    load.keep_asking(stack.listener, load.mixture(), 24, done.is_set)
                )
            )

        client = threading.Thread(target=keep_asking)
        client.start()
        try:
            for number in range(RELOADS):
                if number % 2:
                    stack.write_policy(BAD[number // 2 % len(BAD)])
                    stack.tollgate.reload()
                    # The old policy still judges; a good request is the witness.
                    assert stack.chat().status_code == 200
                else:
                    key = f"{NEW_KEY}-{number}"
                    stack.write_policy(
                        policies.with_key(stack.options.policy, "tenant-a", f"new{number}", key)
                    )
                    stack.tollgate.reload()
                    poll("the new key counts", lambda key=key: is_allowed(stack, key))
        finally:
            done.set()
            client.join(150)
        (tally,) = tallies
        assert tally.wrong[:5] == []
        assert tally.total > RELOADS
        assert set(tally.right) == {item.name for item in load.mixture()}
        # The last good policy is in force: its key counts, and the one before it no longer does.
        assert is_allowed(stack, f"{NEW_KEY}-{RELOADS - 2}")
        assert not is_allowed(stack, f"{NEW_KEY}-{RELOADS - 4}")
        log = stack.tollgate.process.log()
        assert "policy.json5" in log, "a bad policy must be reported with its place"


def is_allowed(stack, key: str) -> bool:
    status = stack.chat(key=key).status_code
    assert status in (200, 401)
    return status == 200


def test_a_bad_policy_is_reported_and_the_old_one_stays():
    with Stack() as stack:
        for number, bad in enumerate(BAD):
            before = len(stack.tollgate.process.log())
            stack.write_policy(bad)
            stack.tollgate.reload()
            poll(f"bad policy {number} is reported",
                 lambda before=before: "error" in stack.tollgate.process.log()[before:])  # fmt: skip
            assert stack.chat().status_code == 200


def test_exchanges_in_flight_keep_the_policy_they_began_with():
    """The key is revoked while its slow exchange is open: that one ends well, the next is refused."""
    with Stack() as stack:
        answers = []
        slow = threading.Thread(
            target=lambda: answers.append(stack.chat(headers={"x-test-hold": "1"}))
        )
        slow.start()
        poll("the slow exchange is at the backend", lambda: stack.recorder.open == 1)
        changed = policies.build()
        changed["tenants"]["tenant-a"]["keys"][0]["disabled"] = True
        stack.write_policy(changed)
        stack.tollgate.reload()
        poll("the key is refused", lambda: stack.chat().status_code == 401)
        stack.recorder.release()
        slow.join(60)
        assert answers[0].status_code == 200
        assert error_code(stack.chat()) == "invalid_api_key"


def config_map(folder: Path, number: int, policy: dict) -> None:
    """Writes a new version the way a kubelet does: a fresh folder, then `..data` swapped."""
    version = folder / f"..version_{number}"
    version.mkdir()
    (version / "policy.json5").write_text(policies.text(policy))
    fresh = folder / "..data_tmp"
    fresh.symlink_to(version.name)
    os.replace(fresh, folder / "..data")
    link = folder / "policy.json5"
    if not link.is_symlink():
        link.symlink_to("..data/policy.json5")


@pytest.mark.parametrize("whole_folder", [False, True], ids=["file", "directory"])
def test_watch_follows_a_config_maps_swap(tmp_path, whole_folder):
    config_map(tmp_path, 0, policies.build())
    path = tmp_path if whole_folder else tmp_path / "policy.json5"
    options = StackOptions(policy_path=path, tollgate_arguments=("--watch",))
    with Stack(options) as stack:
        assert stack.chat().status_code == 200
        for number in range(1, 4):
            key = f"{NEW_KEY}-{number}"
            assert not is_allowed(stack, key)
            policy = policies.with_key(policies.build(), "tenant-a", f"new{number}", key)
            config_map(tmp_path, number, policy)
            poll("the swapped policy counts", lambda key=key: is_allowed(stack, key))


def test_watch_follows_a_file_that_is_replaced_or_rewritten(tmp_path):
    path = tmp_path / "policy.json5"
    path.write_text(policies.text(policies.build()))
    options = StackOptions(policy_path=path, tollgate_arguments=("--watch",))
    with Stack(options) as stack:
        renamed, rewritten = NEW_KEY + "-a", NEW_KEY + "-b"
        stack.write_policy(policies.with_key(policies.build(), "tenant-a", "a", renamed))
        poll("a replaced file counts", lambda: is_allowed(stack, renamed))
        path.write_text(
            policies.text(policies.with_key(policies.build(), "tenant-a", "b", rewritten))
        )
        poll("a rewritten file counts", lambda: is_allowed(stack, rewritten))


def test_without_watch_a_change_waits_for_the_signal():
    with Stack() as stack:
        stack.write_policy(policies.with_key(policies.build(), "tenant-a", "new", NEW_KEY))
        for _ in range(20):
            assert not is_allowed(stack, NEW_KEY)
        stack.tollgate.reload()
        poll("the new key counts", lambda: is_allowed(stack, NEW_KEY))


def test_a_directory_of_policies_is_merged(tmp_path):
    whole = policies.build()
    tenants = whole.pop("tenants")
    (tmp_path / "base.json5").write_text("// the platform's part\n" + policies.text(whole))
    for name, tenant in tenants.items():
        text = policies.text({"tenants": {name: tenant}})
        (tmp_path / f"{name}.json").write_text(text)
    with Stack(StackOptions(policy_path=tmp_path)) as stack:
        assert stack.chat().status_code == 200
        body = chat_body("b-only")
        assert stack.request(
            "POST", "/v1/embeddings", json=body, key=policies.KEY_B, host=policies.HOST_B
        ).status_code == 200  # fmt: skip
