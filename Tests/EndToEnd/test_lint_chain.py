"""`tollgate lint` judges what Envoy makes of its configuration on each route, and so does `envoy/prove`.

Each row plants one mistake in the demo's configuration. Where the real Envoy can show it, `prove` runs on
the same configuration: both object to it, and both are content with the clean one (`test_prove.py`)."""

import copy
import json
import subprocess
import sys

import pytest
import yaml

import harness
import test_prove
from lint_bench import checks, lint
from test_lint_envoy import (
    CHAT, DEMO_POLICY, EMBED, demo_config, envoy_filter, envoy_route, envoy_routes, manager,
)  # fmt: skip
from test_prove import CHECKS, OVERRIDES, catch_all, cluster, no_check, prove

PROC, AUTH = "envoy.filters.http.ext_proc", "envoy.filters.http.ext_authz"
FILTER_CONFIG = "type.googleapis.com/envoy.config.route.v3.FilterConfig"


def planted(*steps) -> dict:
    config = copy.deepcopy(demo_config())
    for step in steps:
        step(config)
    return config


def judged(config: dict, *arguments) -> list[dict]:
    return lint("-", "--json", "--policy", DEMO_POLICY, *arguments, text=json.dumps(config))[1]


def host(config: dict) -> dict:
    return manager(config)["route_config"]["virtual_hosts"][0]


def overridden(place, name: str = PROC, wrapped: bool = False, **overrides):
    """Settings of a filter at a place of the routes."""

    def plant(config):
        key = "overrides" if name == PROC else "check_settings"
        setting = {"@type": OVERRIDES if name == PROC else CHECKS, key: overrides}
        if wrapped:
            setting = {"@type": FILTER_CONFIG, "config": setting}
        place(config).setdefault("typed_per_filter_config", {})[name] = setting

    return plant


def switched(place, disabled: bool, name: str = PROC):
    def plant(config):
        place(config).setdefault("typed_per_filter_config", {})[name] = {
            "@type": FILTER_CONFIG, "config": {}, "disabled": disabled,
        }  # fmt: skip

    return plant


def disabled_filter(config: dict) -> None:
    next(one for one in manager(config)["http_filters"] if one["name"] == PROC)["disabled"] = True


def of_filter(name: str, **settings):
    return lambda config: envoy_filter(config, name).update(settings)


def chat(config: dict) -> dict:
    return envoy_route(config, CHAT)


def weighted(config: dict) -> dict:
    """The second of the chat route's clusters."""
    action = chat(config)["route"]
    name = action.pop("cluster")
    one = {"name": name, "weight": 50}
    action["weighted_clusters"] = {"clusters": [one, dict(one)]}
    return action["weighted_clusters"]["clusters"][1]


def protocol(**options):
    """The protocol of Tollgate's cluster."""

    def plant(config):
        cluster(config, "tollgate").pop("http2_protocol_options", None)
        cluster(config, "tollgate")["typed_extension_protocol_options"] = {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            } | options
        }  # fmt: skip

    return plant


def patterns(*names: str) -> dict:
    return {"patterns": [{"exact": name} for name in names]}


SENT = [":method", ":path", ":authority", "content-type", "content-length", "authorization",
        "x-api-key", "api-key"]  # fmt: skip
OTHER = {"envoy_grpc": {"cluster_name": EMBED}}
OWN_HEADERS = "(x-ai-|x-gateway-|x-llm-d-).*|content-length|authorization|x-api-key|api-key"

