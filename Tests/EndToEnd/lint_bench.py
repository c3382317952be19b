"""What the tests of `tollgate lint` share: the command, and deployments in which mistakes are planted."""

import copy
import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

import harness

HERE = Path(__file__).resolve().parent
CLEAN = HERE / "lint" / "clean.yaml"
REFERENCE = harness.REPOSITORY / "envoy" / "kubernetes"
TOLLGATE = harness.BINARIES / "tollgate"


def lint(*arguments, text: str | bytes = b"", environment: dict | None = None, cwd=None):
    """Runs the command; its exit status, findings and everything it printed."""
    data = text.encode() if isinstance(text, str) else text
    # The bench's own Python has PyYAML, whatever the machine's has.
    done = subprocess.run(
        [TOLLGATE, "lint", *map(str, arguments)], input=data, capture_output=True, timeout=120,
        env=os.environ | {"TOLLGATE_PYTHON": sys.executable} | (environment or {}), cwd=cwd,
    )  # fmt: skip
    output = done.stdout.decode()
    found = json.loads(output)["findings"] if "--json" in arguments and output else []
    return done.returncode, found, output + done.stderr.decode()


@functools.cache
def parsed(path: Path) -> list[dict]:
    return list(yaml.safe_load_all(path.read_text()))


def manifests() -> list[dict]:
    return copy.deepcopy(parsed(CLEAN))


def checks(found: list[dict], severity: str | None = None) -> set[str]:
    return {one["check"] for one in found if severity in (None, one["severity"])}


def lint_objects(objects: list[dict], *arguments):
    return lint(
        "-", "--json", *arguments,
        text=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}),
    )  # fmt: skip


class Tree:
    """A deployment that can be changed: `at` goes down a path of keys and indices."""

    def __init__(self, objects: list[dict]):
        self.objects = objects

    def find(self, kind: str, name: str | None = None) -> dict:
        return next(
            one for one in self.objects
            if one["kind"] == kind and name in (None, one["metadata"]["name"])
        )  # fmt: skip

    def set(self, kind: str, path: str, value, name: str | None = None) -> "Tree":
        """Writes a value at `a.b.0.c`; `None` takes the key away."""
        at, *keys = self.find(kind, name), *path.split(".")
        for key in keys[:-1]:
            at = at[int(key)] if isinstance(at, list) else at.setdefault(key, {})
        if value is None:
            del at[int(keys[-1]) if isinstance(at, list) else keys[-1]]
        elif isinstance(at, list):
            at[int(keys[-1])] = value
        else:
            at[keys[-1]] = value
        return self

    def drop(self, kind: str, name: str | None = None) -> "Tree":
        self.objects.remove(self.find(kind, name))
        return self

    def copy(self, kind: str, name: str) -> dict:
        twin = copy.deepcopy(self.find(kind, name))
        self.objects.append(twin)
        return twin

    def policy(self, old: str, new: str) -> "Tree":
        data = self.find("ConfigMap")["data"]
        assert old in data["policy.json5"]
        data["policy.json5"] = data["policy.json5"].replace(old, new)
        return self


def expect_planted(plant, expected: str | set[str]) -> None:
    """One mistake in the clean deployment: its check finds it, and no other error appears."""
    tree = Tree(manifests())
    plant(tree)
    status, found, text = lint_objects(tree.objects)
    expected = {expected} if isinstance(expected, str) else expected
    assert expected <= checks(found), text
    assert checks(found, "error") <= expected, text
    assert status == (1 if checks(found, "error") or "not-checked" in checks(found) else 0)
    for one in found:
        assert one["remedy"] and one["message"] and one["object"], one


PROC = "spec.extProc.0"
MODE = f"{PROC}.processingMode"
AUTH = "spec.extAuth"
RULE = "spec.rules.0"
KUBE = "spec.provider.kubernetes"
TEMPLATE = f"{KUBE}.envoyDeployment.patch.value.spec.template.spec"
SIDECAR = f"{TEMPLATE}.initContainers.0"
ARGS = f"{SIDECAR}.args"
VALIDATION = "spec.tls.clientValidation"
ROUTE_TARGET = [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "chat"}]


def field(kind: str, path: str, value, name: str | None = None):
    return lambda tree: tree.set(kind, path, value, name)


def both(*steps):
    def run(tree):
        for step in steps:
            step(tree)

    return run


def adding_argument(text: str):
    """One more argument of Tollgate's."""

    def step(tree: Tree) -> None:
        at = tree.find("EnvoyProxy")
        for key in ARGS.split("."):
            at = at[int(key)] if key.isdecimal() else at[key]
        at.append(text)

    return step


def as_daemon_set(tree: Tree) -> None:
    kubernetes = tree.find("EnvoyProxy")["spec"]["provider"]["kubernetes"]
    kubernetes["envoyDaemonSet"] = kubernetes.pop("envoyDeployment")
    del kubernetes["envoyDaemonSet"]["replicas"]


MONTHLY = '{ name: "monthly", requests: 1000000, per: "month" }'
MINUTELY = '{ name: "rpm", requests: 600, per: "minute" }'
