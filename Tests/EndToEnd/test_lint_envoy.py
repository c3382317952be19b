"""`tollgate lint` on plain Envoy configs: each row plants one mistake in the demo's."""

import copy
import functools
import json
import re

import pytest
import yaml

import harness
from lint_bench import Tree, checks, lint, manifests

DEMO_POLICY = harness.REPOSITORY / "envoy" / "policy.json5"


@functools.cache
def demo_config() -> dict:
    """The demo's Envoy config, filled in."""
    values = re.findall(r"\$\{([A-Z0-9_]+)\}", (harness.REPOSITORY / "envoy/envoy.yaml").read_text())
    text = (harness.REPOSITORY / "envoy/envoy.yaml").read_text()
    special = {
        "REQUEST_BODY_MODE": "BUFFERED", "RESPONSE_BODY_MODE": "STREAMED",
        "ACCESS_LOG": "/dev/null", "TOLLGATE_SOCKET": "/run/tollgate/tollgate.sock",
    }  # fmt: skip
    for name in set(values):
        text = text.replace(f"${{{name}}}", special.get(name, "10000"))
    return yaml.safe_load(text)


def manager(config: dict) -> dict:
    listener = config["static_resources"]["listeners"][0]
    return listener["filter_chains"][0]["filters"][0]["typed_config"]


def envoy_filter(config: dict, name: str) -> dict:
    return next(
        one["typed_config"] for one in manager(config)["http_filters"] if one["name"].endswith(name)
    )


def envoy_routes(config: dict) -> list[dict]:
    return manager(config)["route_config"]["virtual_hosts"][0]["routes"]


def envoy_route(config: dict, name: str) -> dict:
    return next(one for one in envoy_routes(config) if one["name"] == name)


def with_certificates(**validation):
    def plant(config):
        config["static_resources"]["listeners"][0]["filter_chains"][0]["transport_socket"] = {
            "name": "tls",
            "typed_config": {
                "require_client_certificate": True,
                "common_tls_context": {"validation_context": validation},
            },
        }

    return plant


def other_listener(**filter_config):
    """A listener of its own with one network filter."""

    def plant(config):
        config["static_resources"]["listeners"].append({
            "name": "other",
            "filter_chains": [{"filters": [{"name": "filter", "typed_config": filter_config}]}],
        })  # fmt: skip

    return plant


def with_jwt(config: dict, requires: dict) -> None:
    manager(config)["http_filters"].insert(0, {
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": {"i": {"issuer": "https://issuer.example.com"}},
            "rules": [{"match": {"prefix": "/"}, "requires": requires}],
        },
    })  # fmt: skip


