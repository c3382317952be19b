"""Every kustomization builds, is what the schemas allow, and holds together."""

import fnmatch
import functools
import json
import re
import subprocess
import sys

import kubernetes_validate
import pytest
import yaml

import envoy_gateway
from manifests import (
    BINARIES, KUBERNETES, NAMES, REPOSITORY, SHARED, find, kustomize, load, of_kind, pod_spec,
    policy_files, proxy_kind, settings, shares_limits, sidecar, text,
)  # fmt: skip

# Admission policies are general from 1.30 (native sidecars on by default from 1.29); the newest is what
# the package knows.
VERSIONS = ["1.30", "1.37"]
GATEWAY = ("ai-gateway", "ai-shared-gateway")
VALIDATOR = SHARED / "tools" / "validate_manifests.py"
MONITORING = "monitoring.coreos.com/v1"


def is_core(document: dict) -> bool:
    """Kinds that Kubernetes itself has."""
    group = document["apiVersion"].rpartition("/")[0]
    return "." not in group or group.endswith("k8s.io") and not group.startswith(
        ("gateway.", "inference.")
    )


# The schemas


@pytest.mark.skipif(not VALIDATOR.exists(), reason=f"no {VALIDATOR}: CRDs are not checked")
def test_custom_resources_are_what_their_definitions_allow(tmp_path):
    if not kustomize():
        pytest.skip("neither kubectl nor kustomize is installed: the manifests are not checked")
    # All in one run, because reading the definitions is most of the work.
    paths = []
    for name in NAMES:
        paths.append(tmp_path / f"{name.replace('/', '-')}.yaml")
        paths[-1].write_text(text(name))
    # An example that no kustomization has.
    example = KUBERNETES / "components/ext-authz-only/pack-as-bytes.yaml"
    done = subprocess.run(
        [sys.executable, str(VALIDATOR), str(example), *map(str, paths)],
        capture_output=True, text=True,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert not [line for line in lines if line.startswith("FAIL")], done.stdout
    assert done.returncode == 0, done.stderr
    # No document of a gateway's API was left unchecked.
    built = [document for name in NAMES for document in load(name)]
    other = sum(1 for d in built if is_core(d) or d["apiVersion"] == MONITORING)
    counted = [sum(line.startswith(word) for line in lines) for word in ("ok", "skip")]
    assert counted == [len(built) - other + 1, other]


@functools.cache
def allowed(document: str, version: str) -> None:
    """Raises when Kubernetes would not take this document; most are the same in every overlay."""
    kubernetes_validate.validate(json.loads(document), version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_own_kinds_are_what_it_allows(built, version):
    for document in filter(is_core, built):
        allowed(json.dumps(document, sort_keys=True), version)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_pod_that_envoy_gateway_makes_is_what_kubernetes_allows(built, version):
    """EnvoyProxy's patch has no schema of its own: a misspelt field would only be seen in a cluster."""
    kind, settings = proxy_kind(built)
    labels = {"app.kubernetes.io/name": "envoy"} | settings["pod"]["labels"]
    spec = {"selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod_spec(built)}}  # fmt: skip
    if kind == "Deployment":
        spec |= {"replicas": settings["replicas"], "strategy": settings["strategy"]}
    else:
        spec["updateStrategy"] = settings["strategy"]
    workload = {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "envoy"}, "spec": spec}
    allowed(json.dumps(workload, sort_keys=True), version)


def test_monitoring_resources_have_the_shape_of_the_prometheus_operators(built):
    """Its definitions are not here; these are the fields that it requires and that we use."""
    monitor = find(built, "PodMonitor", "tollgate", "ai-gateway")
    assert monitor["apiVersion"] == MONITORING and set(monitor["spec"]) == {
        "selector", "podMetricsEndpoints",
    }  # fmt: skip
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert set(endpoint) == {"port", "path", "interval", "scrapeTimeout"}
    assert endpoint["port"] in [port["name"] for port in sidecar(built)["ports"]]
    labels = proxy_kind(built)[1]["pod"]["labels"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()

    rules = find(built, "PrometheusRule", "tollgate", "ai-gateway")
    assert rules["apiVersion"] == MONITORING and set(rules["spec"]) == {"groups"}
    for group in rules["spec"]["groups"]:
        assert set(group) <= {"name", "interval", "rules"} and group["name"] and group["rules"]
        for rule in group["rules"]:
            assert ("alert" in rule) != ("record" in rule) and isinstance(rule["expr"], str)
            assert set(rule) <= {"alert", "record", "expr", "for", "labels", "annotations",
                                 "keep_firing_for"}  # fmt: skip


def test_the_prometheus_rules_are_those_that_are_tested():
    done = subprocess.run(
        [sys.executable, str(KUBERNETES / "generate-rules"), "--check"],
        capture_output=True, text=True,
    )  # fmt: skip
    source = REPOSITORY / "envoy" / "observability" / "rules.yaml"
    assert done.returncode == 0, done.stderr
    # Indenting has changed no expression.
    rules = yaml.safe_load((KUBERNETES / "base/platform/prometheus-rules.yaml").read_text())
    assert rules["spec"]["groups"] == yaml.safe_load(source.read_text())["groups"]


# The policy


@pytest.fixture
def policy_folder(built, tmp_path):
    for file, content in policy_files(built).items():
        (tmp_path / file).write_text(content)
    return tmp_path


def test_the_policy_is_a_good_one(policy_folder):
    done = subprocess.run(
        [str(BINARIES / "tollgate"), "check", str(policy_folder)], capture_output=True, text=True
    )
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr


def test_the_sidecars_arguments_and_settings_are_tollgates(built, name, tmp_path):
    """A policy that is not there ends it with 1; a flag or a setting that is wrong, with 2."""
    container, environment = sidecar(built), settings(built)
    password = tmp_path / "credentials"
    password.write_text("tollgate:word\n")
    assert ("TOLLGATE_SHIP" in environment) == (name in ("overlays/otlp", "overlays/deployment"))
    command = [str(BINARIES / "tollgate"), *container["args"]]
    command = [word.replace("/etc/limits-store/credentials", str(password)) for word in command]
    command[command.index("--policy=/etc/tollgate")] = "--policy=/nowhere"
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and "/nowhere" in done.stderr, done.stderr
    command.append("--no-such-flag")
    assert subprocess.run(command, env=environment, capture_output=True).returncode == 2


def test_nothing_that_an_operator_changes_is_an_argument(built):
    """An argument would win over the ConfigMap. What is left is what the pod's volumes and probes name."""
    flags = {word.partition("=")[0] for word in sidecar(built)["args"]}
    assert flags <= {"serve", "--policy", "--watch", "--listen", "--data", "--metrics", "--admin",
                     "--store-credentials"}  # fmt: skip
    assert {"TOLLGATE_RETAIN", "TOLLGATE_LEDGER_MAX_BYTES", "TOLLGATE_LEDGER_FULL",
            "TOLLGATE_DURABILITY", "TOLLGATE_MAX_BUFFER_BYTES", "TOLLGATE_DRAIN_TIMEOUT",
            "TOLLGATE_LOG_FORMAT"} <= settings(built).keys()  # fmt: skip


def test_lint_has_nothing_to_say(built, name, tmp_path):
    path = tmp_path / "built.yaml"
    path.write_text(text(name))
    done = subprocess.run(
        [str(BINARIES / "tollgate"), "lint", "--python", sys.executable, str(path)],
        capture_output=True, text=True,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0 and "0 errors, 0 warnings" in said, said


def routes_of(policy: dict[str, str]) -> set[str]:
    """Every model route that the policy can name."""
    found = set()
    for content in policy.values():
        found |= set(re.findall(r'\{ name: "([^"]+)"(?:, weight|, upstream_model| \})', content))
    return found - {"rpm", "tpm"}


# What belongs together


def rules(built):
    """Each HTTPRoute with each of its rules."""
    for route in of_kind(built, "HTTPRoute"):
        for rule in route["spec"]["rules"]:
            yield route, rule


def test_every_model_route_has_an_http_route_on_every_host_and_no_other(built):
    wanted = routes_of(policy_files(built))
    assert wanted
    for host in ("tenant-a.ai.example.com", "api.ai.example.com"):
        named = set()
        for route, rule in rules(built):
            for match in rule["matches"] if host in route["spec"]["hostnames"] else []:
                named |= {h["value"] for h in match.get("headers", [])
                          if h["name"] == "x-ai-model-route"}  # fmt: skip
        assert named == wanted, host


def test_a_route_to_a_model_matches_on_our_header_and_has_its_timeouts(built):
    for _, rule in rules(built):
        if "backendRefs" not in rule:
            continue
        for match in rule["matches"]:
            assert "x-ai-model-route" in [header["name"] for header in match["headers"]]
            assert match["path"]["type"] == "Exact"
            chat = match["path"]["value"] == "/v1/chat/completions"
            assert rule["timeouts"] == (
                {"request": "120s", "backendRequest": "115s"} if chat
                else {"request": "30s", "backendRequest": "25s"}
            )  # fmt: skip


def test_no_silence_within_a_routes_time_ends_a_request(built):
    """Envoy's idle timeout counts from the request on; an answer in one piece has no byte before its end."""
    services = {"chat-llama3-8b-v1": 1, "chat-llama3-8b-v2": 2, "embed-bge-small-v1": 3}
    place = envoy_gateway.Place(0, 0, "/tollgate.sock", services, "/dev/null")
    listener = envoy_gateway.bootstrap(built, place)["static_resources"]["listeners"][0]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    checked = 0
    for host in manager["route_config"]["virtual_hosts"]:
        for action in (route["route"] for route in host["routes"] if "route" in route):
            idle = action.get("idle_timeout", manager["stream_idle_timeout"])
            assert float(idle.removesuffix("s")) > float(action["timeout"].removesuffix("s"))
            checked += 1
    assert checked >= 4


def test_every_host_has_a_catch_all_of_its_own(built):
    """Envoy looks only at the most specific host, so a catch-all of another host does not help."""
    hosts = {host for route in of_kind(built, "HTTPRoute") for host in route["spec"]["hostnames"]}
    (listener,) = find(built, "Gateway", GATEWAY[1])["spec"]["listeners"]
    assert listener["hostname"] in hosts
    for host in hosts:
        assert fnmatch.fnmatch(host, listener["hostname"])
        catch_alls = [
            route for route, rule in rules(built)
            if host in route["spec"]["hostnames"] and "backendRefs" not in rule
            and rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/"}}]
        ]  # fmt: skip
        (route,) = catch_alls
        (filter_,) = route["spec"]["rules"][0]["filters"]
        answer = find(built, "HTTPRouteFilter", filter_["extensionRef"]["name"],
                      route["metadata"]["namespace"])["spec"]["directResponse"]  # fmt: skip
        assert answer["statusCode"] == 503
        assert json.loads(answer["body"]["inline"])["error"]["code"] == "no_route"


def test_every_reference_across_namespaces_is_granted_and_exists(built):
    grants = of_kind(built, "ReferenceGrant")
    for route, rule in rules(built):
        for ref in rule.get("backendRefs", []):
            kind = ref.get("kind", "Service")
            find(built, kind, ref["name"], ref["namespace"])
            assert any(
                grant["metadata"]["namespace"] == ref["namespace"]
                and any(f["namespace"] == route["metadata"]["namespace"]
                        for f in grant["spec"]["from"])
                and any((t["kind"], t["name"]) == (kind, ref["name"])
                        for t in grant["spec"]["to"])
                for grant in grants
            ), f"no grant for {route['metadata']['name']} to {ref['name']}"  # fmt: skip


def test_a_namespace_with_routes_may_attach_them(built):
    (listener,) = find(built, "Gateway", GATEWAY[1])["spec"]["listeners"]
    label = listener["allowedRoutes"]["namespaces"]["selector"]["matchLabels"]
    for route in of_kind(built, "HTTPRoute"):
        namespace = find(built, "Namespace", route["metadata"]["namespace"])
        assert label.items() <= namespace["metadata"]["labels"].items()
        (parent,) = route["spec"]["parentRefs"]
        assert (parent.get("namespace", route["metadata"]["namespace"]), parent["name"]) == GATEWAY


def test_the_sidecar_has_no_privileges_and_a_ledger_that_outlives_the_pod(built):
    pod, container = pod_spec(built), sidecar(built)
    assert container["restartPolicy"] == "Always"
    assert container["securityContext"] == {
        "runAsUser": 65532, "runAsGroup": 65532, "runAsNonRoot": True,
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"},
    }  # fmt: skip
    assert {"startupProbe", "readinessProbe", "livenessProbe", "resources"} <= set(container)
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    flags = dict(
        flag.removeprefix("--").split("=", 1) for flag in container["args"] if "=" in flag
    )
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    (ledger,) = [name for path, name in mounts.items() if flags["data"].startswith(path + "/")]
    assert "emptyDir" not in volumes[ledger]
    socket = flags["listen"].removeprefix("unix:")
    assert len(socket) <= 108
    backend = find(built, "Backend", "tollgate", "ai-gateway")
    assert backend["spec"]["endpoints"] == [{"unix": {"path": socket}}]
    (envoy,) = pod["containers"]
    shared = {mount["name"] for mount in envoy["volumeMounts"]} & set(mounts.values())
    assert [volumes[name]["emptyDir"]["medium"] for name in shared] == ["Memory"]


def test_bodies_fill_half_of_the_sidecars_memory_at_most(built):
    buffer = settings(built)["TOLLGATE_MAX_BUFFER_BYTES"]
    limit = sidecar(built)["resources"]["limits"]["memory"]
    assert 2 * envoy_gateway.quantity(buffer.removesuffix("B")) <= envoy_gateway.quantity(limit)


def test_a_ledgers_volume_is_one_pods_at_a_time(built, name):
    """The successor of a deleted pod would find the ledger's lock taken, and crash."""
    modes = [claim["spec"]["accessModes"] for claim in of_kind(built, "PersistentVolumeClaim")]
    modes += [
        volume["ephemeral"]["volumeClaimTemplate"]["spec"]["accessModes"]
        for volume in pod_spec(built)["volumes"] if "ephemeral" in volume
    ]  # fmt: skip
    assert modes == ([["ReadWriteOncePod"]] if proxy_kind(built)[0] == "Deployment" else [])


def test_draining_outlasts_the_longest_stream_and_the_pod_outlasts_draining(built):
    def seconds(text):
        return int(text.removesuffix("s"))

    longest = max(
        seconds(rule["timeouts"]["request"]) for _, rule in rules(built) if "timeouts" in rule
    )
    envoy = seconds(find(built, "EnvoyProxy", "ai-gateway")["spec"]["shutdown"]["drainTimeout"])
    own = seconds(settings(built)["TOLLGATE_DRAIN_TIMEOUT"])
    assert longest < envoy and longest < own
    assert envoy + own < pod_spec(built)["terminationGracePeriodSeconds"]


def test_calendar_budgets_stand_only_where_all_traffic_is_counted_together(built, name):
    calendar = [
        content for content in policy_files(built).values()
        if re.search(r'per: "(day|week|month)', content)
    ]  # fmt: skip
    assert bool(calendar) == (name == "single-replica" or shares_limits(built))
    kind, settings = proxy_kind(built)
    replicas = {"single-replica": 1, "overlays/deployment": 3}.get(name)
    assert (kind, settings.get("replicas")) == ("Deployment" if replicas else "DaemonSet", replicas)


def test_no_rollout_has_two_processes_on_one_ledger_or_takes_what_serves(built, name):
    """On every node, and with one claim, the old pod ends first; else the new one serves first."""
    _, settings = proxy_kind(built)
    strategy = settings["strategy"]
    volumes = pod_spec(built)["volumes"]
    if any("ephemeral" in volume for volume in volumes):
        assert strategy["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
        provider = find(built, "EnvoyProxy", "ai-gateway")["spec"]["provider"]["kubernetes"]
        assert provider["envoyPDB"] == {"maxUnavailable": 1}
    elif name == "single-replica":
        assert strategy == {"type": "Recreate"}
    else:
        assert strategy["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
        # Other nodes serve meanwhile: this one fails the load balancer's check while it drains.
        provider = find(built, "EnvoyProxy", "ai-gateway")["spec"]["provider"]["kubernetes"]
        assert provider["envoyService"]["externalTrafficPolicy"] == "Local"
    for probe in ("startupProbe", "readinessProbe"):
        assert sidecar(built)[probe]["httpGet"]["path"] == "/readyz"


def test_the_network_lets_the_gateway_reach_models_and_monitoring_reach_metrics(built):
    models = find(built, "NetworkPolicy", "models-from-gateway", "ai-models")["spec"]
    assert models["podSelector"] == {} and models["policyTypes"] == ["Ingress"]
    (rule,) = models["ingress"]
    assert rule["from"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ai-gateway"}}}
    ]
    assert [port["port"] for port in rule["ports"]] == [8000]
    pods = find(built, "NetworkPolicy", "gateway-pods", "ai-gateway")["spec"]
    (own,) = sidecar(built)["ports"]
    open_to_all = [r for r in pods["ingress"] if "from" not in r]
    assert own["containerPort"] not in [p["port"] for r in open_to_all for p in r["ports"]]
    (monitoring,) = [r for r in pods["ingress"] if "from" in r]
    assert own["containerPort"] in [port["port"] for port in monitoring["ports"]]


def test_every_model_keeps_a_replica_and_the_tenant_has_its_quota(built):
    services = {
        document["metadata"]["name"] for document in of_kind(built, "Service")
        if document["metadata"]["namespace"] == "ai-models"
        and not document["metadata"]["name"].endswith("-picker")
    }  # fmt: skip
    assert services == {"chat-llama3-8b-v1", "chat-llama3-8b-v2", "embed-bge-small-v1"}
    for service in services:
        budget = find(built, "PodDisruptionBudget", service, "ai-models")["spec"]
        assert budget == {"minAvailable": 1, "selector": {"matchLabels": {"app": service}}}
    assert find(built, "ResourceQuota", "tenant-a", "tenant-a")["spec"]["hard"] == {
        "requests.cpu": "20", "limits.cpu": "40", "requests.memory": "64Gi",
        "limits.memory": "128Gi", "pods": "50",
    }  # fmt: skip


def test_policies_stand_on_the_gateway_and_fail_closed(built, name):
    kinds = ["SecurityPolicy", "ClientTrafficPolicy"]
    kinds += [] if name == "overlays/ext-authz-only" else ["EnvoyExtensionPolicy"]
    for kind in kinds:
        (document,) = of_kind(built, kind)
        assert document["spec"]["targetRefs"] == [
            {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": GATEWAY[1]}
        ]
        assert document["metadata"]["namespace"] == GATEWAY[0]
    services = [find(built, "SecurityPolicy", "tollgate")["spec"]["extAuth"]]
    for document in of_kind(built, "EnvoyExtensionPolicy"):
        services += document["spec"]["extProc"]
    for service in services:
        assert service["failOpen"] is False and service["statusOnError"] == 503
        assert (service.get("timeout") or service.get("messageTimeout")) == "5s"
        settings = (service.get("grpc") or service)["backendSettings"]
        assert set(settings["circuitBreaker"].values()) == {2**31 - 1}


def test_the_tree_itself_names_no_key_of_the_demo():
    for path in KUBERNETES.rglob("*"):
        if path.is_file():
            assert "demo-key" not in path.read_text()
            if path.suffix == ".yaml":
                list(yaml.safe_load_all(path.read_text()))