# (what is planted, the check that finds it, whether the real Envoy shows it too)
PLANTED_IN_CHAIN = {
    "a virtual host fails open": (
        [no_check, overridden(host, failure_mode_allow=True)], "fail-open", True),
    "one of two weighted clusters fails open": (
        [no_check, overridden(weighted, failure_mode_allow=True)], "fail-open", False),
    "the route configuration fails open": (
        [no_check, overridden(lambda c: manager(c)["route_config"], failure_mode_allow=True)],
        "fail-open", False),
    "a wrapped override fails open": (
        [no_check, overridden(chat, wrapped=True, failure_mode_allow=True)], "fail-open", True),
    "disabled, and enabled on the model's route only": (
        [no_check, disabled_filter, switched(chat, False)], "not-asked", False),
    "a route takes the filter out": ([no_check, switched(chat, True)], "not-asked", True),
    "the virtual host takes the filter out": (
        [no_check, switched(host, True)], "not-asked", True),
    "another service for the model's route": (
        [no_check, overridden(chat, grpc_service=OTHER)], "not-asked", False),
    "another service for the host": (
        [no_check, overridden(host, grpc_service=OTHER)], "not-asked", False),
    "upgrades with filters of their own": (
        [lambda c: manager(c).update(upgrade_configs=[{
            "upgrade_type": "websocket", "filters": manager(c)["http_filters"][-1:]}])],
        "not-asked", False),
    "ext_authz is off on the catch-all": (
        [lambda c: catch_all(c).update(typed_per_filter_config={
            AUTH: {"@type": CHECKS, "disabled": True}})], "not-asked", False),
    "a streamed body on the host": (
        [overridden(host, processing_mode={
            "request_body_mode": "STREAMED", "response_body_mode": "STREAMED"})],
        "body-mode", True),
    "no body on the model's route": (
        [overridden(chat, processing_mode={"request_body_mode": "NONE"})], "body-mode", False),
    "HTTP/1 in the cluster": (
        [protocol(explicit_http_config={"http_protocol_options": {}})], "wrong-protocol", True),
    "no protocol that is said": ([protocol()], "wrong-protocol", False),
    "ext_authz over HTTP on a route": (
        [overridden(catch_all, AUTH, grpc_service=None), of_filter(
            "ext_authz", grpc_service=None, http_service={"server_uri": {
                "uri": "http://tollgate", "cluster": "tollgate", "timeout": "1s"}})],
        "wrong-protocol", False),
    "an expression against the route's header": (
        [of_filter("ext_proc", mutation_rules={
            "disallow_expression": {"regex": "x-ai-.*"}})], "ignored-decision", True),
    "all but another header may not be changed": (
        [of_filter("ext_proc", mutation_rules={
            "disallow_all": True, "allow_expression": {"regex": "x-other"}})],
        "ignored-decision", True),
    "the key may not be taken away": (
        [of_filter("ext_proc", mutation_rules={
            "disallow_expression": {"regex": "authorization|cookie"}})],
        "ignored-decision", False),
    "the route's cache is kept": (
        [of_filter("ext_proc", disable_clear_route_cache=True)], "ignored-decision", True),
    "no answers of the processor's": (
        [of_filter("ext_proc", disable_immediate_response=True)], "ignored-decision", False),
    "the key is held back": (
        [no_check, of_filter(
            "ext_proc", forward_rules={"disallowed_headers": patterns("authorization")})],
        "withheld-credentials", True),
    "the path is not among what is sent": (
        [of_filter("ext_proc", forward_rules={"allowed_headers": patterns(*SENT[2:])})],
        "withheld-credentials", True),
    "the content type is held back": (
        [of_filter("ext_proc", forward_rules={"disallowed_headers": patterns("content-type")})],
        "withheld-credentials", False),
    "a route sends copies": (
        [lambda c: chat(c)["route"].update(request_mirror_policies=[{"cluster": EMBED}])],
        "mirrored-prompts", True),
    "a host sends copies": (
        [lambda c: host(c).update(request_mirror_policies=[{"cluster": EMBED}])],
        "mirrored-prompts", True),
    "copies of a part": (
        [lambda c: chat(c)["route"].update(request_mirror_policies=[{
            "cluster": EMBED, "runtime_fraction": {"default_value": {"numerator": 1}}}])],
        "mirrored-prompts", False),
    "no catch-all where filters run by route": (
        [no_check, disabled_filter, lambda c: envoy_routes(c).pop(), lambda c: [
            switched(lambda _, route=route: route, False)(c) for route in envoy_routes(c)]],
        "no-catch-all", True),
    "a model's route by its header's presence": (
        [lambda c: chat(c)["match"].update(
            headers=[{"name": "x-ai-model-route", "present_match": True}])],
        "open-model-route", False),
    "the catch-all comes first": (
        [lambda c: envoy_routes(c).insert(0, envoy_routes(c).pop())], "shadowed-route", True),
    "ext_proc runs before ext_authz": (
        [lambda c: manager(c)["http_filters"].sort(key=lambda one: [PROC, AUTH].index(one["name"])
            if one["name"] in (PROC, AUTH) else 2 if "router" in one["name"] else -1)],
        "filter-order", True),
    "routes by another form of match": (
        [lambda c: host(c).update(matcher={"matcher_tree": {}})], "not-checked", False),
    "a filter around the filter": (
        [lambda c: manager(c)["http_filters"].insert(0, {"name": "when", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher",
            "extension_config": {"name": PROC, "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor"}}}})],
        "not-checked", False),
}  # fmt: skip


