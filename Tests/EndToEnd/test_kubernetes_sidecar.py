"""The sidecar as the manifests run it: its probes, and a ConfigMap's update that reaches it."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

import parity
import policy as policies
from envoy_config import EnvoyOptions
from harness import DRAIN_SECONDS, Stack, StackOptions, free_port, poll
from parity import KEY, SHARED_HOST, manifests


class Kubelet:
    """Writes a ConfigMap's volume the way a kubelet does (its AtomicWriter).

    A new version goes into a directory named for the time; `..data_tmp` is made to point there and
    renamed over `..data`; files that the version has not got lose their links; the old directory goes.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._second = 0

    def write(self, files: dict[str, str]) -> None:
        for step in self.steps(files):
            step()

    def steps(self, files: dict[str, str]):
        """The same, step by step: a reader may come between any two."""
        data = self.folder / "..data"
        old = self.folder / os.readlink(data) if data.is_symlink() else None
        self._second += 1
        version = self.folder / f"..2026_11_22_10_00_{self._second:02}.{self._second}123456789"

        yield version.mkdir
        for name, text in files.items():
            yield lambda path=version / name, text=text: path.write_text(text)
        fresh = self.folder / "..data_tmp"
        yield lambda: fresh.symlink_to(version.name)
        yield lambda: os.replace(fresh, data)
        for name in files:
            link = self.folder / name
            if not link.is_symlink():
                yield lambda link=link, name=name: link.symlink_to(f"..data/{name}")
        for link in self.folder.iterdir():
            if not link.name.startswith("..") and link.name not in files:
                yield link.unlink
        if old:
            yield lambda: shutil.rmtree(old)


class Sidecar:
    """Tollgate with the manifests' own arguments, in directories of this machine."""

    def __init__(self, folder: Path):
        self.mount = folder / "etc"
        self.mount.mkdir()
        self.kubelet = Kubelet(self.mount)
        self.platform, self.tenant = _parts(parity.policy_of(manifests.load("base"), True))
        self.write(self.tenant)
        (container,) = [manifests.sidecar(manifests.load("base"))]
        self.probes = container
        self.metrics = free_port()
        # The harness gives the policy, the socket, the ledger and the admin page; the rest is the
        # manifest's, with the metrics on a port of this machine.
        ours = ("--policy", "--listen", "--data", "--admin")
        arguments = [flag for flag in container["args"][1:] if flag.split("=")[0] not in ours]
        assert "--watch" in arguments and "--metrics=0.0.0.0:9091" in arguments
        arguments[arguments.index("--metrics=0.0.0.0:9091")] = f"--metrics=127.0.0.1:{self.metrics}"
        self.stack = Stack(StackOptions(
            envoy=EnvoyOptions(), policy_path=self.mount, tollgate_arguments=tuple(arguments),
            policy=parity.policy_of(manifests.load("base"), True),
        ))  # fmt: skip

    def files(self, tenant: dict) -> dict[str, str]:
        return {"platform.json5": policies.text(self.platform),
                "tenant-a.json5": policies.text({"version": 1, "tenants": tenant})}  # fmt: skip

    def write(self, tenant: dict) -> None:
        self.kubelet.write(self.files(tenant))

    def with_key(self, key: str) -> dict:
        tenants = json.loads(json.dumps(self.tenant))
        tenants["tenant-a"]["keys"].append({"id": key, "sha256": policies.digest(key)})
        return tenants

    def knows(self, key: str) -> bool:
        status = self.stack.request("GET", "/v1/models", key=key).status_code
        assert status in (200, 401), status
        return status == 200

    @property
    def log(self) -> str:
        return self.stack.tollgate.process.log()


def _parts(policy: dict) -> tuple[dict, dict]:
    policy = dict(policy)
    return policy, policy.pop("tenants")


@pytest.fixture
def sidecar(tmp_path):
    if not manifests.kustomize():
        pytest.skip("neither kubectl nor kustomize is installed: no manifests to run")
    found = Sidecar(tmp_path)
    with found.stack:
        yield found


