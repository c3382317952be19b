"""Fixtures: stacks that tests share, checked after every test."""

import os
import shutil
from dataclasses import replace

import pytest

import harness
import policy as policies
from envoy_config import EnvoyOptions
from harness import Stack, StackOptions

harness.raise_file_limit()
_running: list[Stack] = []


def pytest_configure(config):
    config.addinivalue_line("markers", "mass: many connections or much data; deselect with -m 'not mass'")
    harness.session_folder()


def pytest_sessionstart():
    """Without the binaries nothing can be tested: one clear message instead of an error for each test."""
    for name in ("tollgate", "model-simulator"):
        if not (harness.BINARIES / name).exists():
            pytest.exit(f"no {harness.BINARIES / name}: build it, or set TOLLGATE_BIN_DIR", 2)


def pytest_terminal_summary(terminalreporter, exitstatus):
    """After success the session's folder is removed; after a failure its path is printed."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return  # the process that shares the tests out knows how all ended
    folder = harness.session_folder()
    if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        shutil.rmtree(folder, ignore_errors=True)
    elif any(folder.iterdir()):
        terminalreporter.write_line(f"the failed stacks' logs and ledgers are in {folder}")


def pytest_report_header():
    return (
        f"tollgate: {harness.BINARIES / 'tollgate'}, envoy: {harness.envoy_binary()}, "
        f"sanitizer: {harness.SANITIZER or 'none'}"
    )


def _shared(options: StackOptions):
    with Stack(options) as stack:
        _running.append(stack)
        try:
            yield stack
        finally:
            _running.remove(stack)


@pytest.fixture(autouse=True)
def _tollgate_lives():
    """After every test each shared tollgate must still run and have reported nothing."""
    yield
    for stack in _running:
        stack.tollgate.check()


@pytest.fixture(scope="session")
def stack():
    """ext_authz and ext_proc, BUFFERED and STREAMED: as shipped."""
    yield from _shared(StackOptions())


@pytest.fixture(scope="session")
def providers():
    """As shipped, with the model simulator behind: what real clients meet."""
    policy = policies.build()
    policy["models"]["claude-sim"] = {
        "class": "interactive_inference", "routes": [{"name": "claude-v1"}],
    }  # fmt: skip
    policy["models"]["whisper-sim"] = {
        "class": "batch_inference", "routes": [{"name": "whisper-v1"}], "aliases": ["whisper-1"],
    }  # fmt: skip
    policy["models"]["org/sim:1"] = {
        "class": "interactive_inference", "routes": [{"name": "claude-v1"}], "aliases": ["org/sim"],
    }  # fmt: skip
    policy["tenants"]["tenant-a"]["allow"][0]["models"] += [
        "claude-sim", "whisper-sim", "org/sim:1",
    ]  # fmt: skip
    yield from _shared(StackOptions(policy=policy, simulator=True))


@pytest.fixture(scope="session")
def proc_only():
    yield from _shared(StackOptions(envoy=EnvoyOptions(filters=("ext_proc",))))


@pytest.fixture(scope="session")
def duplex():
    options = EnvoyOptions(
        filters=("ext_proc",), request_body_mode="FULL_DUPLEX_STREAMED",
        response_body_mode="FULL_DUPLEX_STREAMED", trailer_mode="SEND",
    )  # fmt: skip
    yield from _shared(StackOptions(envoy=options))


# Envoy gives ext_authz whole bodies, up to a little more than Tollgate takes, so that Tollgate and not
# Envoy refuses one that is too large.
AUTHZ_FIRST = EnvoyOptions(authz_body_bytes=policies.MAX_BODY_BYTES + 1024)
AUTHZ_ALONE = replace(AUTHZ_FIRST, filters=("ext_authz",))


def authz_policy() -> dict:
    """The base policy for ext_authz alone, without what needs the body rewritten: ext_authz cannot."""
    policy = policies.build(enforce_at="ext_authz")
    for name in ("renamed", "shortened"):
        del policy["models"][name]
    policy["models"]["llama3-8b"].pop("aliases")
    for entry in policy["tenants"]["tenant-a"]["allow"]:
        if "models" in entry:
            entry["models"] = [
                name for name in entry["models"] if name not in ("renamed", "shortened")
            ]
    return policy


@pytest.fixture(scope="session")
def authz_only():
    yield from _shared(StackOptions(policy=authz_policy(), envoy=AUTHZ_ALONE))


@pytest.fixture(scope="session")
def direct():
    """tollgate without an Envoy, for clients that speak gRPC to it."""
    yield from _shared(StackOptions(envoy=None))