@pytest.mark.parametrize("title", PLANTED_IN_CHAIN)
def test_a_mistake_on_some_route_is_found(title):
    steps, expected, _ = PLANTED_IN_CHAIN[title]
    found = judged(planted(*steps))
    assert expected in checks(found), found
    assert checks(found, "error") <= {expected}, found


@pytest.mark.parametrize("title", [name for name, row in PLANTED_IN_CHAIN.items() if row[2]])
def test_the_real_envoy_agrees(tmp_path, title):
    config = planted(*PLANTED_IN_CHAIN[title][0])
    # As `test_prove.py` does: the edge alone stops what a client forges.
    del manager(config)["early_header_mutation_extensions"]
    code, _, text = prove(tmp_path, config, "--cluster", "tollgate")
    assert code == 1, text


# What `test_prove.py` shows on the real Envoy, and the check of lint's that says so.
PROVEN = {
    "a route fails open": "fail-open",
    "it fails open": "fail-open",
    "the filter is disabled and nowhere enabled": "not-asked",
    "it is off on a route that a client can choose": "not-asked",
    "it only observes": "fail-open",
    "its refusals are ignored, and it fails open": "ignored-decision",
    "the catch-all leads to a model": "route-without-model-header",
    "another listener has no filter": "not-asked",
    "another listener passes bytes": "way-around",
    "ext_authz over HTTP": "wrong-protocol",
    "a cluster without HTTP/2": "wrong-protocol",
    "nothing may be changed": "ignored-decision",
    "the key is not forwarded": "withheld-credentials",
    "the route stays": "ignored-decision",
    "another processor on the catch-all": "not-asked",
    "no body on the catch-all": "body-mode",
    "prompts are mirrored": "mirrored-prompts",
    "a route takes every model's requests": "open-model-route",
}


@pytest.mark.parametrize("title", [*test_prove.PAST, *test_prove.BROKEN])
def test_what_is_proven_is_found(title):
    plant = (test_prove.PAST | test_prove.BROKEN)[title][0]
    found = judged(planted(plant))
    assert PROVEN[title] in checks(found), found


# What lint says of a running Envoy and a proof cannot show, and why.
BEYOND_A_PROOF = {
    "it shows in time, under load or in the log": {
        "shared-timeout", "missing-timeout", "backend-timeout", "retries-on-streams",
        "retries-repeat-work", "idle-timeout", "endless-stream", "default-message-timeout", "store-timeout",
        "default-circuit-breakers", "buffer-limit", "log-labels", "log-blame", "status-on-error"},
    "it is about the user's own policy, callers, identities or paths, and a proof brings its own": {
        "policy", "unknown-host", "unknown-model-route", "unrouted-model", "model-by-path",
        "enforcement-point", "jwt-not-verified", "jwt-issuer", "jwt-shuts-keys-out",
        "untrusted-client-ca", "metadata-namespaces", "attributes", "check-settings", "socket",
        "endpoint-header", "client-headers", "foreign-host"},
    "Kubernetes or its controller does it before there is an Envoy": {
        "missing-reference-grant", "policy-on-route", "ledger-forgotten", "limits-per-replica",
        "store-loss-without-store", "store-ledger-forgotten", "store-over-network",
        "store-credentials-shown", "rollout-shares-ledger", "short-drain", "sidecar-security", "sidecar-order",
        "open-model-service", "routes-from-anywhere", "no-sidecar", "unfollowed-policy",
        "unreachable-metrics", "missing-config-map", "closed-egress", "ledger-above-volume",
        "config-map-size", "memory-limit", "envoy-patch", "unattached-route", "missing-port"},
    "nothing was read": {"broken-file", "not-checked"},
}  # fmt: skip


