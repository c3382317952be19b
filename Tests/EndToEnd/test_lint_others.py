"""`tollgate lint` on what others write: other gateways, meshes, pickers, authorizers. What asks nobody of
ours is neither a mistake nor a reason to be silent."""

import pytest
import yaml

from lint_bench import checks, lint

HTTP = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
FILTERS = "type.googleapis.com/envoy.extensions.filters.http"


def resource(api: str, kind: str, spec: dict, **more) -> list[dict]:
    return [{"apiVersion": api, "kind": kind, "metadata": {"name": "x", "namespace": "infra"}, "spec": spec} | more]


def envoy(*filters: dict, clusters: tuple = ()) -> list[dict]:
    """A plain Envoy in front of one backend."""
    return [{"static_resources": {
        "listeners": [{
            "name": "in", "address": {"socket_address": {"address": "0.0.0.0", "port_value": 8000}},
            "filter_chains": [{"filters": [{"name": "http", "typed_config": {
                "@type": HTTP, "stat_prefix": "in", "http_filters": [*filters],
                "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
                    {"match": {"prefix": "/"}, "route": {"cluster": "backend"}}]}]},
            }}]}],
        }],
        "clusters": [{"name": name} for name in ("backend", *clusters)],
    }}]  # fmt: skip


def asks(kind: str, cluster: str, **settings) -> dict:
    short = {"ExternalProcessor": "ext_proc", "ExtAuthz": "ext_authz"}[kind]
    return {"name": f"envoy.filters.http.{short}", "typed_config": {
        "@type": f"{FILTERS}.{short}.v3.{kind}",
        "grpc_service": {"envoy_grpc": {"cluster_name": cluster}}} | settings}  # fmt: skip


def gateway(*policies: dict, route: dict | None = None) -> list[dict]:
    """A Gateway of Envoy Gateway's with a route."""
    spec = route or {"rules": [{"backendRefs": [{"name": "backend", "port": 3000}]}]}
    return [
        *resource("gateway.networking.k8s.io/v1", "Gateway", {
            "gatewayClassName": "eg", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]}),
        *resource("gateway.networking.k8s.io/v1", "HTTPRoute", {"parentRefs": [{"name": "x"}]} | spec),
        *policies,
    ]  # fmt: skip


def policy(kind: str, **spec) -> dict:
    target = {"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "x"}]}
    return resource("gateway.envoyproxy.io/v1alpha1", kind, target | spec)[0]


GATEWAY_REF = [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "shared"}]
BODIES = {"processing_mode": {"request_body_mode": "FULL_DUPLEX_STREAMED",
          "request_trailer_mode": "SEND", "response_body_mode": "FULL_DUPLEX_STREAMED"}}  # fmt: skip
PATCH = {"operation": "INSERT_BEFORE", "value": asks("ExternalProcessor", "outbound|9002||epp")}