TYPES = "type.googleapis.com/envoy.extensions.filters.network"
EMBED = "embed-bge-small-v1"
CHAT = "chat-llama3-8b-v1"
PLANTED_IN_ENVOY = {
    "chat and embeddings share a timeout": (
        lambda c: envoy_route(c, EMBED)["route"].update(timeout="120s"), "shared-timeout"),
    "no timeout": (lambda c: envoy_route(c, CHAT)["route"].pop("timeout"), "missing-timeout"),
    "an attempt outlives the request": (
        lambda c: envoy_route(c, EMBED)["route"]["retry_policy"].update(per_try_timeout="31s"),
        "backend-timeout"),
    "retries on a stream": (
        lambda c: envoy_route(c, f"{CHAT}-stream")["route"].update(retry_policy={"retry_on": "5xx"}),
        "retries-on-streams"),
    "retries of what an embedding's backend has had": (
        lambda c: envoy_route(c, EMBED)["route"]["retry_policy"].update(
            retry_on="connect-failure, reset"), "retries-repeat-work"),
    "retries of the virtual host": (
        lambda c: manager(c)["route_config"]["virtual_hosts"][0].update(
            retry_policy={"retry_on": "5xx"}), "retries-on-streams"),
    "an endless stream": (
        lambda c: envoy_route(c, f"{CHAT}-stream")["route"].pop("max_stream_duration"),
        "endless-stream"),
    "a catch-all that leads to a model": (
        lambda c: envoy_routes(c)[-1].update(route={"cluster": CHAT, "timeout": "9s"}),
        "route-without-model-header"),
    "a path for each model": (
        lambda c: envoy_route(c, CHAT)["match"].update(prefix="/llama3-8b/"),
        {"model-by-path", "unrouted-model"}),
    "a model without a route": (
        lambda c: [
            envoy_routes(c).remove(envoy_route(c, name)) for name in (CHAT, f"{CHAT}-stream")],
        "unrouted-model"),
    "the catch-all first": (
        lambda c: envoy_routes(c).insert(0, envoy_routes(c).pop()), "shadowed-route"),
    "ext_proc fails open": (
        lambda c: envoy_filter(c, "ext_proc").update(failure_mode_allow=True), "fail-open"),
    "ext_proc observes": (
        lambda c: envoy_filter(c, "ext_proc").update(observability_mode=True), "fail-open"),
    "ext_authz fails open": (
        lambda c: envoy_filter(c, "ext_authz").update(failure_mode_allow=True), "fail-open"),
    "the default message timeout": (
        lambda c: envoy_filter(c, "ext_proc").pop("message_timeout"), "default-message-timeout"),
    "the default timeout of ext_authz": (
        lambda c: envoy_filter(c, "ext_authz")["grpc_service"].pop("timeout"),
        "default-message-timeout"),
    "the default buffer": (
        lambda c: c["static_resources"]["listeners"][0].pop("per_connection_buffer_limit_bytes"),
        "buffer-limit"),
    "a buffer one byte too small": (
        lambda c: c["static_resources"]["listeners"][0].update(
            per_connection_buffer_limit_bytes=33554431), "buffer-limit"),
    "part of the body for ext_authz": (
        lambda c: envoy_filter(c, "ext_authz").update(
            with_request_body={"max_request_bytes": 33554432, "allow_partial_message": True}),
        "buffer-limit"),
    "circuit breakers at their default": (
        lambda c: c["static_resources"]["clusters"][0].pop("circuit_breakers"),
        "default-circuit-breakers"),
    "a streamed request body": (
        lambda c: envoy_filter(c, "ext_proc")["processing_mode"].update(
            request_body_mode="STREAMED"), "body-mode"),
    "no headers": (
        lambda c: envoy_filter(c, "ext_proc")["processing_mode"].update(
            response_header_mode="SKIP"), "body-mode"),
    "both ways streamed, and no trailers": (
        lambda c: envoy_filter(c, "ext_proc")["processing_mode"].update(
            request_body_mode="FULL_DUPLEX_STREAMED", request_trailer_mode="SKIP"), "body-mode"),
    "no namespace to write": (
        lambda c: envoy_filter(c, "ext_proc")["metadata_options"].pop("receiving_namespaces"),
        "metadata-namespaces"),
    "no response flags": (
        lambda c: envoy_filter(c, "ext_proc")["response_attributes"].remove("response.flags"),
        "attributes"),
    "ext_proc before ext_authz": (
        lambda c: manager(c)["http_filters"].insert(0, manager(c)["http_filters"].pop(1)),
        "filter-order"),
    "something behind the router": (
        lambda c: manager(c)["http_filters"].insert(0, manager(c)["http_filters"].pop()),
        "filter-order"),
    "nothing asks Tollgate": (
        lambda c: manager(c).update(http_filters=manager(c)["http_filters"][-1:]), "not-asked"),
    "ext_proc is off on a route": (
        lambda c: envoy_route(c, CHAT).update(
            typed_per_filter_config={"envoy.filters.http.ext_proc": {"disabled": True}}),
        "not-asked"),
    "a socket path that is too long": (
        lambda c: c["static_resources"]["clusters"][0]["load_assignment"]["endpoints"][0][
            "lb_endpoints"][0]["endpoint"]["address"]["pipe"].update(path="/" + "x" * 107),
        "socket"),
    "the endpoint picker's header": (
        lambda c: manager(c).pop("early_header_mutation_extensions"), "endpoint-header"),
    **{
        f"a model route by {title}": (
            lambda c, header=header: envoy_route(c, CHAT)["match"]["headers"].__setitem__(
                0, {"name": "x-ai-model-route"} | header), "open-model-route")
        for title, header in {
            "its presence": {"present_match": True},
            "an empty prefix": {"string_match": {"prefix": ""}},
            "an empty prefix, as it was": {"prefix_match": ""},
            "its beginning": {"string_match": {"prefix": "chat-"}},
            "a part of it": {"string_match": {"contains": "llama3"}},
            "a pattern": {"string_match": {"safe_regex": {"regex": "chat-.*"}}},
            "a pattern, as it was": {"safe_regex_match": {"regex": ".+"}},
            "what it is not": {"string_match": {"exact": "x"}, "invert_match": True},
        }.items()
    },
    "silence is cut on a route": (
        lambda c: envoy_route(c, CHAT)["route"].update(idle_timeout="119s"), "idle-timeout"),
    "silence is cut on every route": (
        lambda c: manager(c).update(stream_idle_timeout="60s"), "idle-timeout"),
    "no trailers of the request": (
        lambda c: envoy_filter(c, "ext_proc")["processing_mode"].update(
            request_trailer_mode="SKIP"), "body-mode"),
    "the default trailers of the request": (
        lambda c: envoy_filter(c, "ext_proc")["processing_mode"].pop("request_trailer_mode"),
        "body-mode"),
    "the route as the client chose it": (
        lambda c: envoy_filter(c, "ext_authz").update(clear_route_cache=False), "check-settings"),
    "headers joined with commas": (
        lambda c: envoy_filter(c, "ext_authz").pop("encode_raw_headers"), "check-settings"),
    "a check without the key's header": (
        lambda c: envoy_filter(c, "ext_authz").update(
            allowed_headers={"patterns": [{"exact": "authorization"}, {"prefix": "x-"}]}),
        "withheld-credentials"),
    "a key's header is held back": (
        lambda c: envoy_filter(c, "ext_authz").update(
            disallowed_headers={"patterns": [{"suffix": "-key"}]}), "withheld-credentials"),
    "JWTs or nobody": (
        lambda c: with_jwt(c, {"provider_name": "i"}), "jwt-shuts-keys-out"),
    "JWTs of two issuers or nobody": (
        lambda c: with_jwt(c, {"requires_any": {"requirements": [{"provider_name": "i"}]}}),
        "jwt-shuts-keys-out"),
    "no model in the log": (
        lambda c: manager(c)["access_log"][0]["typed_config"]["log_format"]["json_format"].pop(
            "model"), "log-labels"),
    "no tenant in the log": (
        lambda c: manager(c)["access_log"][0]["typed_config"]["log_format"]["json_format"].pop(
            "tenant"), "log-labels"),
    "certificates of any authority": (
        with_certificates(
            trusted_ca={"filename": "ca.pem"}, trust_chain_verification="ACCEPT_UNTRUSTED"),
        "untrusted-client-ca"),
    "no authority": (with_certificates(), "untrusted-client-ca"),
    "a TCP proxy to a model": (
        other_listener(**{"@type": f"{TYPES}.tcp_proxy.v3.TcpProxy", "cluster": CHAT}),
        "way-around"),
    "a TCP proxy to several": (
        other_listener(**{
            "@type": f"{TYPES}.tcp_proxy.v3.TcpProxy",
            "weighted_clusters": {"clusters": [{"name": "other"}, {"name": EMBED}]}}),
        "way-around"),
    "a listener that asks nobody": (
        other_listener(**{
            "@type": f"{TYPES}.http_connection_manager.v3.HttpConnectionManager",
            "route_config": {"virtual_hosts": [{"domains": ["*"], "routes": [
                {"match": {"prefix": "/"}, "route": {"cluster": CHAT}}]}]}}),
        "way-around"),
    "routes from elsewhere": (
        lambda c: manager(c).update(rds={"route_config_name": "r"}, route_config=None),
        "not-checked"),
    "some routes from elsewhere": (
        lambda c: [manager(c)["route_config"].update(vhds={}), envoy_routes(c).pop()],
        "not-checked"),
    "listeners from elsewhere": (
        lambda c: c.update(dynamic_resources={"lds_config": {"ads": {}}}), "not-checked"),
    "a filter from elsewhere": (
        lambda c: manager(c)["http_filters"].insert(0, {
            "name": "more", "config_discovery": {"config_source": {"ads": {}}}}), "not-checked"),
    "Tollgate's cluster from elsewhere": (
        lambda c: c["static_resources"]["clusters"].remove(next(
            one for one in c["static_resources"]["clusters"] if one["name"] == "tollgate")),
        "not-checked"),
}  # fmt: skip