def test_lint_and_proof_agree_on_every_check_that_a_proof_can_show():
    agreed = set(PROVEN.values()) | {row[1] for row in PLANTED_IN_CHAIN.values() if row[2]}
    beyond = set().union(*BEYOND_A_PROOF.values())
    reference = (harness.REPOSITORY / "envoy" / "reference.md").read_text()
    listed = reference.split("## Checks of `tollgate lint`")[1].split("\n## ")[0]
    claimed = {line.split("`")[1] for line in listed.splitlines() if line.startswith("| `")}
    assert claimed - beyond == agreed and not agreed & beyond


RIGHT_IN_CHAIN = {
    "a host that fails open, and its routes that do not": [
        overridden(host, failure_mode_allow=True),
        lambda c: [
            overridden(lambda _, route=route: route, failure_mode_allow=False)(c)
            for route in envoy_routes(c)]],
    "disabled, and enabled on the host": [disabled_filter, switched(host, False)],
    "disabled, and enabled on each route by its settings": [
        disabled_filter,
        lambda c: [
            overridden(lambda _, route=route: route)(c) for route in envoy_routes(c)]],
    "off where nothing but a text is answered": [
        lambda c: envoy_routes(c).insert(0, {
            "name": "alive", "match": {"path": "/alive"}, "direct_response": {"status": 200},
            "typed_per_filter_config": {
                PROC: {"@type": OVERRIDES, "disabled": True},
                AUTH: {"@type": CHECKS, "disabled": True}}})],
    "no catch-all, and filters that run without a route": [lambda c: envoy_routes(c).pop()],
    "ext_authz is sent the key": [
        of_filter("ext_proc", forward_rules={"disallowed_headers": patterns("authorization")})],
    "the old field for HTTP/2": [
        lambda c: cluster(c, "tollgate").pop("typed_extension_protocol_options", None),
        lambda c: cluster(c, "tollgate").update(http2_protocol_options={})],
    "only other headers may not be changed": [
        of_filter("ext_proc", mutation_rules={"disallow_expression": {"regex": "x-internal-.*"}})],
    "nothing but our own headers may be changed": [
        of_filter("ext_proc", mutation_rules={
            "disallow_all": {"value": True}, "allow_expression": {"regex": OWN_HEADERS}})],
    "the headers that are needed are sent": [
        of_filter("ext_proc", forward_rules={"allowed_headers": patterns(*SENT)})],
    "the route is always chosen again": [of_filter("ext_proc", route_cache_action="CLEAR")],
    "an attribute that Envoy Gateway would not allow": [
        disabled_filter, switched(host, False), lambda c: envoy_filter(c, "ext_proc")[
            "request_attributes"].append("xds.cluster_name")],
    "another team's authorizer": [
        lambda c: manager(c)["http_filters"].insert(0, {"name": "opa", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
            "failure_mode_allow": True,
            "grpc_service": {"envoy_grpc": {"cluster_name": "opa"}}}})],
}  # fmt: skip


@pytest.mark.parametrize("title", RIGHT_IN_CHAIN)
def test_what_is_odd_and_right_on_the_routes_is_clean(title):
    config = planted(*RIGHT_IN_CHAIN[title])
    assert judged(config) == []


# Another team's authorizer has nobody behind it here, and nobody may pass it.
@pytest.mark.parametrize("title", [name for name in RIGHT_IN_CHAIN if "authorizer" not in name])
def test_the_real_envoy_agrees_with_what_is_right(tmp_path, title):
    config = planted(*RIGHT_IN_CHAIN[title])
    code, _, text = prove(tmp_path, config, "--cluster", "tollgate")
    assert code == 0, text


def test_a_clients_header_may_not_choose_among_filters_that_differ():
    def found(*steps) -> set[str]:
        config = planted(disabled_filter, *steps)
        del manager(config)["early_header_mutation_extensions"]
        return checks(judged(config), "error")

    assert found(switched(host, False)) == set()
    assert found(switched(host, False), overridden(chat, message_timeout=None)) == {"client-headers"}


def nameless(config: dict) -> None:
    """Nothing of Tollgate's is called so."""
    text = json.dumps(config).replace("tollgate", "gate")
    config.clear()
    config.update(json.loads(text))


@pytest.mark.parametrize("plant", [of_filter("ext_proc", failure_mode_allow=True), of_filter(
    "ext_proc", route_cache_action="RETAIN"), protocol()])  # fmt: skip