OTHERS = {
    # kgateway and agentgateway
    "kgateway's GatewayExtension": resource(
        "gateway.kgateway.dev/v1alpha1", "GatewayExtension",
        {"type": "ExtProc", "extProc": {"grpcService": {"backendRef": {"name": "p", "port": 9002}}}}),
    "kgateway's ext_authz extension": resource(
        "gateway.kgateway.dev/v1alpha1", "GatewayExtension",
        {"type": "ExtAuth", "extAuth": {"grpcService": {"backendRef": {"name": "opa", "port": 9191}}}}),
    "kgateway's TrafficPolicy": resource(
        "gateway.kgateway.dev/v1alpha1", "TrafficPolicy",
        {"targetRefs": GATEWAY_REF, "extProc": {"extensionRef": {"name": "p"}}}),
    "agentgateway's policy": resource(
        "agentgateway.dev/v1alpha1", "AgentgatewayPolicy",
        {"targetRefs": GATEWAY_REF, "traffic": {"extProc": {"backendRef": {"name": "p"}}}}),
    "agentgateway's policy with ext_authz": resource(
        "agentgateway.dev/v1alpha1", "AgentgatewayPolicy",
        {"targetRefs": GATEWAY_REF, "traffic": {"extAuth": {"grpc": {}, "backendRef": {"name": "p"}}}}),
    "agentgateway's own file": [{"binds": [{"port": 3000, "listeners": [{"routes": [
        {"policies": {"extAuthz": {"host": "localhost:9000"}}, "backends": [{"host": "b:80"}]}]}]}]}],
    "agentgateway's file with a processor": [{"binds": [{"port": 3000, "listeners": [{"routes": [
        {"policies": {"extProc": {"host": "localhost:9000"}}, "backends": [{"host": "b:80"}]}]}]}]}],
    # Istio
    "an EnvoyFilter with ext_proc": resource(
        "networking.istio.io/v1alpha3", "EnvoyFilter",
        {"configPatches": [{"applyTo": "HTTP_FILTER", "patch": PATCH}]}),
    "an EnvoyFilter with Lua": resource(
        "networking.istio.io/v1alpha3", "EnvoyFilter", {"configPatches": [{
            "applyTo": "HTTP_FILTER", "patch": {"operation": "INSERT_BEFORE", "value": {
                "name": "envoy.filters.http.lua"}}}]}),
    "an AuthorizationPolicy that asks": resource(
        "security.istio.io/v1", "AuthorizationPolicy",
        {"action": "CUSTOM", "provider": {"name": "opa"}, "rules": [{}]}),
    "a WasmPlugin": resource(
        "extensions.istio.io/v1alpha1", "WasmPlugin", {"url": "oci://example.com/auth:1"}),
    "Istio's mesh with a provider": resource("install.istio.io/v1alpha1", "IstioOperator", {
        "meshConfig": {"extensionProviders": [{"name": "opa", "envoyExtAuthzGrpc": {
            "service": "opa.opa.svc", "port": 9191}}]}}),
    "Istio's mesh in a ConfigMap": resource("v1", "ConfigMap", {}, data={
        "mesh": "extensionProviders:\n- name: opa\n  envoyExtAuthzGrpc: { service: opa, port: 9191 }\n"}),
    # Google Cloud
    "a GCPTrafficExtension": resource(
        "networking.gke.io/v1", "GCPTrafficExtension",
        {"targetRefs": GATEWAY_REF, "extensionChains": [{"extensions": [{"name": "p"}]}]}),
    "a GCPRoutingExtension": resource(
        "networking.gke.io/v1", "GCPRoutingExtension", {"targetRefs": GATEWAY_REF}),
    # Contour, Kuadrant, Envoy AI Gateway
    "Contour's ExtensionService": resource(
        "projectcontour.io/v1alpha1", "ExtensionService", {"services": [{"name": "p", "port": 9002}]}),
    "Kuadrant's AuthPolicy": resource(
        "kuadrant.io/v1", "AuthPolicy", {"targetRef": GATEWAY_REF[0], "rules": {}}),
    "an AI gateway's own routes": resource(
        "aigateway.envoyproxy.io/v1alpha1", "AIGatewayRoute",
        {"parentRefs": GATEWAY_REF, "rules": [{"backendRefs": [{"name": "openai"}]}]}),
    # Envoy Gateway with somebody else's service
    "a Gateway that asks OPA": gateway(policy(
        "SecurityPolicy", extAuth={"grpc": {"backendRefs": [{"name": "opa", "port": 9191}]}})),
    "a Gateway that asks over HTTP": gateway(policy(
        "SecurityPolicy", extAuth={"http": {"backendRefs": [{"name": "ext-auth", "port": 9002}]}})),
    "a Gateway with a processor of headers": gateway(policy(
        "EnvoyExtensionPolicy", extProc=[{"backendRefs": [{"name": "grpc-ext-proc", "port": 9002}],
            "processingMode": {"request": {}, "response": {}}}])),
    "a Gateway with a processor of bodies": gateway(policy(
        "EnvoyExtensionPolicy", extProc=[{"backendRefs": [{"name": "guard", "port": 9002}],
            "processingMode": {"request": {"body": "Buffered"}}}])),
    "a Gateway with JWT": gateway(policy("SecurityPolicy", jwt={"providers": [{"name": "a"}]})),
    "a Gateway alone": gateway(),
    "a Gateway to an InferencePool": gateway(route={"rules": [{"backendRefs": [
        {"group": "inference.networking.k8s.io", "kind": "InferencePool", "name": "llama"}]}]}),
    # Plain Envoy with somebody else's service
    "an Envoy with an endpoint picker": envoy(asks("ExternalProcessor", "epp", **BODIES), clusters=("epp",)),
    "an Envoy that lets its picker fail": envoy(
        asks("ExternalProcessor", "ext_proc", failure_mode_allow=True, **BODIES)),
    "an Envoy with OPA": envoy(asks("ExtAuthz", "opa-envoy", failure_mode_allow=True)),
    "an Envoy with OPA and bodies": envoy(
        asks("ExtAuthz", "ext-authz", with_request_body={"max_request_bytes": 8192})),
    "an Envoy with a picker and OPA": envoy(
        asks("ExtAuthz", "opa"), asks("ExternalProcessor", "epp", **BODIES)),
    "an Envoy that asks nobody": envoy(),
    "an Envoy with its listeners elsewhere": [{"dynamic_resources": {"lds_config": {"ads": {}}}}],
    "an Envoy in a ConfigMap": resource("v1", "ConfigMap", {}, data={
        "envoy.yaml": yaml.safe_dump(envoy(asks("ExternalProcessor", "epp", **BODIES))[0])}),
    "listeners in a file of their own": [{"resources": [{
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        **envoy(asks("ExtAuthz", "opa"))[0]["static_resources"]["listeners"][0]}]}],
}  # fmt: skip