@pytest.mark.parametrize("title", PLANTED_IN_ENVOY)
def test_a_planted_mistake_in_an_envoy_config_is_found(title, tmp_path):
    plant, expected = PLANTED_IN_ENVOY[title]
    config = copy.deepcopy(demo_config())
    plant(config)
    _, found, text = lint("-", "--json", "--policy", DEMO_POLICY, text=json.dumps(config))
    expected = {expected} if isinstance(expected, str) else expected
    assert expected <= checks(found), text
    assert checks(found, "error") <= expected, text


def test_the_demos_envoy_config_is_clean(tmp_path):
    status, found, text = lint("-", "--json", "--policy", DEMO_POLICY, text=json.dumps(demo_config()))
    assert (status, found) == (0, []), text
    trusted = copy.deepcopy(demo_config())
    with_certificates(trusted_ca={"filename": "ca.pem"})(trusted)
    assert lint("-", "--json", "--policy", DEMO_POLICY, text=json.dumps(trusted))[1] == []


RIGHT = {
    "a pattern that is a name": lambda c: envoy_route(c, CHAT)["match"]["headers"].__setitem__(
        0, {"name": "x-ai-model-route", "string_match": {"safe_regex": {"regex": CHAT}}}),
    "a name and its presence": lambda c: envoy_route(c, CHAT)["match"]["headers"].append(
        {"name": "x-ai-model-route", "present_match": True}),
    "silence as long as the answer": lambda c: envoy_route(c, CHAT)["route"].update(
        idle_timeout="120s"),
    "JWTs are one way among others": lambda c: with_jwt(c, {"requires_any": {"requirements": [
        {"provider_name": "i"}, {"allow_missing_or_failed": {}}]}}),
    "JWTs are verified where they are": lambda c: with_jwt(c, {"allow_missing": {}}),
    "every header of a key": lambda c: envoy_filter(c, "ext_authz").update(allowed_headers={
        "patterns": [{"exact": "authorization"}, {"safe_regex": {"regex": "(x-)?api-key"}}]}),
}  # fmt: skip


