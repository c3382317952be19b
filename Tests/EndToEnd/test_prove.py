"""`envoy/prove`: every way past Tollgate is seen on the real Envoy, and what is shipped has none."""

import copy
import json
import subprocess
import sys
from urllib.request import urlopen

import pytest
import yaml

import harness
from harness import BINARIES, REPOSITORY, SHARED
from test_lint_envoy import (
    CHAT, EMBED, demo_config, envoy_filter, envoy_route, envoy_routes, manager,
)  # fmt: skip

PROVE = REPOSITORY / "envoy" / "prove.d" / "prove.py"
PROVE_SECONDS = 300
OVERRIDES = "type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute"
CHECKS = "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute"
ROUTER = "envoy.filters.http.router"


def demo() -> dict:
    """The demo's configuration without its edge, which alone stops what a client forges."""
    config = copy.deepcopy(demo_config())
    del manager(config)["early_header_mutation_extensions"]
    return config


def prove(tmp_path, config: dict | str, *arguments: str) -> tuple[int, dict, str]:
    """The exit code, the result as JSON, and what was printed."""
    file = tmp_path / "envoy.json"
    file.write_text(config if isinstance(config, str) else json.dumps(config))
    result = tmp_path / "result.json"
    done = subprocess.run(
        [sys.executable, PROVE, file, "--envoy", harness.envoy_binary(), "--tollgate",
         BINARIES / "tollgate", "--json", result, *arguments],
        capture_output=True, text=True, timeout=PROVE_SECONDS,
    )  # fmt: skip
    assert result.exists(), done.stdout + done.stderr
    return done.returncode, json.loads(result.read_text())[0], done.stdout + done.stderr


def no_check(config: dict) -> None:
    """Without ext_authz: what ext_proc leaves open is open."""
    manager(config)["http_filters"] = [
        one for one in manager(config)["http_filters"] if not one["name"].endswith("ext_authz")
    ]


def overridden(config: dict, route: dict, **overrides) -> None:
    route["typed_per_filter_config"] = {
        "envoy.filters.http.ext_proc": {"@type": OVERRIDES, "overrides": overrides}
    }


def catch_all(config: dict) -> dict:
    return envoy_routes(config)[-1]


def cluster(config: dict, name: str) -> dict:
    return next(one for one in config["static_resources"]["clusters"] if one["name"] == name)


def fails_open_on_a_route(config: dict) -> None:
    no_check(config)
    overridden(config, envoy_route(config, CHAT), failure_mode_allow=True)


def fails_open_everywhere(config: dict) -> None:
    no_check(config)
    envoy_filter(config, "ext_proc")["failure_mode_allow"] = True


def is_disabled(config: dict) -> None:
    no_check(config)
    for one in manager(config)["http_filters"]:
        if one["name"].endswith("ext_proc"):
            one["disabled"] = True


def is_off_on_a_route(config: dict) -> None:
    no_check(config)
    envoy_route(config, CHAT)["typed_per_filter_config"] = {
        "envoy.filters.http.ext_proc": {"@type": OVERRIDES, "disabled": True}
    }


def observes(config: dict) -> None:
    no_check(config)
    envoy_filter(config, "ext_proc")["observability_mode"] = True


def answers_are_ignored(config: dict) -> None:
    no_check(config)
    envoy_filter(config, "ext_proc")["disable_immediate_response"] = True
    envoy_filter(config, "ext_proc")["failure_mode_allow"] = True


def leads_to_a_model(config: dict) -> None:
    no_check(config)
    catch_all(config).pop("direct_response")
    catch_all(config)["route"] = {"cluster": EMBED}
    is_disabled(config)


def a_listener_of_its_own(config: dict) -> None:
    other = copy.deepcopy(config["static_resources"]["listeners"][0])
    other["name"] = "other"
    filters = other["filter_chains"][0]["filters"][0]["typed_config"]
    filters["http_filters"] = filters["http_filters"][-1:]
    config["static_resources"]["listeners"].append(other)


def raw_bytes(config: dict) -> None:
    config["static_resources"]["listeners"].append({
        "name": "raw",
        "address": {"socket_address": {"address": "0.0.0.0", "port_value": 1}},
        "filter_chains": [{"filters": [{
            "name": "envoy.filters.network.tcp_proxy",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
                "stat_prefix": "raw", "cluster": CHAT,
            },
        }]}],
    })  # fmt: skip


PAST = {
    "a route fails open": (fails_open_on_a_route, "stopped"),
    "it fails open": (fails_open_everywhere, "stopped"),
    "the filter is disabled and nowhere enabled": (is_disabled, "with Tollgate"),
    "it is off on a route that a client can choose": (is_off_on_a_route, "with Tollgate"),
    "it only observes": (observes, "with Tollgate"),
    "its refusals are ignored, and it fails open": (answers_are_ignored, "with Tollgate"),
    "the catch-all leads to a model": (leads_to_a_model, "with Tollgate"),
    "another listener has no filter": (a_listener_of_its_own, "with Tollgate"),
    "another listener passes bytes": (raw_bytes, "with Tollgate"),
}


@pytest.mark.parametrize("name", PAST)
def test_a_way_past_is_named(tmp_path, name):
    plant, phase = PAST[name]
    config = demo()
    plant(config)
    code, result, text = prove(tmp_path, config)
    assert code == 1, text
    assert any(phase in passed["phase"] for passed in result["passed"]), text
    assert "why: " in text and "the cluster " in text


def http_check(config: dict) -> None:
    check = envoy_filter(config, "ext_authz")
    check.pop("grpc_service")
    check["http_service"] = {
        "server_uri": {"uri": "http://tollgate", "cluster": "tollgate", "timeout": "1s"}
    }


