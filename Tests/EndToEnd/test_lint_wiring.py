"""`tollgate lint` on how objects refer to each other: routes and listeners, the pod and its workload,
who may pass which filter. Each row plants one mistake in lint/clean.yaml, or one odd thing that is right."""

import copy
import shutil

import pytest

from lint_bench import (
    ARGS, AUTH, KUBE, PROC, REFERENCE, RULE, SIDECAR, TEMPLATE, Tree, as_daemon_set, both,
    expect_planted, field, lint, lint_objects, manifests,
)  # fmt: skip

MODEL_HEADER = f"{RULE}.matches.0.headers.0"
POD = f"{KUBE}.envoyDeployment.pod"
SECURITY = f"{SIDECAR}.securityContext"


def model_by(kind: str, value: str):
    header = {"name": "x-ai-model-route", "type": kind, "value": value}
    return field("HTTPRoute", MODEL_HEADER, header, "chat")


def another_tenant(tree: Tree) -> None:
    tree.policy("tenants: {", """tenants: {
        "tenant-b": {
          keys: [{ id: "b", sha256: "0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33e3a2d0a0d2b6e2b0b7e6f9d1" }],
          allow: [{ paths: ["/v1/chat/completions"], models: ["llama3-8b"] }],
        },""")  # fmt: skip


def moved_copy(namespace: str, hostnames: list[str] | None = None):
    """The chat route once more, in another namespace, with a header more."""

    def plant(tree: Tree) -> None:
        route = tree.copy("HTTPRoute", "chat")
        route["metadata"] = {"name": "twin", "namespace": namespace}
        if hostnames:
            route["spec"]["hostnames"] = hostnames
        headers = route["spec"]["rules"][0]["matches"][0]["headers"]
        headers.append({"name": "x-anything", "value": "1"})
        tree.find("ReferenceGrant")["spec"]["from"].append({
            "group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": namespace})

    return plant


def namespace(name: str, **labels):
    return lambda tree: tree.objects.append({
        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})


def catch_all_on(host: str, name: str, space: str):
    def plant(tree: Tree) -> None:
        route = tree.copy("HTTPRoute", "catch-all")
        route["metadata"] = {"name": name, "namespace": space}
        route["spec"]["hostnames"] = [host]

    return plant


def second_listener(tree: Tree) -> None:
    listeners = tree.find("Gateway")["spec"]["listeners"]
    listeners.append(copy.deepcopy(listeners[0]) | {"name": "internal", "port": 8443})


def policies_on(section: str):
    def plant(tree: Tree) -> None:
        for kind in ("SecurityPolicy", "EnvoyExtensionPolicy"):
            tree.find(kind)["spec"]["targetRefs"][0]["sectionName"] = section

    return plant


def routes_on(section: str):
    def plant(tree: Tree) -> None:
        for one in tree.objects:
            if one["kind"] == "HTTPRoute":
                one["spec"]["parentRefs"][0]["sectionName"] = section

    return plant


def egress(*rules: dict, selector: dict = {}):
    return lambda tree: tree.objects.append({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "out", "namespace": "ai-gateway"},
        "spec": {"podSelector": selector, "policyTypes": ["Egress"], "egress": list(rules)}})


def ports(*numbers: int, protocol: str = "TCP") -> dict:
    return {"ports": [{"port": number, "protocol": protocol} for number in numbers]}


def claim(size: str, bound: str = "8GiB"):
    def plant(tree: Tree) -> None:
        tree.objects.append({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "books", "namespace": "ai-gateway"},
            "spec": {"resources": {"requests": {"storage": size}}}})
        sidecar(tree)["args"].append(f"--ledger-max-bytes={bound}")

    return plant


def sidecar(tree: Tree) -> dict:
    kubernetes = tree.find("EnvoyProxy")["spec"]["provider"]["kubernetes"]
    patch = kubernetes["envoyDeployment"]["patch"]["value"]
    return patch["spec"]["template"]["spec"]["initContainers"][0]


def on_nodes(**update):
    """A DaemonSet with the ledger on the node's disk."""

    def plant(tree: Tree) -> None:
        tree.policy('per: "month"', 'per: "minute"')
        as_daemon_set(tree)
        workload = tree.find("EnvoyProxy")["spec"]["provider"]["kubernetes"]["envoyDaemonSet"]
        workload["pod"]["volumes"][2] = {"name": "books", "hostPath": {"path": "/var/lib/tollgate"}}
        workload["strategy"] = {"type": "RollingUpdate", "rollingUpdate": update}

    return plant


