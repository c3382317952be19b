"""HTTPRoutes as Envoy's virtual hosts and routes."""

from envoy_filters import filter_switches
from envoy_parts import any_of, seconds, taken
from manifests import find, of_kind


def virtual_hosts(documents: list[dict], listener: dict) -> list[dict]:
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


def rule_name(route: dict, index: int) -> str:
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
        "name": f"{rule_name(route, index)}/match/{number}",
        "match": found,
        "typed_per_filter_config": filter_switches(documents),
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


def traffic_policy(documents: list[dict], route: dict) -> dict:
    """The route's own policy, or else the Gateway's: one replaces the other."""
    for policy in of_kind(documents, "BackendTrafficPolicy"):
        for target in policy["spec"]["targetRefs"]:
            if (target["kind"], target["name"]) == ("HTTPRoute", route["metadata"]["name"]):
                assert policy["metadata"]["namespace"] == route["metadata"]["namespace"]
                return policy["spec"]
    return find(documents, "BackendTrafficPolicy", "ai-shared-gateway")["spec"]


def _action(documents: list[dict], route: dict, index: int, rule: dict) -> dict:
    traffic = taken(traffic_policy(documents, route), "targetRefs", "retry", "timeout", "circuitBreaker")
    action = {
        "cluster": rule_name(route, index),
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