def test_who_is_sent_the_bodies_is_tollgate_where_no_name_says_so(plant):
    config = planted(plant, lambda c: c["static_resources"]["clusters"].append({"name": "opa"}))
    envoy_filter(config, "ext_authz")["grpc_service"] = {"envoy_grpc": {"cluster_name": "opa"}}
    envoy_filter(config, "ext_authz")["failure_mode_allow"] = True
    nameless(config)
    found = judged(config)
    fields = {one["field"] for one in found if one["check"] in ("fail-open", "ignored-decision", "wrong-protocol")}
    assert len(fields) == 1 and "http_filters[0]" not in fields.pop(), found


# Config dumps, as Envoy, istioctl and egctl print them.


def dump(config: dict) -> dict:
    static = copy.deepcopy(config["static_resources"])
    routes = static["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    fetched = routes.pop("route_config") | {"name": "models"}
    routes["rds"] = {"route_config_name": "models", "config_source": {"ads": {}}}
    admin = "type.googleapis.com/envoy.admin.v3."
    return {"configs": [
        {"@type": f"{admin}BootstrapConfigDump", "bootstrap": {
            "dynamic_resources": {"lds_config": {"ads": {}}}, "static_resources": {}}},
        {"@type": f"{admin}ClustersConfigDump", "dynamic_active_clusters": [
            {"cluster": one} for one in static["clusters"]]},
        {"@type": f"{admin}ListenersConfigDump", "dynamic_listeners": [
            {"name": one["name"], "active_state": {"listener": one}} for one in static["listeners"]]},
        {"@type": f"{admin}RoutesConfigDump", "dynamic_route_configs": [{"route_config": fetched}]},
    ]}  # fmt: skip


def camel(tree):
    """The other spelling of field names, which protobuf's JSON has."""
    if isinstance(tree, list):
        return [camel(one) for one in tree]
    if not isinstance(tree, dict):
        return tree
    names = {key: key for key in tree} if any("." in key for key in tree) else {
        key: key.split("_")[0] + "".join(part.title() for part in key.split("_")[1:])
        for key in tree}  # fmt: skip
    return {names[key]: camel(value) for key, value in tree.items()}


def discovered(tree: dict) -> dict:
    """The filter is fetched too."""
    filters = tree["configs"][2]["dynamic_listeners"][0]["active_state"]["listener"][
        "filter_chains"][0]["filters"][0]["typed_config"]["http_filters"]  # fmt: skip
    one = next(one for one in filters if one["name"] == PROC)
    settings = one.pop("typed_config")
    one["config_discovery"] = {"config_source": {"ads": {}}}
    tree["configs"].append({"@type": "type.googleapis.com/envoy.admin.v3.EcdsConfigDump",
        "ecds_filters": [{"ecds_filter": {"name": PROC, "typed_config": settings}}]})  # fmt: skip
    return tree


FORMS = {
    "a dump": lambda c: dump(c),
    "a dump with its filter apart": lambda c: discovered(dump(c)),
    "istioctl's": lambda c: camel(dump(c)),
    "egctl's": lambda c: {"envoy-gateway-system": {"envoy-0": dump(c)}},
    "a bootstrap in the other spelling": camel,
    "a ConfigMap with YAML": lambda c: {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "e", "namespace": "n"},
        "data": {"envoy.yaml": yaml.safe_dump(c)}},
    "a ConfigMap with JSON": lambda c: {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "e", "namespace": "n"},
        "data": {"envoy.json": json.dumps(c)}},
    "a Secret": lambda c: {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "e", "namespace": "n"},
        "stringData": {"envoy.yaml": yaml.safe_dump(c)}},
    "a container's arguments": lambda c: {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "e", "namespace": "n"},
        "spec": {"template": {"spec": {"containers": [
            {"name": "envoy", "args": ["--config-yaml", yaml.safe_dump(c)]}]}}}},
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_a_configuration_is_read(form):
    assert judged(FORMS[form](planted())) == []
    broken = planted(overridden(chat, failure_mode_allow=True))
    assert checks(judged(FORMS[form](broken))) == {"fail-open"}


def test_a_config_in_a_config_map_has_the_files_lines(tmp_path):
    file = tmp_path / "map.yaml"
    config = planted(of_filter("ext_proc", failure_mode_allow=True))
    text = yaml.safe_dump(config).replace("\n", "\n    ")
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: e }\ndata:\n  envoy.yaml: |\n    "
    file.write_text(head + text)
    found = lint(file, "--json", "--policy", DEMO_POLICY)[1]
    assert checks(found) == {"fail-open"}
    lines = file.read_text().splitlines()
    assert "failure_mode_allow: true" in lines[found[0]["line"] - 1]