def pod_monitor(port: str = "tollgate", **labels):
    def plant(tree: Tree) -> None:
        sidecar(tree)["ports"] = [{"name": "tollgate", "containerPort": 9091}]
        tree.objects.append({
            "apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor",
            "metadata": {"name": "tollgate", "namespace": "ai-gateway"},
            "spec": {
                "selector": {"matchLabels": labels or {"app.kubernetes.io/name": "envoy"}},
                "podMetricsEndpoints": [{"port": port}]}})

    return plant


def verified_by(**jwt):
    return both(
        field("SecurityPolicy", "spec.jwt", {
            "providers": [{"name": "i", "issuer": "https://issuer.example.com"}]} | jwt),
        lambda tree: tree.policy(
            "client_certificates: true",
            'client_certificates: true, jwt: [{ issuer: "https://issuer.example.com", '
            'metadata_key: "i", tenant_claim: "tenant", subject_claim: "sub" }]'))


# (what is planted, the check that must find it)
PLANTED_IN_WIRING = {
    "any model route": (model_by("RegularExpression", ".*"), "open-model-route"),
    "every model route of a kind": (model_by("RegularExpression", "chat-.*"), "open-model-route"),
    "a dot that is any character": (model_by("RegularExpression", "chat.v1"), "open-model-route"),
    "another tenant's host": (
        both(another_tenant, moved_copy("tenant-b")), "foreign-host"),
    "a host of everybody's, from a tenant's namespace": (
        both(
            another_tenant, moved_copy("ai-gateway", ["api.ai.example.com"]),
            catch_all_on("api.ai.example.com", "rest", "ai-gateway"),
            lambda tree: moved_copy("tenant-b", ["api.ai.example.com"])(tree),
            lambda tree: tree.copy("HTTPRoute", "embeddings").update(
                metadata={"name": "shared-embeddings", "namespace": "ai-gateway"}),
        ), "foreign-host"),
    "a second namespace on a tenant's host": (moved_copy("tenant-a-batch"), "foreign-host"),
    "a port the Service lacks": (
        field("HTTPRoute", f"{RULE}.backendRefs.0.port", 8080, "chat"), "missing-port"),
    "no port": (
        field("HTTPRoute", f"{RULE}.backendRefs.0.port", None, "chat"), "missing-port"),
    "a listener there is not": (
        field("HTTPRoute", "spec.parentRefs.0.sectionName", "http", "chat"), "unattached-route"),
    "a listener of another host": (
        field("Gateway", "spec.listeners.0.hostname", "*.example.org"), "unattached-route"),
    "a namespace without the label": (namespace("tenant-a", team="a"), "unattached-route"),
    "routes of the gateway's own namespace alone": (
        field("Gateway", "spec.listeners.0.allowedRoutes", None), "unattached-route"),
    "a listener for other kinds": (
        field("Gateway", "spec.listeners.0.allowedRoutes.kinds", [{"kind": "GRPCRoute"}]),
        "unattached-route"),
    "silence is cut before the answer": (
        field("BackendTrafficPolicy", "spec.timeout", {"http": {"streamIdleTimeout": "119s"}},
              "shared"), "idle-timeout"),
    "silence is cut on every listener": (
        field("ClientTrafficPolicy", "spec.timeout", {"http": {"streamIdleTimeout": "60s"}}),
        "idle-timeout"),
    "silence is cut by default": (
        both(
            field("HTTPRoute", f"{RULE}.timeouts.request", "301s", "chat"),
            field("EnvoyProxy", "spec.shutdown.drainTimeout", "301s"),
            field("EnvoyProxy", f"{ARGS}.4", "--drain-timeout=301s"),
        ), "idle-timeout"),
    "a new pod on the node while the old one has the ledger": (
        on_nodes(maxSurge=1, maxUnavailable=0), "rollout-shares-ledger"),
    "no Tollgate in the pod": (
        field("EnvoyProxy", f"{TEMPLATE}.initContainers", []), "no-sidecar"),
    "no pod of ours at all": (field("EnvoyProxy", "spec.provider", None), "no-sidecar"),
    "another user than Envoy's": (field("EnvoyProxy", f"{SECURITY}.runAsUser", 1000), "socket"),
    "Envoy as another user": (
        both(
            field("EnvoyProxy", f"{SECURITY}.runAsUser", 65532),
            field("EnvoyProxy", f"{KUBE}.envoyDeployment.container.securityContext",
                  {"runAsUser": 1000}),
        ), "socket"),
    "Envoy without the socket's volume": (
        field("EnvoyProxy", f"{KUBE}.envoyDeployment.container.volumeMounts", []), "socket"),
    "a socket on no volume": (field("EnvoyProxy", f"{SIDECAR}.volumeMounts.0", None), "socket"),
    "a policy by subPath": (
        field("EnvoyProxy", f"{SIDECAR}.volumeMounts.1.subPath", "policy.json5"),
        "unfollowed-policy"),
    "nobody watches the policy": (
        field("EnvoyProxy", f"{ARGS}.5", None), "unfollowed-policy"),
    "metrics on the loopback, and a probe": (
        field("EnvoyProxy", f"{ARGS}.6", "--metrics=127.0.0.1:9091"), "unreachable-metrics"),
    "a probe of the page's port": (
        field("EnvoyProxy", f"{SIDECAR}.startupProbe.httpGet.port", 9090), "unreachable-metrics"),
    "a probe of nobody's port": (
        field("EnvoyProxy", f"{SIDECAR}.startupProbe.httpGet.port", 9092), "unreachable-metrics"),
    "metrics on the loopback, and a PodMonitor": (
        both(
            pod_monitor(),
            field("EnvoyProxy", f"{SIDECAR}.startupProbe", {"exec": {"command": ["tollgate"]}}),
            field("EnvoyProxy", f"{ARGS}.6", "--metrics=localhost:9091"),
        ), "unreachable-metrics"),
    "the policy in another namespace": (
        field("ConfigMap", "metadata.namespace", "tenant-a"), "missing-config-map"),
    "the policy by another name": (
        field("ConfigMap", "metadata.name", "policies"), "missing-config-map"),
    "a ledger larger than its claim": (claim("8Gi", "8193MiB"), "ledger-above-volume"),
    "buffers above the memory": (
        field("EnvoyProxy", f"{SIDECAR}.resources", {"limits": {"memory": "2Gi"}}), "memory-limit"),
    "buffers above the memory, by the flag": (
        both(
            field("EnvoyProxy", f"{SIDECAR}.resources", {"limits": {"memory": "512Mi"}}),
            lambda tree: sidecar(tree)["args"].append("--max-buffer-bytes=512MiB"),
        ), "memory-limit"),
    "nothing is let out": (egress(), "closed-egress"),
    "names are not let out": (egress(ports(18000, 8000)), "closed-egress"),
    "xDS is not let out": (
        egress(ports(53, protocol="UDP"), ports(8000),
               selector={"matchLabels": {"app.kubernetes.io/name": "envoy"}}), "closed-egress"),
    "models are not let out": (
        egress(ports(53, protocol="UDP"), ports(18000)), "closed-egress"),
    "JWTs or nobody": (verified_by(), "jwt-shuts-keys-out"),
    "another issuer": (
        verified_by(failOpen=True, providers=[{"name": "i", "issuer": "https://issuer.example.com/"}]),
        "jwt-issuer"),
    "a check without the key's header": (
        field("SecurityPolicy", f"{AUTH}.headersToExtAuth", ["authorization", "x-api-key"]),
        "withheld-credentials"),
    "the policies on one listener of two": (
        both(second_listener, policies_on("https")), "not-asked"),
    "a log without the model": (
        field("EnvoyProxy", "spec.telemetry.accessLog.settings.0.format.json.model", None),
        "log-labels"),
}  # fmt: skip

