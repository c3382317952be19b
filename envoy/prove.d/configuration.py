"""Envoy's configuration as it is given, and as it can be run on this machine's loopback.

Every cluster but Tollgate's leads to the recorder, listeners bind to 127.0.0.1 with a port for each
filter chain, TLS and xDS are gone. What decides about a request (filters, routes, overrides, limits)
stays as it was. What would have to be guessed is not: `NotProven` names the place and the reason.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

HTTP_MANAGER = "HttpConnectionManager"
PROTOCOL_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
ASKING_FILTERS = ("ExternalProcessor", "ExtProcPerRoute", "ExtAuthz", "ExtAuthzPerRoute")
# What of a cluster decides how a request gets there, beside its address.
KEPT_OF_A_CLUSTER = (
    "name", "connect_timeout", "circuit_breakers", "typed_extension_protocol_options",
    "http2_protocol_options", "per_connection_buffer_limit_bytes", "max_requests_per_connection",
)  # fmt: skip
KEPT_OF_A_LISTENER = ("per_connection_buffer_limit_bytes", "traffic_direction")
XDS_KEYS = ("ads", "api_config_source", "path_config_source")
INPUT_BYTES_MAX = 256 << 20


class NotProven(Exception):
    """Something of the configuration cannot be run here; `place` says where it is."""

    def __init__(self, place: str, reason: str):
        super().__init__(f"{place}: {reason}")


@dataclass
class Chain:
    """One filter chain with HTTP, on a port of its own."""

    name: str
    port: int
    # The route configuration, as Envoy has it.
    routes: dict = field(default_factory=dict)


@dataclass
class Prepared:
    """A configuration that runs here."""

    bootstrap: dict
    chains: list[Chain]
    # The clusters that requests are routed to; the others are asked, told or traced to.
    upstreams: set[str]
    # Ports of the recorder by cluster.
    ports: dict[str, int]
    tollgate_cluster: str
    notes: list[str]


def read(path: str, data: bytes) -> dict:
    """A bootstrap out of YAML or JSON; out of a config dump, what it was running with."""
    if len(data) > INPUT_BYTES_MAX:
        raise NotProven(path, f"larger than {INPUT_BYTES_MAX} bytes")
    try:
        tree = json.loads(data) if data.lstrip()[:1] == b"{" else yaml.safe_load(data)
    except (ValueError, yaml.YAMLError) as problem:
        raise NotProven(path, f"neither JSON nor YAML: {problem}") from None
    if not isinstance(tree, dict):
        raise NotProven(path, "not a bootstrap and not a config dump")
    if isinstance(tree.get("configs"), list):
        return _of_dump(path, tree["configs"])
    if "static_resources" not in tree:
        raise NotProven(path, "no static_resources: give a bootstrap, or what /config_dump answers")
    return tree


def type_of(value: object) -> str:
    """The last word of `@type`; empty where there is none."""
    kind = value.get("@type", "") if isinstance(value, dict) else ""
    return kind.rsplit(".", 1)[-1]


def walk(value: object, place: str = ""):
    """Every dictionary of a tree with its place, the outer ones first."""
    if isinstance(value, dict):
        yield place, value
        for key, inner in value.items():
            yield from walk(inner, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from walk(inner, f"{place}[{number}]")


def _of_dump(path: str, configs: list) -> dict:
    parts: dict[str, list[dict]] = {}
    for part in configs:
        parts.setdefault(type_of(part), []).append(part)

    def every(kind: str, *ways: tuple[str, ...]) -> list[dict]:
        found = []
        for dump in parts.get(kind, []):
            for first, *rest in ways:
                for entry in dump.get(first, []):
                    for key in rest:
                        entry = (entry or {}).get(key)
                    if entry:
                        found.append(entry)
        return found

    bootstrap = next((dump.get("bootstrap") for dump in parts.get("BootstrapConfigDump", [])), None) or {}
    static = bootstrap.get("static_resources", {})
    listeners = every("ListenersConfigDump", ("static_listeners", "listener"),
                      ("dynamic_listeners", "active_state", "listener"))  # fmt: skip
    clusters = every("ClustersConfigDump", ("static_clusters", "cluster"),
                     ("dynamic_active_clusters", "cluster"))  # fmt: skip
    routes = every("RoutesConfigDump", ("static_route_configs", "route_config"),
                   ("dynamic_route_configs", "route_config"))  # fmt: skip
    filters = every("EcdsConfigDump", ("ecds_filters", "ecds_filter"))
    if not listeners and not static.get("listeners"):
        raise NotProven(path, "the dump has no listeners: ask /config_dump without a filter")
    kept = {key: bootstrap[key] for key in ("node", "layered_runtime") if key in bootstrap}
    return kept | {
        "static_resources": {
            "listeners": listeners or static.get("listeners", []),
            "clusters": clusters or static.get("clusters", []),
        },
        "_routes": {one["name"]: one for one in routes if "name" in one},
        "_filters": {one["name"]: one for one in filters if "name" in one},
    }


def prepare(
    tree: dict, tollgate_socket: str, tollgate_cluster: str | None, access_log: str, port
) -> Prepared:
    """The configuration for this machine; `port()` gives a free port of loopback."""
    work = _Work(tree, access_log, port)
    work.listeners()
    work.google_grpc()
    cluster = tollgate_cluster or work.asked_cluster()
    if cluster not in work.clusters:
        raise NotProven("clusters", f"there is no cluster {cluster!r}, which should be Tollgate's")
    ports = work.replaced_clusters(cluster, tollgate_socket)
    result = work.bootstrap()
    for place, found in walk(result):
        for key in XDS_KEYS:
            if key in found:
                raise NotProven(place, f"{key}: it would come over xDS; give a config dump instead")
    upstreams = work.upstreams()
    return Prepared(result, work.chains, upstreams, ports, cluster, work.notes)


class _Work:
    """One configuration on its way."""

    def __init__(self, tree: dict, access_log: str, port):
        self.tree = json.loads(json.dumps(tree))
        self.static = self.tree.setdefault("static_resources", {})
        self.clusters = {
            one.get("name", ""): one for one in self.static.get("clusters") or []
        }
        self.access_log = access_log
        self.port = port
        self.chains: list[Chain] = []
        self.made: list[dict] = []
        self.notes: list[str] = []

    def listeners(self) -> None:
        for number, listener in enumerate(self.static.get("listeners") or []):
            name = listener.get("name", f"listeners[{number}]")
            if "api_listener" in listener:
                self.notes.append(f"{name}: an API listener, which no client reaches")
                continue
            chains = list(listener.get("filter_chains") or [])
            if "default_filter_chain" in listener:
                chains.append(listener["default_filter_chain"])
            if listener.get("filter_chain_matcher"):
                self.notes.append(f"{name}: each filter chain is tried; the matcher is not run")
            for index, chain in enumerate(chains):
                label = f"{name}, chain {index}" if len(chains) > 1 else name
                self._chain(label, listener, chain)
        if not self.chains:
            raise NotProven("listeners", "no filter chain was found")

    def _chain(self, label: str, listener: dict, chain: dict) -> None:
        found = Chain(label, self.port())
        for network_filter in chain.get("filters") or []:
            config = network_filter.get("typed_config") or {}
            if "config_discovery" in network_filter:
                raise NotProven(label, f"{network_filter.get('name')} comes over xDS")
            if type_of(config) == HTTP_MANAGER:
                self._manager(label, config)
                found.routes = config["route_config"]
            elif config:
                config.pop("access_log", None)
        filters = [
            one for one in listener.get("listener_filters") or []
            if "http_inspector" in one.get("name", "")
        ]  # fmt: skip
        self.made.append(
            {key: listener[key] for key in KEPT_OF_A_LISTENER if key in listener}
            | {
                "name": label,
                "address": loopback(found.port),
                "listener_filters": filters,
                "filter_chains": [{"filters": chain.get("filters") or []}],
            }
        )
        self.chains.append(found)

    def _manager(self, label: str, manager: dict) -> None:
        if "scoped_routes" in manager:
            raise NotProven(label, "scoped_routes are not read")
        if "rds" in manager:
            name = manager.pop("rds").get("route_config_name")
            routes = self.tree.get("_routes", {}).get(name)
            if routes is None:
                raise NotProven(label, f"the routes {name!r} come over xDS; give a config dump")
            manager["route_config"] = json.loads(json.dumps(routes))
        if "route_config" not in manager:
            raise NotProven(label, "it has no route_config")
        manager["route_config"].pop("validate_clusters", None)
        if manager["route_config"].get("vhds"):
            raise NotProven(label, "virtual hosts come over xDS (vhds)")
        for number, one in enumerate(manager.get("http_filters") or []):
            if "config_discovery" in one:
                known = self.tree.get("_filters", {}).get(one.get("name"))
                if known is None:
                    raise NotProven(label, f"http_filters[{number}] {one.get('name')} comes over xDS")
                one.pop("config_discovery")
                one["typed_config"] = known["typed_config"]
        if manager.get("codec_type") == "HTTP3":
            manager["codec_type"] = "AUTO"
        manager.pop("http3_protocol_options", None)
        # What is logged decides nothing; ours says which route and cluster were chosen.
        manager.pop("access_log_options", None)
        manager["access_log"] = [{
            "name": "prove",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                "path": self.access_log,
                "log_format": {"json_format": {
                    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%", "route": "%ROUTE_NAME%",
                    "cluster": "%UPSTREAM_CLUSTER%", "details": "%RESPONSE_CODE_DETAILS%",
                    "status": "%RESPONSE_CODE%",
                }},
            },
        }]  # fmt: skip

    def google_grpc(self) -> None:
        """A gRPC client of its own has no cluster to replace: it gets one."""
        for _, found in walk(self.made):
            if isinstance(target := found.get("google_grpc"), dict):
                name = f"google_grpc {target.get('target_uri', '')}"
                del found["google_grpc"]
                found["envoy_grpc"] = {"cluster_name": name}
                self.clusters[name] = {"name": name, "http2_protocol_options": {}}

    def asked_cluster(self) -> str:
        """The cluster that ext_proc and ext_authz ask; the one that is named for Tollgate of several."""
        asked = {}
        for _, found in walk(self.made):
            if type_of(found) in ASKING_FILTERS:
                for _, inner in walk(found):
                    if "cluster_name" in (inner.get("envoy_grpc") or {}):
                        asked[inner["envoy_grpc"]["cluster_name"]] = None
                    if "cluster" in (inner.get("server_uri") or {}):
                        asked[inner["server_uri"]["cluster"]] = None
        if not asked:
            raise NotProven("http_filters", "no ext_proc and no ext_authz is there: who asks Tollgate?")
        named = [name for name in asked if "tollgate" in name.lower()] or list(asked)
        if len(named) > 1:
            raise NotProven("clusters", f"which of {', '.join(named)} is Tollgate's? Say --cluster NAME")
        return named[0]

    def replaced_clusters(self, tollgate: str, socket: str) -> dict[str, int]:
        ports = {}
        for name, cluster in self.clusters.items():
            kept = {key: cluster[key] for key in KEPT_OF_A_CLUSTER if key in cluster}
            options = (kept.get("typed_extension_protocol_options") or {}).get(PROTOCOL_OPTIONS)
            if isinstance(options, dict) and "auto_config" in options:
                # Without TLS there is no ALPN to choose by.
                del options["auto_config"]
                options["explicit_http_config"] = {"http_protocol_options": {}}
            if isinstance(options, dict) and "use_downstream_protocol_config" in options:
                options["use_downstream_protocol_config"].pop("http3_protocol_options", None)
            if name == tollgate:
                address = {"pipe": {"path": socket}}
            else:
                ports[name] = self.port()
                address = loopback(ports[name])
            endpoint = {"endpoint": {"address": address}}
            kept |= {
                "type": "STATIC",
                "load_assignment": {
                    "cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}],
                },
            }  # fmt: skip
            kept.setdefault("connect_timeout", "2s")
            self.clusters[name] = kept
        return ports

    def upstreams(self) -> set[str]:
        names = set()
        for _, found in walk(self.made):
            if "cluster" in found and ("match" not in found):
                if isinstance(found["cluster"], str):
                    names.add(found["cluster"])
            if "cluster_header" in found or "cluster_specifier_plugin" in found:
                names |= set(self.clusters)
        asked = {
            inner["server_uri"]["cluster"]
            for _, inner in walk(self.made)
            if isinstance(inner.get("server_uri"), dict) and "cluster" in inner["server_uri"]
        }
        return (names - asked) & set(self.clusters)

    def bootstrap(self) -> dict:
        # The overload manager is left out: how much memory this machine has decides nothing.
        kept = {"node": self.tree.get("node") or {"id": "prove", "cluster": "prove"}}
        runtime = [
            layer for layer in (self.tree.get("layered_runtime") or {}).get("layers") or []
            if "static_layer" in layer
        ]  # fmt: skip
        if runtime:
            kept["layered_runtime"] = {"layers": runtime}
        return kept | {
            "static_resources": {
                "listeners": self.made, "clusters": list(self.clusters.values()),
                **({"secrets": self.static["secrets"]} if self.static.get("secrets") else {}),
            },
        }  # fmt: skip


def loopback(port: int) -> dict:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def route_values(chains: list[Chain]) -> dict[str, set[str] | None]:
    """Every value that a route of the configuration wants of x-ai-model-route, and the clusters that it
    leads to; None where a request decides that."""
    values: dict[str, set[str] | None] = {}
    for chain in chains:
        for _, found in walk(chain.routes):
            for header in (found.get("match") or {}).get("headers") or []:
                value = _exact_route(header)
                if value is not None:
                    known, more = values.get(value, set()), _clusters(found.get("route") or {})
                    values[value] = None if known is None or more is None else known | more
    return values


def _exact_route(header: dict) -> str | None:
    if str(header.get("name", "")).lower() != "x-ai-model-route" or header.get("invert_match"):
        return None
    exact = (header.get("string_match") or {}).get("exact") or header.get("exact_match")
    fits = isinstance(exact, str) and re.fullmatch(r"[A-Za-z0-9._/-]{1,128}", exact)
    return exact if fits else None


def _clusters(action: dict) -> set[str] | None:
    if "cluster" in action:
        return {action["cluster"]}
    parts = (action.get("weighted_clusters") or {}).get("clusters")
    if parts and all("name" in part for part in parts):
        return {part["name"] for part in parts}
    return None


def read_file(name: str, standard_input) -> bytes:
    return standard_input.read() if name == "-" else Path(name).read_bytes()
