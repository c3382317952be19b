"""The manifests of envoy/kubernetes, built by kustomize, as Python values."""

import copy
import functools
import os
import shutil
import subprocess
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
KUBERNETES = REPOSITORY / "envoy" / "kubernetes"
BINARIES = Path(os.environ.get("TOLLGATE_BIN_DIR", REPOSITORY / ".build" / "debug"))
# Where the CRD schemas and the validator are, outside of the project.
SHARED = Path(os.environ.get("TOLLGATE_SHARED", REPOSITORY.parent / "shared"))

NAMES = ["base", "single-replica", "several-replicas"] + sorted(
    f"overlays/{path.name}" for path in (KUBERNETES / "overlays").iterdir()
)


def kustomize() -> list[str] | None:
    """The command that builds a directory: kubectl has it inside, and it exists alone."""
    if shutil.which("kubectl"):
        return ["kubectl", "kustomize"]
    if shutil.which("kustomize"):
        return ["kustomize", "build"]
    return None


@functools.cache
def text(name: str) -> str:
    """One directory's manifests as kustomize prints them."""
    command = kustomize()
    assert command, "neither kubectl nor kustomize"
    done = subprocess.run([*command, str(KUBERNETES / name)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, f"kustomize has something to say:\n{done.stderr}"
    return done.stdout


@functools.cache
def _parsed(name: str) -> list[dict]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [document for document in yaml.load_all(text(name), loader) if document]


def load(name: str) -> list[dict]:
    """A copy of one directory's manifests, for the caller to change as it likes."""
    return copy.deepcopy(_parsed(name))


def of_kind(documents: list[dict], kind: str) -> list[dict]:
    return [document for document in documents if document["kind"] == kind]


def find(documents: list[dict], kind: str, name: str, namespace: str | None = None) -> dict:
    found = [
        document for document in of_kind(documents, kind)
        if document["metadata"]["name"] == name
        and namespace in (None, document["metadata"].get("namespace"))
    ]  # fmt: skip
    assert len(found) == 1, f"{len(found)} of {kind} {namespace}/{name}"
    return found[0]


def policy_files(documents: list[dict]) -> dict[str, str]:
    """The policy as the pods see it: names and texts of the ConfigMap's files."""
    return find(documents, "ConfigMap", "tollgate-policy")["data"]


def proxy_kind(documents: list[dict]) -> tuple[str, dict]:
    """(`DaemonSet` or `Deployment`, its settings in EnvoyProxy)."""
    provider = find(documents, "EnvoyProxy", "ai-gateway")["spec"]["provider"]["kubernetes"]
    ((kind, settings),) = [
        (kind, provider[f"envoy{kind}"])
        for kind in ("DaemonSet", "Deployment")
        if f"envoy{kind}" in provider
    ]
    return kind, settings


def pod_spec(documents: list[dict]) -> dict:
    """The pod that Envoy Gateway makes of EnvoyProxy, as far as we determine it."""
    _, settings = proxy_kind(documents)
    pod, patch = settings["pod"], settings["patch"]["value"]["spec"]["template"]["spec"]
    return {
        # Envoy Gateway's own container, in its own words where EnvoyProxy leaves them to it.
        "containers": [{"name": "envoy", "image": "envoyproxy/envoy:distroless-v1.38",
                        **settings["container"]}],
        "volumes": pod["volumes"],
        "securityContext": pod["securityContext"],
        "initContainers": settings.get("initContainers", []),
    } | patch  # fmt: skip


def sidecar(documents: list[dict]) -> dict:
    (found,) = [c for c in pod_spec(documents)["initContainers"] if c["name"] == "tollgate"]
    return found


def settings(documents: list[dict]) -> dict[str, str]:
    """The sidecar's environment, as far as components add to it."""
    (source,) = sidecar(documents)["envFrom"]
    return find(documents, "ConfigMap", source["configMapRef"]["name"], "ai-gateway")["data"]


def shares_limits(documents: list[dict]) -> bool:
    """Whether all replicas count together, in a store."""
    return "TOLLGATE_STORE" in settings(documents)