@pytest.mark.parametrize("title", OTHERS)
def test_what_is_others_is_not_checked_and_not_wrong(title, tmp_path):
    file = tmp_path / "manifest.yaml"
    file.write_text(yaml.safe_dump_all(OTHERS[title]))
    status, found, text = lint(file, "--json")
    assert (status, checks(found)) == (1, {"not-checked"}), text
    assert lint(file, "--ignore", "not-checked")[0] == 0


def test_nothing_at_all_is_not_checked(tmp_path):
    (tmp_path / "values.yaml").write_text("replicas: 3\n")
    (tmp_path / "empty").mkdir()
    for path in (tmp_path, tmp_path / "values.yaml", tmp_path / "empty"):
        status, found, text = lint(path, "--json")
        assert (status, checks(found)) == (1, {"not-checked"}), text
    assert lint("-", text="")[0] == 1


def test_a_file_of_another_kind_is_told_only_where_it_is_named(tmp_path):
    (tmp_path / "values.yaml").write_text("replicas: 3\n")
    service = resource("v1", "Service", {"ports": [{"port": 80}]})
    (tmp_path / "service.yaml").write_text(yaml.safe_dump_all(service))
    assert lint(tmp_path)[0] == 0
    assert lint(tmp_path / "service.yaml", tmp_path / "values.yaml")[0] == 1


SILENT = {
    "a definition of custom resources": [{
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "x"}, "spec": {"extProc": {"extAuth": {}}}}],
    "a policy of backends": resource("gateway.networking.k8s.io/v1", "BackendTLSPolicy", {}),
    "an AuthorizationPolicy by itself": resource(
        "security.istio.io/v1", "AuthorizationPolicy", {"action": "ALLOW", "rules": [{}]}),
    "a PodMonitor": resource("monitoring.coreos.com/v1", "PodMonitor", {"selector": {}}),
    "a workload": resource("apps/v1", "Deployment", {"replicas": 1}),
}  # fmt: skip


@pytest.mark.parametrize("title", SILENT)
def test_what_changes_no_filter_is_passed_over(title, tmp_path):
    file = tmp_path / "manifest.yaml"
    file.write_text(yaml.safe_dump_all(SILENT[title]))
    status, found, text = lint(file, "--json")
    assert (status, found) == (0, []), text
