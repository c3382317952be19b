"""`tollgate lint` on whole deployments: policies beside manifests, workloads, kustomizations."""

import copy
import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lint_bench import (
    CLEAN, MINUTELY, MONTHLY, PROC, REFERENCE, RULE, Tree, adding_argument, as_daemon_set, checks, field,
    lint, lint_objects, manifests,
)  # fmt: skip


def test_a_policy_is_named_beside_the_manifests(tmp_path):
    tree = Tree(manifests())
    policy = tmp_path / "policy.json5"
    policy.write_text(tree.find("ConfigMap")["data"]["policy.json5"])
    tree.drop("ConfigMap")
    assert lint_objects(tree.objects)[1] == []
    assert lint_objects(tree.objects, "--policy", policy)[1] == []
    policy.write_text(policy.read_text().replace("chat-v1", "chat-v2"))
    found = lint_objects(tree.objects, "--policy", policy)[1]
    assert checks(found) == {"unrouted-model", "unknown-model-route"}
    policy.write_text("{")
    status, _, text = lint_objects(tree.objects, "--policy", policy)
    assert status == 1 and "policy.json5:1" in text


def test_a_shared_store_makes_calendar_limits_right():
    tree = Tree(manifests())
    as_daemon_set(tree)
    container = tree.find("EnvoyProxy")["spec"]["provider"]["kubernetes"]["envoyDaemonSet"]["patch"]
    sidecar = container["value"]["spec"]["template"]["spec"]["initContainers"][0]
    sidecar["args"].append("--store=redis://127.0.0.1:6379/0")
    assert lint_objects(tree.objects)[1] == []
    sidecar["args"].pop()
    sidecar["env"] = [{"name": "TOLLGATE_STORE", "value": "redis://127.0.0.1:6379/0"}]
    assert lint_objects(tree.objects)[1] == []
    del sidecar["env"]
    assert checks(lint_objects(tree.objects)[1]) == {"limits-per-replica"}


def test_envoy_waits_for_the_store_and_the_disk():
    # Envoy waits for 5 s here.
    for timeout, found in [("4900ms", set()), ("4901ms", {"store-timeout"}), ("10s", {"store-timeout"})]:
        tree = Tree(manifests())
        adding_argument("--store=redis+unix:/run/redis.sock")(tree)
        adding_argument(f"--store-timeout={timeout}")(tree)
        assert checks(lint_objects(tree.objects)[1]) == found, timeout


def test_rates_and_slots_may_stay_on_every_node():
    tree = Tree(manifests()).policy(MONTHLY, MINUTELY)
    as_daemon_set(tree)
    volumes = tree.find("EnvoyProxy")["spec"]["provider"]["kubernetes"]["envoyDaemonSet"]["pod"]
    volumes["volumes"][2] = {"name": "books", "emptyDir": {}}
    assert lint_objects(tree.objects)[1] == []


def test_a_plain_workload_is_looked_at_too():
    container = {
        "name": "tollgate", "image": "registry.example.com/tollgate:1",
        "command": ["/usr/bin/tollgate", "serve"], "args": ["--data", "/data"],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }  # fmt: skip
    workload = {
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "gateway", "namespace": "ai-gateway"},
        "spec": {
            "replicas": 3,
            "template": {"spec": {
                "volumes": [{"name": "data", "emptyDir": {}}],
                "containers": [container, {"name": "envoy", "image": "envoyproxy/envoy:v1.40"}],
            }},
        },
    }  # fmt: skip
    tree = Tree([workload, Tree(manifests()).find("ConfigMap")])
    _, found, text = lint_objects(tree.objects)
    assert checks(found) == {
        "ledger-forgotten", "limits-per-replica", "sidecar-security", "sidecar-order",
    }, text  # fmt: skip
    workload["spec"]["replicas"] = 1
    scaler = {
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "gateway", "namespace": "ai-gateway"},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "gateway"}, "maxReplicas": 2},
    }  # fmt: skip
    assert "limits-per-replica" not in checks(lint_objects(tree.objects)[1])
    assert "limits-per-replica" in checks(lint_objects([*tree.objects, scaler])[1])


# Kustomizations.


def kustomization(folder: Path, **fields) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(fields))


