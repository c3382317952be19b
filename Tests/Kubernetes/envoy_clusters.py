"""Envoy's clusters: Tollgate's sidecar, and one for each rule of an HTTPRoute."""

from envoy_filters import extension_policy, security_policy
from envoy_parts import BUFFER_BYTES, SIDECAR, Place, any_of, loopback, quantity, seconds, taken
from envoy_routes import rule_name, traffic_policy
from manifests import find, of_kind


def _breakers(settings: dict) -> dict:
    names = {"maxConnections": "max_connections", "maxPendingRequests": "max_pending_requests",
             "maxParallelRequests": "max_requests", "maxParallelRetries": "max_retries"}  # fmt: skip
    taken(settings, *names)
    return {
        "thresholds": [{theirs: settings.get(ours, 1024) for ours, theirs in names.items()}]
    }


def clusters_of(documents: list[dict], place: Place) -> list[dict]:
    clusters = [_sidecar(documents, place)]
    for route in of_kind(documents, "HTTPRoute"):
        for index, rule in enumerate(route["spec"]["rules"]):
            if "backendRefs" in rule:
                clusters.append(_cluster(documents, place, route, index, rule))
    return clusters


def _sidecar(documents: list[dict], place: Place) -> dict:
    """Both filters' service; their settings must be the same to share a cluster."""
    authz = security_policy(documents)["extAuth"]["grpc"]
    settings = authz["backendSettings"]
    if extension := extension_policy(documents):
        assert extension["backendSettings"] == settings
        assert extension["backendRefs"] == authz["backendRefs"]
    (reference,) = authz["backendRefs"]
    backend = find(documents, reference["kind"], reference["name"])["spec"]
    (endpoint,) = backend["endpoints"]
    assert len(endpoint["unix"]["path"]) <= 108 and len(place.tollgate_socket) <= 108
    http2 = taken(
        settings.get("http2", {}), "initialStreamWindowSize", "initialConnectionWindowSize",
        "connectionKeepalive",
    )  # fmt: skip
    options = {
        "initial_stream_window_size": quantity(http2.get("initialStreamWindowSize", "64Ki")),
        "initial_connection_window_size": quantity(
            http2.get("initialConnectionWindowSize", "1Mi")
        ),
    }
    if alive := http2.get("connectionKeepalive"):
        options["connection_keepalive"] = {
            "interval": seconds(alive["interval"]), "timeout": seconds(alive["timeout"]),
        }  # fmt: skip
    return {
        "name": SIDECAR,
        "type": "STATIC",
        "connect_timeout": seconds(settings["timeout"]["tcp"]["connectTimeout"]),
        "circuit_breakers": _breakers(settings["circuitBreaker"]),
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": any_of(
                "extensions.upstreams.http.v3.HttpProtocolOptions",
                explicit_http_config={"http2_protocol_options": options},
            )
        },
        "load_assignment": _endpoints(
            SIDECAR, [(1, {"pipe": {"path": place.tollgate_socket}})]
        ),
    }


def _cluster(documents, place: Place, route: dict, index: int, rule: dict) -> dict:
    """One for each rule; its Services are localities with weights."""
    traffic = traffic_policy(documents, route)
    tcp = traffic.get("timeout", {}).get("tcp", {})
    places = []
    for reference in rule["backendRefs"]:
        taken(reference, "name", "namespace", "port", "weight", "kind", "group")
        service = find(documents, reference.get("kind", "Service"), reference["name"],
                       reference["namespace"])  # fmt: skip
        places.append(
            (reference.get("weight", 1), loopback(place.services[service["metadata"]["name"]]))
        )
    return {
        "name": rule_name(route, index),
        "type": "STATIC",
        "lb_policy": "LEAST_REQUEST",
        "common_lb_config": {"locality_weighted_lb_config": {}},
        "connect_timeout": seconds(tcp.get("connectTimeout", "10s")),
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "circuit_breakers": _breakers(traffic.get("circuitBreaker", {})),
        "load_assignment": _endpoints(rule_name(route, index), places),
    }


def _endpoints(name: str, places: list[tuple[int, dict]]) -> dict:
    return {
        "cluster_name": name,
        "endpoints": [
            {"locality": {"region": f"{name}/backend/{number}"}, "load_balancing_weight": weight,
             "lb_endpoints": [{"endpoint": {"address": address}}]}
            for number, (weight, address) in enumerate(places)
        ],
    }  # fmt: skip
