"""What Envoy Gateway makes of the manifests: Envoy's bootstrap, written anew from its documented rules.

Only the fields that our manifests use are known; an unknown one is an error, so that nothing of a
manifest is silently left out of a test. What Envoy Gateway sets by itself is set here too: the order of
the filters (ext_authz, jwt_authn, ext_proc, router), each switched on route by route; normalised paths;
routes by specificity; its defaults for windows, timeouts and retries.

Differences to a cluster: clusters and routes are static instead of xDS, Services are ports of this
machine, and TLS is only there where a test asks for it.
"""

from envoy_clusters import clusters_of
from envoy_filters import http_filters
from envoy_parts import BUFFER_BYTES, Place, any_of, loopback, quantity, seconds, taken
from envoy_routes import virtual_hosts
from manifests import find

PATH_ACTIONS = {
    "KeepUnchanged": "KEEP_UNCHANGED", "RejectRequest": "REJECT_REQUEST",
    "UnescapeAndForward": "UNESCAPE_AND_FORWARD", "UnescapeAndRedirect": "UNESCAPE_AND_REDIRECT",
}  # fmt: skip
UNDERSCORES = {"Allow": "ALLOW", "RejectRequest": "REJECT_REQUEST", "DropHeader": "DROP_HEADER"}


def bootstrap(documents: list[dict], place: Place) -> dict:
    """The whole configuration, ready to be written as JSON."""
    return {
        "node": {"id": "gateway", "cluster": "gateway"},
        "admin": {"address": loopback(place.admin)},
        "static_resources": {
            "listeners": [_listener(documents, place)],
            "clusters": clusters_of(documents, place),
        },
    }


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
        "address": loopback(place.listener),
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
    http1 = taken(policy.get("http1", {}), "enableTrailers", "http10")
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
        http_filters=http_filters(documents, place),
        route_config={
            "name": "ai-gateway/ai-shared-gateway/https",
            "ignore_port_in_host_matching": True,
            "virtual_hosts": virtual_hosts(documents, listener),
        },
    )
    options = {}
    if http1.get("enableTrailers"):
        options["enable_trailers"] = True
    if "http10" in http1:
        taken(http1["http10"])
        options["accept_http_10"] = True
    if options:
        manager["http_protocol_options"] = options
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