@pytest.mark.parametrize("title", RIGHT)
def test_what_is_odd_and_right_in_an_envoy_config_is_clean(title):
    config = copy.deepcopy(demo_config())
    RIGHT[title](config)
    _, found, text = lint("-", "--json", "--policy", DEMO_POLICY, text=json.dumps(config))
    assert found == [], text


def test_a_body_that_is_judged_alone_comes_byte_for_byte(tmp_path):
    policy = tmp_path / "policy.json5"
    text = Tree(manifests()).find("ConfigMap")["data"]["policy.json5"]
    policy.write_text(text.replace("version: 1,", 'version: 1, enforce_at: "ext_authz",'))
    config = copy.deepcopy(demo_config())
    body = {"max_request_bytes": 33554432}
    envoy_filter(config, "ext_authz")["with_request_body"] = body

    def messages() -> str:
        found = lint("-", "--json", "--policy", policy, text=json.dumps(config))[1]
        return "\n".join(one["message"] for one in found if one["check"] == "enforcement-point")

    assert "as text" in messages()
    body["pack_as_bytes"] = True
    assert "as text" not in messages()


def test_a_template_is_named_as_one():
    status, found, text = lint(harness.REPOSITORY / "envoy" / "envoy.yaml", "--json")
    assert status == 1 and checks(found) == {"broken-file"}, text
    assert found[0]["line"] and "template" in found[0]["remedy"]


def test_a_tcp_proxy_to_something_else_is_none_of_ours():
    config = copy.deepcopy(demo_config())
    proxy = {"@type": f"{TYPES}.tcp_proxy.v3.TcpProxy", "cluster": "database"}
    other_listener(**proxy)(config)
    found = lint("-", "--json", "--policy", DEMO_POLICY, text=json.dumps(config))[1]
    assert found == []
