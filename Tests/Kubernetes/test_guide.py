"""The commands in envoy/README.md give what it says they give, in every variant."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import manifests
from manifests import BINARIES, KUBERNETES, REPOSITORY, find, policy_files

TREE = Path("envoy/kubernetes")
BUDGETED = "single-replica"
SHARED = "several-replicas"
# (what is built on, components): each that the guide names, and those that exchange the same words.
COMBINATIONS = [
    ("base", []), (BUDGETED, []),
    ("base", ["ext-authz-only"]), ("base", ["canary-by-weight"]), ("base", ["inference"]),
    (BUDGETED, ["jwt", "otlp"]), (BUDGETED, ["ext-authz-only"]),
    (BUDGETED, ["canary-by-weight", "ext-authz-only"]),
    (BUDGETED, ["ext-authz-only", "canary-by-weight"]),
    # On the way from one replica to several.
    (BUDGETED, ["redis"]),
    (SHARED, []), (SHARED, ["ext-authz-only", "otlp"]), ("base", ["budgets", "store"]),
    ("base", ["deployment", "budgets", "store", "otlp", "jwt"]),
]  # fmt: skip


def section(heading: str) -> str:
    text = (REPOSITORY / "envoy" / "README.md").read_text()
    (found,) = re.findall(rf"^##+ {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    return found


def blocks(text: str) -> list[str]:
    """The indented commands, in order."""
    found, lines = [], []
    for line in [*text.splitlines(), ""]:
        inside = re.match(r" {4}(   )?(.*)", line)
        if inside and not re.match(r" +[-|*] ", line):
            lines.append(inside[2])
        elif lines:
            found.append("\n".join(lines))
            lines = []
    return found


class Reader:
    """Somebody with a copy of the tree who types what the guide says."""

    def __init__(self, folder: Path):
        self.folder = folder
        (folder / "envoy").mkdir()
        shutil.copytree(KUBERNETES, folder / TREE)

    def types(self, script: str) -> str:
        # The python3 that has PyYAML is this one.
        path = f"{BINARIES}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = os.environ | {"PATH": path}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder, env=environment, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert done.returncode == 0, f"{script}\n{done.stdout}"
        return done.stdout

    def builds(self, base: str, components: list[str]) -> subprocess.CompletedProcess:
        """The kustomization that the guide has its reader write."""
        mine = self.folder / "mine"
        mine.mkdir(exist_ok=True)
        (mine / "kustomization.yaml").write_text(yaml.safe_dump({
            "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
            "resources": [f"../{TREE}/{base}"],
            "components": [f"../{TREE}/components/{name}" for name in components],
        }))  # fmt: skip
        return subprocess.run(
            [*manifests.kustomize(), str(mine)], capture_output=True, text=True
        )

    def policy(self, base: str, components: list[str]) -> Path:
        """What the pods of it would mount."""
        done = self.builds(base, components)
        assert done.returncode == 0, done.stderr
        folder = self.folder / "-".join(["policy", base, *components])
        folder.mkdir()
        for name, text in policy_files(list(yaml.safe_load_all(done.stdout))).items():
            (folder / name).write_text(text)
        return folder


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    if not manifests.kustomize():
        pytest.skip("neither kubectl nor kustomize is installed: the manifests are not built")
    return Reader(tmp_path_factory.mktemp("reader"))


@pytest.fixture(scope="module")
def installed(reader) -> str:
    """Steps 2 to 5, without what needs a registry or a cluster; the key that they made."""
    steps = section("Install")
    text = steps[steps.index("2. **The image**") : steps.index("6. **Apply**")]
    lines = [
        line for block in blocks(text) for line in block.splitlines()
        if not line.startswith(("docker ", "swift ", "kubectl "))
    ]  # fmt: skip
    script = "\n".join(lines) + '\necho "KEY $KEY"'
    assert script.count("tollgate ") >= 4
    said = reader.types(script)
    assert "0 errors, 0 warnings" in said, said
    return said.rpartition("KEY ")[2].strip()


def explained(policy: Path, key: str, host: str) -> tuple[int, set[str]]:
    """(status, the limits that apply, each with whose it is) of a chat."""
    body = policy / "request.txt"
    body.write_text('{"model":"llama3-8b","messages":[]}')
    done = subprocess.run(
        [str(BINARIES / "tollgate"), "explain", "--policy", str(policy), "--host", host,
         "--path", "/v1/chat/completions", "--header", f"authorization: Bearer {key}",
         "--header", "content-type: application/json", "--body", str(body)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (status,) = re.findall(r"^verdict: (\d+)", done.stdout, re.M)
    limits = re.findall(r"^limits +(.*)", done.stdout, re.M)
    return int(status), set(limits[0].split(", ") if limits else [])


@pytest.mark.parametrize("base, components", COMBINATIONS)
def test_the_installed_key_opens_every_variant_and_budgets_stay(reader, installed, base, components):
    policy = reader.policy(base, components)
    done = subprocess.run(
        [str(BINARIES / "tollgate"), "check", str(policy)], capture_output=True, text=True
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    status, limits = explained(policy, installed, "tenant-a.ai.your-domain.example")
    assert status == 200
    assert ("monthly (tenant)" in limits) == (base in (BUDGETED, SHARED) or "budgets" in components)
    assert ("parallel (tenant)" in limits) == ("ext-authz-only" not in components)


def test_the_guides_names_are_everywhere(reader, installed):
    for path in (reader.folder / TREE).rglob("*"):
        if path.is_file():
            text = path.read_text()
            assert "ai.example.com" not in text, path
            assert "image: busybox" not in text and "image: redis" not in text, path
            assert "registry.example.com" not in text, path


def test_a_tenant_is_onboarded_by_what_the_guide_says(reader, installed):
    (script,) = [block for block in blocks(section("Onboard a tenant")) if "cp -r" in block]
    said = reader.types(script)
    key = said.splitlines()[0]
    assert re.fullmatch(r"tg_\S+", key) and "0 errors, 0 warnings" in said
    for base, components in (
        (BUDGETED, ["mtls"]), (BUDGETED, ["otlp", "ext-authz-only"]), (SHARED, ["otlp"]),
    ):  # fmt: skip
        policy = reader.policy(base, components)
        status, limits = explained(policy, key, "tenant-b.ai.your-domain.example")
        assert status == 200 and "monthly (tenant)" in limits
        # And nobody else's host.
        status, _ = explained(policy, key, "tenant-a.ai.your-domain.example")
        assert status == 403
    built = list(yaml.safe_load_all(reader.builds("base", []).stdout))
    assert find(built, "Role", "routes", "tenant-b")


@pytest.mark.parametrize("components", [
    ["canary-by-weight", "inference"], ["inference", "canary-by-weight"],
    # In this order the password would be lost.
    ["redis", "deployment"], ["store", "deployment"],
])  # fmt: skip
def test_components_that_exclude_each_other_do_not_build(reader, components):
    done = reader.builds("base", components)
    assert done.returncode != 0 and "test failed" in done.stderr


def test_the_release_label_reaches_what_the_operator_looks_at(reader):
    """The patch for kube-prometheus-stack, as printed."""
    (patch,) = re.findall(r"```yaml\n(   patches:\n.*?)   ```", section("Install"), re.S)
    mine = reader.folder / "labelled"
    mine.mkdir()
    mine.joinpath("kustomization.yaml").write_text(
        f"resources: [../{TREE}/base]\n" + re.sub("^   ", "", patch, flags=re.M)
    )
    done = subprocess.run(
        [*manifests.kustomize(), str(mine)], capture_output=True, text=True, check=True
    )
    built = list(yaml.safe_load_all(done.stdout))
    for kind in ("PodMonitor", "PrometheusRule"):
        labels = find(built, kind, "tollgate", "ai-gateway")["metadata"]["labels"]
        assert labels == {"release": "kube-prometheus-stack"}