def test_a_text_that_looks_like_a_config_and_is_none_is_not_checked():
    text = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "e"},
            "data": {"envoy.yaml": "static_resources: [${LISTENERS}"}}  # fmt: skip
    status, found, _ = lint("-", "--json", text=json.dumps(text))
    assert (status, checks(found)) == (1, {"not-checked"})


EMBEDDED_MAX = 64


@pytest.mark.parametrize("over", [0, 1])
def test_configs_in_objects_are_read_up_to_a_number(over):
    def judge(count: int, size: int = 40) -> set[str]:
        text = "static_resources: {}\n#"
        text += "x" * (size - len(text))
        maps = [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"e{number}"},
             "data": {"envoy.yaml": text}} for number in range(count)]  # fmt: skip
        file = json.dumps({"apiVersion": "v1", "kind": "List", "items": maps})
        # Of the texts that were read, nothing but that they have no listener.
        return {one["field"] for one in lint("-", "--json", text=file)[1]
                if one["message"] == "not checked: this Envoy config"}  # fmt: skip

    assert bool(judge(EMBEDDED_MAX + over)) == bool(over)


def test_a_text_that_stands_for_itself_often_is_not_read_without_end(tmp_path):
    lines = ["apiVersion: v1", "kind: ConfigMap", "metadata: { name: e }", "data:"]
    lines += ["  a0: &a |", "    static_resources: {}", "    # " + "x" * (6 << 20)]
    lines += [f"  a{number}: *a" for number in range(1, 40)]
    file = tmp_path / "map.yaml"
    file.write_text("\n".join(lines))
    found = lint(file, "--json")[1]
    unread = [one for one in found if one["message"] == "not checked: this Envoy config"]
    assert len(unread) == 38


def test_a_dump_without_its_parts_is_not_checked():
    tree = dump(planted())
    for part in (1, 3):
        some = copy.deepcopy(tree)
        del some["configs"][part]
        assert "not-checked" in checks(judged(some))


def test_a_remedy_is_said_once():
    config = planted(lambda c: [
        overridden(lambda _, route=route: route, failure_mode_allow=True)(c)
        for route in envoy_routes(c)])  # fmt: skip
    text = lint("-", "--policy", DEMO_POLICY, text=json.dumps(config))[2]
    assert text.count("[fail-open]") == len(envoy_routes(config))
    assert text.count("remedy: ") == 1
    assert all(one["remedy"] for one in judged(config))


CASES = harness.SHARED / "cases" / "lint"


def expectations():
    for case in sorted(CASES.iterdir()) if CASES.exists() else []:
        if (case / "expect.json").exists():
            for name in json.loads((case / "expect.json").read_text()):
                yield case.name, name


def fits(found: list[dict], status: int, expected: dict) -> bool:
    errors = [one["check"] for one in found if one["severity"] == "error"]
    warnings = [one["check"] for one in found if one["severity"] == "warning"]
    asked = {
        "errors": lambda names: set(names) <= set(errors) and bool(names) == bool(errors),
        "warnings": lambda names: set(names) <= set(warnings) and bool(names) == bool(warnings),
        "errors_at_least": lambda count: len(errors) >= count,
        "warnings_at_least": lambda count: len(warnings) >= count,
        "exit_not": lambda code: status != code,
        "any_of": lambda ways: any(fits(found, status, way) for way in ways),
    }
    return all(asked[key](value) for key, value in expected.items())


@pytest.mark.skipif(not CASES.exists(), reason="skipped: ../shared is not there")
@pytest.mark.parametrize(("case", "name"), list(expectations()))
def test_configurations_that_were_misjudged(case, name):
    expected = json.loads((CASES / case / "expect.json").read_text())[name]
    if name.startswith("make "):
        text = subprocess.run(
            [sys.executable, CASES / case / "make", *name.split()[1:]], capture_output=True, check=True
        ).stdout
        status, found, printed = lint("-", "--json", text=text)
    else:
        status, found, printed = lint(CASES / case / name, "--json")
    assert fits(found, status, expected), printed