@pytest.fixture
def kustomized(tmp_path):
    """A base of two parts, a component, and overlays of which one plants a mistake."""
    if not (shutil.which("kustomize") or shutil.which("kubectl")):
        pytest.skip("neither kustomize nor kubectl is here: built directories are not tested")
    objects = manifests()
    base = tmp_path / "base"
    kustomization(base, resources=["platform", "models.yaml"])
    kustomization(base / "platform", resources=["platform.yaml"])
    models = [one for one in objects if one["metadata"].get("namespace") == "ai-models"]
    platform = [one for one in objects if one not in models]
    (base / "models.yaml").write_text(yaml.safe_dump_all(models))
    (base / "platform" / "platform.yaml").write_text(yaml.safe_dump_all(platform))
    component = {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component"}
    kustomization(tmp_path / "components/log", **component, patches=[{"path": "patch.yaml"}])
    (tmp_path / "components/log/patch.yaml").write_text(
        "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: EnvoyProxy\n"
        "metadata:\n  name: ai\n  namespace: ai-gateway\n"
        "spec:\n  telemetry:\n    accessLog:\n      disable: true\n"
    )
    kustomization(tmp_path / "overlays/plain", resources=["../../base"])
    kustomization(
        tmp_path / "overlays/mute", resources=["../../base"], components=["../../components/log"]
    )
    return tmp_path


def sets_of(folder: Path) -> tuple[list[str], list[dict]]:
    output = json.loads(lint(folder, "--json")[2])
    return [Path(one["name"]).name for one in output["sets"]], output["findings"]


def test_a_base_and_every_overlay_are_deployments_of_their_own(kustomized):
    sets, found = sets_of(kustomized)
    assert sets == ["base", "mute", "plain"]
    assert [one["check"] for one in found] == ["log-labels"]
    # Built objects have no lines; what they are made of has.
    patch = kustomized / "components/log/patch.yaml"
    assert (found[0]["file"], found[0]["line"]) == (str(patch), 8)


def test_what_all_overlays_share_is_told_once(kustomized):
    file = kustomized / "base/platform/platform.yaml"
    file.write_text(file.read_text().replace("failOpen: false", "failOpen: true"))
    _, found = sets_of(kustomized)
    shared = [one for one in found if one["check"] == "fail-open"]
    assert len(shared) == 2
    for one in shared:
        assert one["file"] == str(file)
        assert file.read_text().splitlines()[one["line"] - 1].strip() == "failOpen: true"
        assert [Path(name).name for name in one["also_in"]] == ["mute", "plain"]


def test_what_kustomize_refuses_is_said(kustomized):
    kustomization(kustomized / "overlays/plain", resources=["../../nowhere"])
    status, _, text = lint(kustomized)
    assert status == 1 and "overlays/plain" in text and "nowhere" in text


def test_the_reference_manifests_are_clean():
    if not (shutil.which("kustomize") or shutil.which("kubectl")):
        pytest.skip("neither kustomize nor kubectl is here")
    status, found, text = lint(REFERENCE, "--json")
    assert (status, found) == (0, []), text
    assert len(json.loads(text)["sets"]) >= 7, text


def reference_tree(folder: str) -> Tree:
    """What kustomize builds of the reference manifests."""
    folder = REFERENCE / folder
    kustomize = shutil.which("kustomize")
    tool = [kustomize, "build"] if kustomize else [shutil.which("kubectl"), "kustomize"]
    if tool[0] is None:
        pytest.skip("neither kustomize nor kubectl is here")
    built = subprocess.run([*tool, folder], capture_output=True, check=True, timeout=60)
    return Tree(list(yaml.safe_load_all(built.stdout)))


def sidecar_of(tree: Tree, workload: str) -> dict:
    patch = tree.find("EnvoyProxy")["spec"]["provider"]["kubernetes"][workload]["patch"]
    containers = patch["value"]["spec"]["template"]["spec"]["initContainers"]
    return next(one for one in containers if one["name"] == "tollgate")


IN_REFERENCE = {
    "one timeout": (
        field("HTTPRoute", f"{RULE}.timeouts.request", "120s", "embeddings"), "shared-timeout"),
    "retries on chat": (
        field("BackendTrafficPolicy", "spec.retry.numRetries", 1, "interactive"),
        "retries-on-streams"),
    "no grant": (lambda tree: tree.drop("ReferenceGrant", "tenant-a"), "missing-reference-grant"),
    "no catch-all of the tenant": (
        lambda tree: tree.objects.remove(next(
            one for one in tree.objects
            if one["kind"] == "HTTPRoute" and one["metadata"]["namespace"] == "tenant-a"
            and one["metadata"]["name"] == "catch-all")), "no-catch-all"),
    "fail open": (field("EnvoyExtensionPolicy", f"{PROC}.failOpen", True), "fail-open"),
    "the default timeout": (
        field("EnvoyExtensionPolicy", f"{PROC}.messageTimeout", None), "default-message-timeout"),
    "a small buffer": (
        field("ClientTrafficPolicy", "spec.connection.bufferLimit", "16Mi"), "buffer-limit"),
    "default breakers": (
        field("EnvoyExtensionPolicy", f"{PROC}.backendSettings.circuitBreaker", None),
        "default-circuit-breakers"),
    "no header": (
        field("HTTPRoute", f"{RULE}.matches.0.headers", None, "embeddings"),
        {"route-without-model-header"}),
    "a model nobody routes": (lambda tree: [
        tree.drop("HTTPRoute", "embeddings"), tree.drop("HTTPRoute", "shared-embeddings")],
        "unrouted-model"),
    "attempts outlive requests": (
        field("HTTPRoute", f"{RULE}.timeouts.backendRequest", "130s", "chat"), "backend-timeout"),
    "a drain that is too short": (
        field("EnvoyProxy", "spec.shutdown.drainTimeout", "60s"), "short-drain"),
    "no tenant in the log": (
        field("EnvoyProxy", "spec.telemetry.accessLog.settings.0.format.json.tenant", None),
        "log-labels"),
    "root": (
        lambda tree: sidecar_of(tree, "envoyDaemonSet").pop("securityContext"),
        "sidecar-security"),
    "another socket": (
        field("Backend", "spec.endpoints.0.unix.path", "/run/tollgate/tollgate2.sock", "tollgate"),
        "socket"),
}  # fmt: skip


def test_mistakes_planted_in_the_reference_manifests_are_found():
    base = reference_tree("base")
    assert lint_objects(base.objects)[1] == []
    missed = {}
    for title, (plant, expected) in IN_REFERENCE.items():
        tree = Tree(copy.deepcopy(base.objects))
        plant(tree)
        expected = {expected} if isinstance(expected, str) else expected
        found = checks(lint_objects(tree.objects)[1])
        if not expected <= found:
            missed[title] = found
    assert not missed


def test_the_reference_variants_differ_in_what_their_ledgers_may_hold():
    """One replica may have monthly budgets; every node's own ledger may not."""
    single = reference_tree("single-replica")
    assert lint_objects(single.objects)[1] == []
    policy = next(
        one for one in single.objects
        if one["kind"] == "ConfigMap" and any(key.endswith(".json5") for key in one["data"])
    )  # fmt: skip
    assert any('per: "month"' in text for text in policy["data"].values())
    base = reference_tree("base")
    name = policy["metadata"]["name"]
    base.find("ConfigMap", name)["data"] = policy["data"]
    assert "limits-per-replica" in checks(lint_objects(base.objects)[1])


def test_missing_tools_are_named_with_a_remedy(tmp_path, kustomized):
    file = tmp_path / "all.yaml"
    file.write_text(CLEAN.read_text())
    empty = {"PATH": str(tmp_path / "none"), "TOLLGATE_PYTHON": ""}
    status, _, text = lint(file, environment=empty)
    assert status == 1 and "python3-yaml" in text
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\ncat >/dev/null\nexit 3\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    status, _, text = lint(file, "--python", fake)
    assert status == 1 and "PyYAML" in text and "python3-yaml" in text
    # JSON needs none of them.
    assert lint("-", text=json.dumps(manifests()[0]), environment=empty)[0] == 0
    only_python = tmp_path / "bin"
    only_python.mkdir()
    (only_python / "python3").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (only_python / "python3").chmod(0o755)
    status, _, text = lint(kustomized, environment={"PATH": str(only_python), "TOLLGATE_PYTHON": ""})
    assert status == 1 and "kustomize" in text and "kubectl" in text