RIGHT = {
    "a pattern that is a name": model_by("RegularExpression", "chat-v1"),
    "a pattern of names": model_by("RegularExpression", "^(chat-v1|chat-v2)$"),
    "silence as long as the answer": field(
        "BackendTrafficPolicy", "spec.timeout", {"http": {"streamIdleTimeout": "120s"}}, "shared"),
    "silence without a bound": field(
        "BackendTrafficPolicy", "spec.timeout", {"http": {"streamIdleTimeout": "0s"}}, "shared"),
    "an answer as long as the default silence": both(
        field("HTTPRoute", f"{RULE}.timeouts.request", "300s", "chat"),
        field("EnvoyProxy", "spec.shutdown.drainTimeout", "300s"),
        field("EnvoyProxy", f"{ARGS}.4", "--drain-timeout=300s")),
    "the platform's route on a tenant's host": catch_all_on(
        "tenant-a.ai.example.com", "rest", "ai-gateway"),
    "a tenant whose namespace has another name, beside the platform's": lambda tree: [
        one["metadata"].update(namespace="ai-gateway")
        for one in tree.objects if one["metadata"]["name"] == "catch-all"
    ] + [one["metadata"].update(namespace="ai-gateway")
         for one in tree.objects if one["metadata"]["name"] == "no-route"],
    "the listener by its name": field(
        "HTTPRoute", "spec.parentRefs.0.sectionName", "https", "chat"),
    "a listener by the namespace's name": both(
        namespace("tenant-a"),
        field("Gateway", "spec.listeners.0.allowedRoutes.namespaces.selector", {
            "matchLabels": None, "matchExpressions": [{
                "key": "kubernetes.io/metadata.name", "operator": "In", "values": ["tenant-a"]}]})),
    "a labelled namespace": namespace("tenant-a", **{"ai-routes": "enabled"}),
    "another listener that leads to no model": both(
        second_listener, policies_on("https"), routes_on("https")),
    "the policies on each listener": both(
        second_listener, policies_on("https"),
        lambda tree: [
            tree.find(kind)["spec"]["targetRefs"].append(
                tree.find(kind)["spec"]["targetRefs"][0] | {"sectionName": "internal"})
            for kind in ("SecurityPolicy", "EnvoyExtensionPolicy")]),
    "a node's new pod after the old one": on_nodes(maxSurge=0, maxUnavailable=1),
    "a node's default": on_nodes(),
    "another user of the volume's group": both(
        field("EnvoyProxy", f"{SECURITY}.runAsUser", 1000),
        field("EnvoyProxy", f"{POD}.securityContext", {"fsGroup": 65532})),
    "another user of Envoy's group": both(
        field("EnvoyProxy", f"{SECURITY}.runAsUser", 1000),
        field("EnvoyProxy", f"{SECURITY}.runAsGroup", 65532)),
    "processes that can be signalled": both(
        field("EnvoyProxy", f"{ARGS}.5", None),
        field("EnvoyProxy", f"{TEMPLATE}.shareProcessNamespace", True)),
    "a PodMonitor of the pod's port": pod_monitor(),
    "a PodMonitor of other pods": both(
        pod_monitor(app="other"),
        field("EnvoyProxy", f"{SIDECAR}.startupProbe", {"exec": {"command": ["tollgate"]}}),
        field("EnvoyProxy", f"{ARGS}.6", "--metrics=127.0.0.1:9091")),
    "a ledger as large as its claim": claim("8Gi"),
    "memory above the buffers": field(
        "EnvoyProxy", f"{SIDECAR}.resources", {"limits": {"memory": "3Gi"}}),
    "everything is let out": egress({}),
    "what is needed is let out": egress(ports(53, protocol="UDP"), ports(53, 8000, 18000)),
    "other pods are shut in": egress(selector={"matchLabels": {"app": "other"}}),
    "JWTs are one way among others": verified_by(optional=True),
    "every header of a key": field(
        "SecurityPolicy", f"{AUTH}.headersToExtAuth", ["Authorization", "X-API-Key", "api-key"]),
}  # fmt: skip