def test_the_probes_ask_what_the_sidecar_answers(sidecar):
    for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
        path = sidecar.probes[kind]["httpGet"]["path"]
        url = f"http://127.0.0.1:{sidecar.metrics}{path}"
        assert httpx.get(url, trust_env=False).status_code == 200, kind


def test_a_config_maps_update_reaches_the_sidecar(sidecar):
    assert sidecar.knows(KEY)
    for number in range(3):
        key = f"tg-new-{number}-0123456789abcdef0123456789abcdef"
        assert not sidecar.knows(key)
        sidecar.write(sidecar.with_key(key))
        poll("the update counts", lambda key=key: sidecar.knows(key))
    # One version at a time: the former ones' keys are gone with them.
    assert not sidecar.knows("tg-new-0-0123456789abcdef0123456789abcdef")
    assert "error" not in sidecar.log


def test_no_step_of_an_update_is_taken_for_a_policy(sidecar):
    """Slower than any kubelet: between all steps there is time to look, and nothing is misread."""
    key = "tg-slow-0123456789abcdef0123456789abcdef"
    swapped = False
    for step in sidecar.kubelet.steps(sidecar.files(sidecar.with_key(key))):
        step()
        swapped = swapped or (sidecar.mount / "..data" / "tenant-a.json5").read_text().count(key)
        if swapped:
            poll("the update counts", lambda: sidecar.knows(key))
        else:
            sidecar.stack.tollgate.reload()
            assert not sidecar.knows(key)
        assert sidecar.knows(KEY)
    assert swapped and "error" not in sidecar.log


def test_a_bad_update_leaves_the_old_policy_and_the_next_good_one_counts(sidecar):
    bad = sidecar.files(sidecar.tenant) | {"tenant-a.json5": "{ version: 1, tenants: { tenant-a: {"}
    sidecar.kubelet.write(bad)
    poll("the bad update is reported", lambda: "tenant-a.json5" in sidecar.log)
    assert sidecar.knows(KEY)
    key = "tg-mended-0123456789abcdef0123456789abcdef"
    sidecar.write(sidecar.with_key(key))
    poll("the mended update counts", lambda: sidecar.knows(key))


def test_a_file_may_come_and_go(sidecar):
    """A new tenant's file is added to the ConfigMap and removed again."""
    key = "tg-tenant-c-0123456789abcdef0123456789abcdef"
    tenant = {"tenant-c": {"keys": [{"id": "c", "sha256": policies.digest(key)}],
                           "allow": [{"paths": ["/v1/embeddings"], "models": ["bge-small"]}]}}  # fmt: skip
    more = {"tenant-c.json5": policies.text({"tenants": tenant})}
    shared = {"host": SHARED_HOST}

    def knows() -> bool:
        return sidecar.stack.request("GET", "/v1/models", key=key, **shared).status_code == 200

    assert not knows()
    sidecar.kubelet.write(sidecar.files(sidecar.tenant) | more)
    poll("the new file counts", knows)
    sidecar.write(sidecar.tenant)
    poll("the removed file no longer counts", lambda: not knows())
    assert not (sidecar.mount / "tenant-c.json5").is_symlink() and sidecar.knows(KEY)


def test_a_volume_that_is_gone_leaves_the_old_policy(sidecar):
    """Nothing to read is no policy: what was in force stays, and its return is seen."""
    version = sidecar.mount / os.readlink(sidecar.mount / "..data")
    shutil.rmtree(version)
    sidecar.stack.tollgate.reload()
    poll("the loss is reported", lambda: "No such file" in sidecar.log)
    assert sidecar.knows(KEY)
    key = "tg-back-0123456789abcdef0123456789abcdef"
    (sidecar.mount / "..data").unlink()
    sidecar.write(sidecar.with_key(key))
    poll("the new volume counts", lambda: sidecar.knows(key))


def test_reload_needs_no_shell_and_no_pid(sidecar):
    """What `kubectl exec … -- tollgate reload` runs."""
    command = [str(manifests.BINARIES / "tollgate"), "reload", "--data", str(sidecar.stack.tollgate.data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DRAIN_SECONDS)
    assert done.returncode == 0, done.stderr
    poll("it was told", lambda: "the policy is unchanged" in sidecar.log)
