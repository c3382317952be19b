"""Envoy's bootstrap for a bench: the shipped `envoy/envoy.yaml`, with what a test varies changed.

Filters, limits, timeouts and the answer to a request without a verdict are the shipped ones. Replaced
are the routes and clusters (the bench's own policy has others), and whatever `EnvoyOptions` names.
"""

import copy
import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

TEMPLATE = Path(__file__).resolve().parents[2] / "envoy" / "envoy.yaml"
PREFIX = "type.googleapis.com/envoy.extensions"
JWT_AUTHN = f"{PREFIX}.filters.http.jwt_authn.v3.JwtAuthentication"
TLS_DOWNSTREAM = f"{PREFIX}.transport_sockets.tls.v3.DownstreamTlsContext"


@dataclass
class EnvoyOptions:
    """What a test may change; None keeps what envoy/envoy.yaml has."""

    filters: tuple[str, ...] = ("ext_authz", "ext_proc")
    request_body_mode: str = "BUFFERED"
    response_body_mode: str = "STREAMED"
    trailer_mode: str | None = None
    authz_body_bytes: int | None = None
    authz_raw_body: bool = True
    encode_raw_headers: bool | None = None
    buffer_bytes: int | None = None
    # Sanitized binaries on a busy machine need longer than is shipped.
    message_timeout: str | None = None
    jwks: str | None = None
    issuer: str = ""
    # (server certificate, server key, client CA), as PEM file names
    tls: tuple[str, str, str] | None = None
    # Not in the shipped configuration. A gateway that also carries WebSockets has it; then Tollgate, not
    # Envoy, must refuse upgrades.
    upgrades: tuple[str, ...] = ("websocket",)
    # What the edge removes Tollgate removes too: without the edge's hand the tests see Tollgate's.
    edge_removes: bool = False
    # `max_headers_count` of requests and answers. The hygiene tests send every spelling of every name at
    # once; the bench's policy says the same number. None keeps the shipped one.
    headers_max: int | None = 1000
    # `max_request_headers_kb`; likewise.
    headers_kb: int | None = 96
    route_timeout: str = "120s"


@dataclass
class Place:
    """Where things listen."""

    listener: int
    admin: int
    tollgate_socket: str
    clusters: dict[str, int] = field(default_factory=dict)
    access_log: str = "/dev/null"


def bootstrap(options: EnvoyOptions, place: Place) -> dict:
    """The whole bootstrap, ready to be written as JSON."""
    config = _template(options, place)
    resources = config["static_resources"]
    listener = resources["listeners"][0]
    if options.buffer_bytes is not None:
        listener["per_connection_buffer_limit_bytes"] = options.buffer_bytes
    chain = listener["filter_chains"][0]
    manager = chain["filters"][0]["typed_config"]
    if options.headers_kb is not None:
        manager["max_request_headers_kb"] = options.headers_kb
    if not options.edge_removes:
        del manager["early_header_mutation_extensions"]
    manager["upgrade_configs"] = [{"upgrade_type": name} for name in options.upgrades]
    manager["http_filters"] = _filters(manager["http_filters"], options)
    host = manager["route_config"]["virtual_hosts"][0]
    host["routes"] = [
        _route(name, options.route_timeout) for name in place.clusters
    ] + [host["routes"][-1]]
    log = manager["access_log"][0]["typed_config"]["log_format"]["json_format"]
    log |= {"id": "%REQ(X-TEST-ID)%", "tollgate": "%DYNAMIC_METADATA(tollgate)%"}
    sidecar, model = resources["clusters"][:2]
    if options.headers_max is not None:
        [protocol] = model["typed_extension_protocol_options"].values()
        for part in (manager, protocol):
            part["common_http_protocol_options"]["max_headers_count"] = options.headers_max
    resources["clusters"] = [sidecar] + [
        _cluster(model, name, port) for name, port in place.clusters.items()
    ]
    if options.tls:
        chain["transport_socket"] = _tls(*options.tls)
    return config


def _template(options: EnvoyOptions, place: Place) -> dict:
    values = {
        "LISTEN_PORT": place.listener,
        "ADMIN_PORT": place.admin,
        "TOLLGATE_SOCKET": place.tollgate_socket,
        "ACCESS_LOG": place.access_log,
        "ENVOY_HEAP_BYTES": 3 << 30,
        "REQUEST_BODY_MODE": options.request_body_mode,
        "RESPONSE_BODY_MODE": options.response_body_mode,
    }
    # The ports of the template's own clusters are not used.
    return yaml.safe_load(
        re.sub(
            r"\$\{([A-Z0-9_]+)\}",
            lambda name: str(values.get(name[1], 1)),
            "\n".join(
                line for line in TEMPLATE.read_text().splitlines() if not line.startswith("#")
            ),
        )
    )


def _filters(shipped: list[dict], options: EnvoyOptions) -> list[dict]:
    by_name = {entry["name"].rsplit(".", 1)[1]: entry for entry in shipped}
    authz, proc = by_name["ext_authz"]["typed_config"], by_name["ext_proc"]["typed_config"]
    if options.message_timeout:
        authz["grpc_service"]["timeout"] = options.message_timeout
        proc["message_timeout"] = options.message_timeout
    if options.trailer_mode:
        proc["processing_mode"]["request_trailer_mode"] = options.trailer_mode
        proc["processing_mode"]["response_trailer_mode"] = options.trailer_mode
    if options.encode_raw_headers is not None:
        authz["encode_raw_headers"] = options.encode_raw_headers
    if options.authz_body_bytes is not None:
        authz["with_request_body"] = {
            "max_request_bytes": options.authz_body_bytes,
            "allow_partial_message": True,
            "pack_as_bytes": options.authz_raw_body,
        }
    if options.jwks:
        by_name["jwt"] = _jwt_authn(options.jwks, options.issuer)
    return [by_name[name] for name in options.filters] + [by_name["router"]]


def _jwt_authn(jwks: str, issuer: str) -> dict:
    provider = {
        "issuer": issuer, "forward": True, "payload_in_metadata": "jwt",
        "local_jwks": {"inline_string": jwks},
    }  # fmt: skip
    any_of = {"requirements": [{"provider_name": "test"}, {"allow_missing_or_failed": {}}]}
    return {
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": JWT_AUTHN,
            "providers": {"test": provider},
            "rules": [{"match": {"prefix": "/"}, "requires": {"requires_any": any_of}}],
        },
    }


def _route(name: str, timeout: str) -> dict:
    header = {"name": "x-ai-model-route", "string_match": {"exact": name}}
    return {
        "name": name,
        "match": {"prefix": "/", "headers": [header]},
        "route": {"cluster": name, "timeout": timeout},
    }


def _cluster(shipped: dict, name: str, port: int) -> dict:
    cluster = copy.deepcopy(shipped)
    cluster["name"] = cluster["load_assignment"]["cluster_name"] = name
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    cluster["load_assignment"]["endpoints"] = [
        {"lb_endpoints": [{"endpoint": {"address": address}}]}
    ]
    return cluster


def _tls(certificate: str, key: str, client_ca: str) -> dict:
    pair = {"certificate_chain": {"filename": certificate}, "private_key": {"filename": key}}
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": TLS_DOWNSTREAM,
            "require_client_certificate": True,
            "common_tls_context": {
                "tls_certificates": [pair],
                "validation_context": {"trusted_ca": {"filename": client_ca}},
            },
        },
    }