@pytest.mark.parametrize("title", PLANTED_IN_WIRING)
def test_a_planted_mistake_in_the_wiring_is_found(title):
    expect_planted(*PLANTED_IN_WIRING[title])


@pytest.mark.parametrize("title", RIGHT)
def test_what_is_odd_and_right_is_clean(title):
    tree = Tree(manifests())
    RIGHT[title](tree)
    _, found, text = lint_objects(tree.objects)
    assert found == [], text


def test_a_missing_grant_is_told_at_the_route_that_lacks_it(tmp_path):
    """Two tenants' files have the same names in them, and leave the namespace to kustomize."""
    if not (shutil.which("kustomize") or shutil.which("kubectl")):
        pytest.skip("neither kustomize nor kubectl is here")
    tree = tmp_path / "kubernetes"
    shutil.copytree(REFERENCE / "base", tree)
    shutil.copytree(tree / "tenant-a", tree / "tenant-b")
    for file in (tree / "tenant-b").iterdir():
        file.write_text(file.read_text().replace("tenant-a", "tenant-b"))
    kustomization = tree / "kustomization.yaml"
    kustomization.write_text(
        kustomization.read_text().replace("  - tenant-a\n", "  - tenant-a\n  - tenant-b\n")
    )
    found = [one for one in lint(tree, "--json")[1] if one["check"] == "missing-reference-grant"]
    assert found
    assert {one["file"] for one in found} == {str(tree / "tenant-b" / "routes.yaml")}
