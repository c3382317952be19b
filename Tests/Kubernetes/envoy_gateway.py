"""What Envoy Gateway makes of the manifests: Envoy's bootstrap, written anew from its documented rules.

Only the fields that our manifests use are known; an unknown one is an error, so that nothing of a
manifest is silently left out of a test. What Envoy Gateway sets by itself is set here too: the order of
the filters (ext_authz, jwt_authn, ext_proc, router), each switched on route by route; normalised paths;
routes by specificity; its defaults for windows, timeouts and retries.

Differences to a cluster: clusters and routes are static instead of xDS, Services are ports of this
machine, and TLS is only there where a test asks for it.
"""

import re
from dataclasses import dataclass, field

from manifests import find, of_kind

TYPE = "type.googleapis.com/envoy."
EXTENSIONS = f"{TYPE}extensions"
AUTHZ, JWT, PROC, ROUTER = (
    f"envoy.filters.http.{name}" for name in ("ext_authz", "jwt_authn", "ext_proc", "router")
)
SIDECAR = "tollgate"
# Envoy Gateway's own: seconds for a service that is asked, and what a connection may hold.
SERVICE_TIMEOUT, BUFFER_BYTES = "10s", 32768
PATH_ACTIONS = {
    "KeepUnchanged": "KEEP_UNCHANGED", "RejectRequest": "REJECT_REQUEST",
    "UnescapeAndForward": "UNESCAPE_AND_FORWARD", "UnescapeAndRedirect": "UNESCAPE_AND_REDIRECT",
}  # fmt: skip
BODY_MODES = {
    "Buffered": "BUFFERED", "BufferedPartial": "BUFFERED_PARTIAL", "Streamed": "STREAMED",
    "FullDuplexStreamed": "FULL_DUPLEX_STREAMED",
}  # fmt: skip
UNDERSCORES = {"Allow": "ALLOW", "RejectRequest": "REJECT_REQUEST", "DropHeader": "DROP_HEADER"}
# What an EnvoyExtensionPolicy may ask for; anything else Envoy Gateway refuses.
ATTRIBUTES = re.compile(
    r"(request|response|source|destination|connection|upstream)\.[a-z0-9_]+|"
    r"xds\.(node|upstream_[a-z_]+|listener_[a-z_]+|route_[a-z_]+|virtual_host_[a-z_]+|"
    r"filter_chain_name)"
)


@dataclass
class Place:
    """Where things are on this machine."""

    listener: int
    admin: int
    tollgate_socket: str
    services: dict[str, int]
    access_log: str
    # The keys that the manifest fetches from its issuer.
    jwks: str | None = None
    # (certificate, key, CA of clients), as files; the listener has TLS when given.
    tls: tuple[str, str, str] | None = None
    # More members of the access log's format.
    log: dict[str, str] = field(default_factory=dict)


def bootstrap(documents: list[dict], place: Place) -> dict:
    """The whole configuration, ready to be written as JSON."""
    return {
        "node": {"id": "gateway", "cluster": "gateway"},
        "admin": {"address": _address(place.admin)},
        "static_resources": {
            "listeners": [_listener(documents, place)],
            "clusters": _clusters(documents, place),
        },
    }


def taken(fields: dict, *known: str) -> dict:
    """The fields, none of which may be one that is not known here."""
    unknown = set(fields) - set(known)
    assert not unknown, f"this translation does not know {sorted(unknown)}"
    return fields


def quantity(value: int | str) -> int:
    """Kubernetes' quantities, as far as sizes go."""
    digits, unit = re.fullmatch(r"(\d+)(Ki|Mi|Gi)?", str(value)).groups()
    return int(digits) * {None: 1, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}[unit]


def seconds(duration: str) -> str:
    """Envoy's spelling of a duration: seconds with a fraction."""
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h)", duration).groups()
    return f"{int(number) * {'ms': 1, 's': 1000, 'm': 60_000, 'h': 3_600_000}[unit] / 1000:g}s"


def any_of(kind: str, **fields) -> dict:
    return {"@type": TYPE + kind} | fields


def _address(port: int) -> dict:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


# The listener


def _listener(documents: list[dict], place: Place) -> dict:
    gateway = find(documents, "Gateway", "ai-shared-gateway")
    (listener,) = gateway["spec"]["listeners"]
    policy = taken(
        find(documents, "ClientTrafficPolicy", "ai-shared-gateway")["spec"],
        "targetRefs", "connection", "headers", "path", "http1", "http2", "timeout", "tls",
    )  # fmt: skip
    connection = taken(policy.get("connection", {}), "bufferLimit")
    chain = {
        "filters": [
            {"name": "envoy.filters.network.http_connection_manager",
             "typed_config": _manager(documents, place, policy, listener)}
        ]
    }  # fmt: skip
    if place.tls:
        chain["transport_socket"] = _tls(policy.get("tls", {}), place.tls)
    return {
        "name": "ai-gateway/ai-shared-gateway/https",
        "address": _address(place.listener),
        "per_connection_buffer_limit_bytes": quantity(connection.get("bufferLimit", BUFFER_BYTES)),
        "filter_chains": [chain],
    }