def no_http2(config: dict) -> None:
    for key in ("typed_extension_protocol_options", "http2_protocol_options"):
        cluster(config, "tollgate").pop(key, None)


def nothing_may_change(config: dict) -> None:
    envoy_filter(config, "ext_proc")["mutation_rules"] = {"disallow_all": {"value": True}}


def few_headers(config: dict) -> None:
    envoy_filter(config, "ext_proc")["forward_rules"] = {
        "allowed_headers": {"patterns": [{"exact": "content-type"}]}
    }


def the_route_stays(config: dict) -> None:
    envoy_filter(config, "ext_proc")["route_cache_action"] = "RETAIN"


def another_processor(config: dict) -> None:
    config["static_resources"]["clusters"].append({
        "name": "other", "type": "STATIC", "http2_protocol_options": {},
        "load_assignment": {"cluster_name": "other", "endpoints": []},
    })  # fmt: skip
    overridden(
        config, catch_all(config), grpc_service={"envoy_grpc": {"cluster_name": "other"}}
    )


def no_body(config: dict) -> None:
    overridden(config, catch_all(config), processing_mode={"request_body_mode": "NONE"})


def a_mirror(config: dict) -> None:
    for route in envoy_routes(config):
        if "route" in route:
            route["route"]["request_mirror_policies"] = [{"cluster": EMBED}]


def any_models_route(config: dict) -> None:
    headers = envoy_route(config, CHAT)["match"]["headers"]
    headers[0] = {"name": "x-ai-model-route", "present_match": True}
    envoy_routes(config).insert(0, envoy_routes(config).pop(
        envoy_routes(config).index(envoy_route(config, CHAT))))  # fmt: skip


BROKEN = {
    "a route takes every model's requests": (any_models_route, "an earlier route takes it"),
    "ext_authz over HTTP": (http_check, "no good request"),
    "a cluster without HTTP/2": (no_http2, "no good request"),
    "nothing may be changed": (nothing_may_change, "no good request"),
    "the key is not forwarded": (few_headers, "no good request"),
    "the route stays": (the_route_stays, "no good request"),
    "another processor on the catch-all": (another_processor, "no good request"),
    "no body on the catch-all": (no_body, "no good request"),
    "prompts are mirrored": (a_mirror, "one verdict, 2 arrivals"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_does_not_work_is_told(tmp_path, name):
    plant, words = BROKEN[name]
    config = demo()
    plant(config)
    code, result, text = prove(tmp_path, config, "--cluster", "tollgate")
    assert code == 1, text
    assert any(words in problem for problem in result["problems"]), text


def without_routes(config: dict) -> None:
    del manager(config)["route_config"]
    manager(config)["rds"] = {"route_config_name": "r", "config_source": {"ads": {}}}


def without_processors(config: dict) -> None:
    manager(config)["http_filters"] = manager(config)["http_filters"][-1:]


def a_filter_from_elsewhere(config: dict) -> None:
    manager(config)["http_filters"].insert(0, {
        "name": "late", "config_discovery": {"config_source": {"ads": {}}, "type_urls": ["x"]},
    })  # fmt: skip


NOT_PROVEN = {
    "routes over xDS": (without_routes, "xDS"),
    "a filter over xDS": (a_filter_from_elsewhere, "xDS"),
    "nobody is asked": (without_processors, "who asks Tollgate"),
    "a field that Envoy does not know": (lambda c: manager(c).update(no_such_field=1), "validate"),
}


@pytest.mark.parametrize("name", NOT_PROVEN)
def test_what_cannot_be_run_is_not_proven(tmp_path, name):
    plant, words = NOT_PROVEN[name]
    config = demo()
    plant(config)
    code, result, text = prove(tmp_path, config)
    assert code == 1 and words in result["not_proven"], text


@pytest.mark.parametrize("text", ["", "[]", "{", "configs: 1", '{"configs": []}', "a: b"])
def test_what_is_no_configuration_is_not_proven(tmp_path, text):
    code, result, output = prove(tmp_path, text)
    assert code == 1 and result["not_proven"], output


@pytest.mark.parametrize("config", [demo_config(), demo()], ids=["as shipped", "without its edge"])
def test_the_demo_is_proven(tmp_path, config):
    code, result, text = prove(tmp_path, config)
    assert (code, result["passed"], result["problems"]) == (0, [], []), text
    assert result["requests"] > 500


def test_a_config_dump_is_proven_like_its_bootstrap(tmp_path, stack):
    """What a running Envoy says of itself; its listener and filters are the tests' own."""
    dump = urlopen(f"http://127.0.0.1:{stack.admin}/config_dump", timeout=30).read().decode()
    code, result, text = prove(tmp_path, dump)
    assert (code, result["passed"], result["problems"]) == (0, [], []), text
    opened = json.loads(dump)
    for part in opened["configs"]:
        for listener in part.get("static_listeners", []):
            for one in listener["listener"]["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"]:
                if one["name"] != ROUTER:
                    one["disabled"] = True
    code, result, text = prove(tmp_path, opened)
    assert code == 1 and result["passed"], text


@pytest.mark.skipif(not (SHARED / "cases").exists(), reason="skipped: ../shared is not there")
@pytest.mark.parametrize(
    ("name", "is_clean"), [("00-clean", True), ("01-a-route-fails-open", False),
                           ("05-ext-authz-over-http", False), ("07-nothing-may-be-changed", False),
                           ("09-the-route-stays", False), ("13-prompts-are-mirrored", False)])  # fmt: skip
def test_configurations_from_the_field(tmp_path, name, is_clean):
    config = yaml.safe_load((SHARED / "cases" / "lint" / name / "envoy.yaml").read_text())
    code, _, text = prove(tmp_path, config)
    assert (code == 0) == is_clean, text
