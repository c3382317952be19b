"""Envoy Gateway's HTTP filters, as its policies ask for them."""

import re

from envoy_parts import SERVICE_TIMEOUT, SIDECAR, Place, any_of, seconds, taken
from manifests import find, of_kind

AUTHZ, JWT, PROC, ROUTER = (
    f"envoy.filters.http.{name}" for name in ("ext_authz", "jwt_authn", "ext_proc", "router")
)
BODY_MODES = {
    "Buffered": "BUFFERED", "BufferedPartial": "BUFFERED_PARTIAL", "Streamed": "STREAMED",
    "FullDuplexStreamed": "FULL_DUPLEX_STREAMED",
}  # fmt: skip
# What an EnvoyExtensionPolicy may ask for; anything else Envoy Gateway refuses.
ATTRIBUTES = re.compile(
    r"(request|response|source|destination|connection|upstream)\.[a-z0-9_]+|"
    r"xds\.(node|upstream_[a-z_]+|listener_[a-z_]+|route_[a-z_]+|virtual_host_[a-z_]+|"
    r"filter_chain_name)"
)


def security_policy(documents: list[dict]) -> dict:
    policy = find(documents, "SecurityPolicy", "tollgate")["spec"]
    return taken(policy, "targetRefs", "extAuth", "jwt")


def extension_policy(documents: list[dict]) -> dict | None:
    found = of_kind(documents, "EnvoyExtensionPolicy")
    if not found:
        return None
    (policy,) = found
    (service,) = taken(policy["spec"], "targetRefs", "extProc")["extProc"]
    return service


def http_filters(documents: list[dict], place: Place) -> list[dict]:
    """Each but the router is off, and switched on by the routes."""
    security = security_policy(documents)
    filters = [{"name": AUTHZ, "disabled": True, "typed_config": _authz(security["extAuth"])}]
    if "jwt" in security:
        filters.append({"name": JWT, "typed_config": _jwt(security["jwt"], place)})
    if extension := extension_policy(documents):
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
        # Only in this mode may a manifest ask for trailers; Envoy then requires it to.
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


def filter_switches(documents: list[dict]) -> dict:
    """What every route under the Gateway has, because the policies stand on the Gateway."""
    on = {AUTHZ: any_of("extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute",
                        check_settings={})}  # fmt: skip
    if "jwt" in security_policy(documents):
        on[JWT] = any_of("extensions.filters.http.jwt_authn.v3.PerRouteConfig",
                         requirement_name="all")  # fmt: skip
    if extension_policy(documents):
        on[PROC] = any_of("config.route.v3.FilterConfig", config={})
    return on