def _tls(policy: dict, files: tuple[str, str, str]) -> dict:
    certificate, key, client_ca = files
    taken(policy, "minVersion", "clientValidation")
    context = {
        "tls_certificates": [
            {"certificate_chain": {"filename": certificate}, "private_key": {"filename": key}}
        ],
        "alpn_protocols": ["h2", "http/1.1"],
    }
    socket = any_of("extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                    common_tls_context=context)  # fmt: skip
    if "minVersion" in policy:
        version = policy["minVersion"].replace(".", "_")
        context["tls_params"] = {"tls_minimum_protocol_version": f"TLSv{version}"}
    if validation := policy.get("clientValidation"):
        taken(validation, "optional", "caCertificateRefs")
        assert validation["caCertificateRefs"]
        socket["require_client_certificate"] = not validation.get("optional", False)
        context["validation_context"] = {"trusted_ca": {"filename": client_ca}}
    return {"name": "envoy.transport_sockets.tls", "typed_config": socket}


def _manager(documents: list[dict], place: Place, policy: dict, listener: dict) -> dict:
    headers = taken(
        policy.get("headers", {}), "earlyRequestHeaders", "withUnderscoresAction", "requestID",
        "xForwardedClientCert",
    )  # fmt: skip
    path = taken(policy.get("path", {}), "disableMergeSlashes", "escapedSlashesAction")
    http1 = taken(policy.get("http1", {}), "enableTrailers")
    http2 = taken(
        policy.get("http2", {}), "maxConcurrentStreams", "initialStreamWindowSize",
        "initialConnectionWindowSize",
    )  # fmt: skip
    timeout = taken(policy.get("timeout", {}), "http").get("http", {})
    taken(
        timeout, "requestHeadersReceivedTimeout", "requestReceivedTimeout", "streamIdleTimeout",
        "idleTimeout",
    )  # fmt: skip
    manager = any_of(
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="https-443",
        codec_type="AUTO",
        server_header_transformation="PASS_THROUGH",
        use_remote_address=True,
        normalize_path=True,
        merge_slashes=not path.get("disableMergeSlashes", False),
        path_with_escaped_slashes_action=PATH_ACTIONS[
            path.get("escapedSlashesAction", "UnescapeAndRedirect")
        ],
        common_http_protocol_options={
            "headers_with_underscores_action": UNDERSCORES[
                headers.get("withUnderscoresAction", "RejectRequest")
            ]
        },
        http2_protocol_options={
            "max_concurrent_streams": http2.get("maxConcurrentStreams", 100),
            "initial_stream_window_size": quantity(http2.get("initialStreamWindowSize", "64Ki")),
            "initial_connection_window_size": quantity(
                http2.get("initialConnectionWindowSize", "1Mi")
            ),
        },
        forward_client_cert_details={"Sanitize": "SANITIZE"}[
            headers.get("xForwardedClientCert", {}).get("mode", "Sanitize")
        ],
        access_log=_access_log(documents, place),
        http_filters=_filters(documents, place),
        route_config={
            "name": "ai-gateway/ai-shared-gateway/https",
            "ignore_port_in_host_matching": True,
            "virtual_hosts": _hosts(documents, listener),
        },
    )
    if http1.get("enableTrailers"):
        manager["http_protocol_options"] = {"enable_trailers": True}
    if (action := headers.get("requestID")) is not None:
        manager["generate_request_id"] = {"Generate": True}[action]
        manager["preserve_external_request_id"] = False
    for ours, theirs in [
        ("requestHeadersReceivedTimeout", "request_headers_timeout"),
        ("requestReceivedTimeout", "request_timeout"),
        ("streamIdleTimeout", "stream_idle_timeout"),
    ]:
        if ours in timeout:
            manager[theirs] = seconds(timeout[ours])
    if "idleTimeout" in timeout:
        manager["common_http_protocol_options"]["idle_timeout"] = seconds(timeout["idleTimeout"])
    if early := headers.get("earlyRequestHeaders"):
        manager["early_header_mutation_extensions"] = [_early_mutation(early)]
    return manager


def _early_mutation(early: dict) -> dict:
    mutations = []
    for matcher in taken(early, "removeOnMatch")["removeOnMatch"]:
        assert matcher["type"] == "RegularExpression"
        mutations.append(
            {"remove_on_match": {"key_matcher": {"safe_regex": {"regex": matcher["value"]}}}}
        )
    return {
        "name": "envoy.http.early_header_mutation.header_mutation",
        "typed_config": any_of(
            "extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
            mutations=mutations,
        ),
    }


def _access_log(documents: list[dict], place: Place) -> list[dict]:
    log = find(documents, "EnvoyProxy", "ai-gateway")["spec"]["telemetry"]["accessLog"]
    (setting,) = log["settings"]
    (sink,) = setting["sinks"]
    assert setting["format"]["type"] == "JSON" and sink["type"] == "File"
    return [
        {
            "name": "envoy.access_loggers.file",
            "typed_config": any_of(
                "extensions.access_loggers.file.v3.FileAccessLog",
                path=place.access_log,
                log_format={"json_format": setting["format"]["json"] | place.log},
            ),
        }
    ]


# Filters


def _security(documents: list[dict]) -> dict:
    policy = find(documents, "SecurityPolicy", "tollgate")["spec"]
    return taken(policy, "targetRefs", "extAuth", "jwt")


def _extension(documents: list[dict]) -> dict | None:
    found = of_kind(documents, "EnvoyExtensionPolicy")
    if not found:
        return None
    (policy,) = found
    (service,) = taken(policy["spec"], "targetRefs", "extProc")["extProc"]
    return service


def _filters(documents: list[dict], place: Place) -> list[dict]:
    """Each but the router is off, and switched on by the routes."""
    security = _security(documents)
    filters = [{"name": AUTHZ, "disabled": True, "typed_config": _authz(security["extAuth"])}]
    if "jwt" in security:
        filters.append({"name": JWT, "typed_config": _jwt(security["jwt"], place)})
    if extension := _extension(documents):
        filters.append({"name": PROC, "disabled": True, "typed_config": _proc(extension)})
    router = any_of("extensions.filters.http.router.v3.Router", suppress_envoy_headers=True)
    return [*filters, {"name": ROUTER, "typed_config": router}]


def _authz(settings: dict) -> dict:
    taken(settings, "grpc", "failOpen", "statusOnError", "timeout", "recomputeRoute",
          "bodyToExtAuth")  # fmt: skip
    config = any_of(
        "extensions.filters.http.ext_authz.v3.ExtAuthz",
        transport_api_version="V3",
        grpc_service={"envoy_grpc": {"cluster_name": SIDECAR},
                      "timeout": seconds(settings.get("timeout", SERVICE_TIMEOUT))},
        failure_mode_allow=settings.get("failOpen", False),
        clear_route_cache=settings.get("recomputeRoute", False),
    )  # fmt: skip
    if "statusOnError" in settings:
        config["status_on_error"] = {"code": settings["statusOnError"]}
    if body := settings.get("bodyToExtAuth"):
        config["with_request_body"] = {"max_request_bytes": body["maxRequestBytes"]}
    return config


def _jwt(settings: dict, place: Place) -> dict:
    taken(settings, "failOpen", "providers")
    providers = {}
    for provider in settings["providers"]:
        taken(provider, "name", "issuer", "audiences", "remoteJWKS")
        providers[provider["name"]] = {
            "issuer": provider["issuer"],
            "audiences": provider.get("audiences", []),
            # The manifest's keys come from the issuer; here they are given.
            "local_jwks": {"inline_string": place.jwks},
            "payload_in_metadata": provider["name"],
            "normalize_payload_in_metadata": {"space_delimited_claims": ["scope"]},
            "forward": True,
        }
    needs = [{"provider_name": name} for name in providers]
    if settings.get("failOpen"):
        needs.append({"allow_missing_or_failed": {}})
    requirement = needs[0] if len(needs) == 1 else {"requires_any": {"requirements": needs}}
    return any_of(
        "extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        providers=providers, requirement_map={"all": requirement},
    )  # fmt: skip


def _proc(settings: dict) -> dict:
    taken(settings, "backendRefs", "backendSettings", "failOpen", "statusOnError",
          "messageTimeout", "processingMode", "metadata")  # fmt: skip
    mode = taken(settings["processingMode"], "allowModeOverride", "request", "response")
    sent = {f"{way}_{part}_mode": "SKIP" for way in ("request", "response")
            for part in ("header", "trailer")}  # fmt: skip
    for way in ("request", "response"):
        if way not in mode:
            continue
        sent[f"{way}_header_mode"] = "SEND"
        if "body" in taken(mode[way], "body", "attributes"):
            sent[f"{way}_body_mode"] = BODY_MODES[mode[way]["body"]]
        # Trailers are a manifest's to ask for in this mode only, where Envoy demands them.
        if mode[way].get("body") == "FullDuplexStreamed":
            sent[f"{way}_trailer_mode"] = "SEND"
        for attribute in mode[way].get("attributes", []):
            assert ATTRIBUTES.fullmatch(attribute), f"{attribute} is not to be had"
    metadata = taken(settings.get("metadata", {}), "accessibleNamespaces", "writableNamespaces")
    config = any_of(
        "extensions.filters.http.ext_proc.v3.ExternalProcessor",
        grpc_service={"envoy_grpc": {"cluster_name": SIDECAR}, "timeout": SERVICE_TIMEOUT},
        failure_mode_allow=settings.get("failOpen", False),
        processing_mode=sent,
        allow_mode_override=mode.get("allowModeOverride", False),
        request_attributes=mode["request"].get("attributes", []),
        response_attributes=mode["response"].get("attributes", []),
        metadata_options={
            "forwarding_namespaces": {"untyped": metadata.get("accessibleNamespaces", [])},
            "receiving_namespaces": {"untyped": metadata.get("writableNamespaces", [])},
        },
    )
    if "messageTimeout" in settings:
        config["message_timeout"] = seconds(settings["messageTimeout"])
    if "statusOnError" in settings:
        config["status_on_error"] = {"code": settings["statusOnError"]}
    return config


def _switches(documents: list[dict]) -> dict:
    """What every route under the Gateway has, because the policies stand on the Gateway."""
    on = {AUTHZ: any_of("extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute",
                        check_settings={})}  # fmt: skip
    if "jwt" in _security(documents):
        on[JWT] = any_of("extensions.filters.http.jwt_authn.v3.PerRouteConfig",
                         requirement_name="all")  # fmt: skip
    if _extension(documents):
        on[PROC] = any_of("config.route.v3.FilterConfig", config={})
    return on


# Routes


def _hosts(documents: list[dict], listener: dict) -> list[dict]:
    """A virtual host for each host name; Envoy chooses one and looks no further."""
    hosts: dict[str, list] = {}
    for route in of_kind(documents, "HTTPRoute"):
        spec = taken(route["spec"], "parentRefs", "hostnames", "rules")
        for host in spec.get("hostnames", [listener["hostname"]]):
            for index, rule in enumerate(spec["rules"]):
                for number, match in enumerate(rule["matches"]):
                    hosts.setdefault(host, []).append(
                        (_specificity(match), _route(documents, route, index, rule, number, match))
                    )
    return [
        {"name": host, "domains": [host],
         "routes": [route for _, route in sorted(routes, key=lambda r: r[0], reverse=True)]}
        for host, routes in hosts.items()
    ]  # fmt: skip


def _specificity(match: dict) -> tuple:
    """Gateway API: an exact path, then the longest prefix, then the most headers."""
    path = match.get("path", {"type": "PathPrefix", "value": "/"})
    return path["type"] == "Exact", len(path["value"]), len(match.get("headers", []))


def _name(route: dict, index: int) -> str:
    place = route["metadata"]
    return f"httproute/{place['namespace']}/{place['name']}/rule/{index}"


def _route(documents, route: dict, index: int, rule: dict, number: int, match: dict) -> dict:
    taken(rule, "name", "matches", "timeouts", "backendRefs", "filters")
    path = match.get("path", {"type": "PathPrefix", "value": "/"})
    if path["type"] == "Exact":
        found = {"path": path["value"]}
    elif path["value"] == "/":
        found = {"prefix": "/"}
    else:
        found = {"path_separated_prefix": path["value"].rstrip("/")}
    found["headers"] = [
        {"name": header["name"], "string_match": {"exact": header["value"]}}
        for header in match.get("headers", [])
    ]
    result = {
        "name": f"{_name(route, index)}/match/{number}",
        "match": found,
        "typed_per_filter_config": _switches(documents),
    }
    if "filters" in rule:
        (reference,) = rule["filters"]
        answer = find(documents, "HTTPRouteFilter", reference["extensionRef"]["name"],
                      route["metadata"]["namespace"])["spec"]["directResponse"]  # fmt: skip
        return result | {
            "direct_response": {"status": answer["statusCode"],
                                "body": {"inline_string": answer["body"]["inline"]}},
            "response_headers_to_add": [
                {"header": {"key": "content-type", "value": answer["contentType"]},
                 "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
            ],
        }  # fmt: skip
    return result | {"route": _action(documents, route, index, rule)}


def _traffic(documents: list[dict], route: dict) -> dict:
    """The route's own policy, or else the Gateway's: one replaces the other."""
    for policy in of_kind(documents, "BackendTrafficPolicy"):
        for target in policy["spec"]["targetRefs"]:
            if (target["kind"], target["name"]) == ("HTTPRoute", route["metadata"]["name"]):
                assert policy["metadata"]["namespace"] == route["metadata"]["namespace"]
                return policy["spec"]
    return find(documents, "BackendTrafficPolicy", "ai-shared-gateway")["spec"]


def _action(documents: list[dict], route: dict, index: int, rule: dict) -> dict:
    traffic = taken(_traffic(documents, route), "targetRefs", "retry", "timeout", "circuitBreaker")
    action = {
        "cluster": _name(route, index),
        "upgrade_configs": [{"upgrade_type": "websocket"}],
    }
    timeouts = taken(rule.get("timeouts", {}), "request", "backendRequest")
    # A rule without a `retry` of its own: the backend's timeout is the route's.
    timeout = timeouts.get("backendRequest", timeouts.get("request"))
    if timeout:
        action["timeout"] = seconds(timeout)
        action["idle_timeout"] = "3600s"
    http = taken(traffic.get("timeout", {}), "http", "tcp").get("http", {})
    if "streamIdleTimeout" in taken(http, "streamIdleTimeout"):
        action["idle_timeout"] = seconds(http["streamIdleTimeout"])
    if retry := traffic.get("retry"):
        action["retry_policy"] = _retry(retry)
    return action


def _retry(retry: dict) -> dict:
    taken(retry, "numRetries", "retryOn", "perRetry")
    when = taken(retry.get("retryOn", {}), "triggers", "httpStatusCodes")
    triggers = when.get("triggers", ["connect-failure", "refused-stream", "unavailable",
                                     "cancelled", "retriable-status-codes"])  # fmt: skip
    policy = {
        "retry_on": ",".join(triggers),
        "num_retries": retry.get("numRetries", 2),
        "retriable_status_codes": when.get("httpStatusCodes", [503]),
        "host_selection_retry_max_attempts": 5,
        "retry_host_predicate": [
            {"name": "envoy.retry_host_predicates.previous_hosts",
             "typed_config": any_of(
                 "extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate")}
        ],
    }  # fmt: skip
    each = taken(retry.get("perRetry", {}), "timeout", "backOff")
    if "timeout" in each:
        policy["per_try_timeout"] = seconds(each["timeout"])
    if "backOff" in each:
        policy["retry_back_off"] = {
            "base_interval": seconds(each["backOff"]["baseInterval"]),
            "max_interval": seconds(each["backOff"]["maxInterval"]),
        }
    return policy


# Clusters


def _breakers(settings: dict) -> dict:
    names = {"maxConnections": "max_connections", "maxPendingRequests": "max_pending_requests",
             "maxParallelRequests": "max_requests", "maxParallelRetries": "max_retries"}  # fmt: skip
    taken(settings, *names)
    return {
        "thresholds": [{theirs: settings.get(ours, 1024) for ours, theirs in names.items()}]
    }


def _clusters(documents: list[dict], place: Place) -> list[dict]:
    clusters = [_sidecar(documents, place)]
    for route in of_kind(documents, "HTTPRoute"):
        for index, rule in enumerate(route["spec"]["rules"]):
            if "backendRefs" in rule:
                clusters.append(_cluster(documents, place, route, index, rule))
    return clusters


def _sidecar(documents: list[dict], place: Place) -> dict:
    """Both filters' service; their settings must be the same to share a cluster."""
    authz = _security(documents)["extAuth"]["grpc"]
    settings = authz["backendSettings"]
    if extension := _extension(documents):
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
    traffic = _traffic(documents, route)
    tcp = traffic.get("timeout", {}).get("tcp", {})
    places = []
    for reference in rule["backendRefs"]:
        taken(reference, "name", "namespace", "port", "weight", "kind", "group")
        service = find(documents, reference.get("kind", "Service"), reference["name"],
                       reference["namespace"])  # fmt: skip
        places.append(
            (reference.get("weight", 1), _address(place.services[service["metadata"]["name"]]))
        )
    return {
        "name": _name(route, index),
        "type": "STATIC",
        "lb_policy": "LEAST_REQUEST",
        "common_lb_config": {"locality_weighted_lb_config": {}},
        "connect_timeout": seconds(tcp.get("connectTimeout", "10s")),
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "circuit_breakers": _breakers(traffic.get("circuitBreaker", {})),
        "load_assignment": _endpoints(_name(route, index), places),
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
