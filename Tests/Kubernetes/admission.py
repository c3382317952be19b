"""What an API server's ValidatingAdmissionPolicies say to an object, as far as ours need it."""

import celpy

from manifests import of_kind

PLURALS = {
    "HTTPRoute": "httproutes", "GRPCRoute": "grpcroutes", "SecurityPolicy": "securitypolicies",
    "EnvoyExtensionPolicy": "envoyextensionpolicies", "ClientTrafficPolicy": "clienttrafficpolicies",
    "EnvoyPatchPolicy": "envoypatchpolicies", "Backend": "backends",
    "BackendTrafficPolicy": "backendtrafficpolicies", "HTTPRouteFilter": "httproutefilters",
}  # fmt: skip
ENVIRONMENT = celpy.Environment()


def evaluated(expression: str, activation: dict):
    return ENVIRONMENT.program(ENVIRONMENT.compile(expression)).evaluate(activation)


def refusals(documents: list[dict], namespace: dict, thing: dict) -> list[str]:
    """What is said to whoever creates this thing there; nothing when it is let in."""
    said = []
    for binding in of_kind(documents, "ValidatingAdmissionPolicyBinding"):
        assert set(binding["spec"]) == {"policyName", "validationActions", "matchResources"}
        assert binding["spec"]["validationActions"] == ["Deny"]
        selector = binding["spec"]["matchResources"]["namespaceSelector"]
        (policy,) = [p for p in of_kind(documents, "ValidatingAdmissionPolicy")
                     if p["metadata"]["name"] == binding["spec"]["policyName"]]  # fmt: skip
        if _selected(selector, namespace) and _meant(policy, thing):
            said += _refusals(policy["spec"], namespace, thing)
    return said


def _selected(selector: dict, namespace: dict) -> bool:
    # The API server gives each namespace a label with its name.
    labels = namespace["metadata"].get("labels", {}) | {
        "kubernetes.io/metadata.name": namespace["metadata"]["name"]
    }
    assert set(selector) == {"matchLabels", "matchExpressions"}
    for expression in selector["matchExpressions"]:
        assert expression["operator"] == "NotIn"
        if labels.get(expression["key"]) in expression["values"]:
            return False
    return selector["matchLabels"].items() <= labels.items()


def _meant(policy: dict, thing: dict) -> bool:
    assert policy["spec"]["failurePolicy"] == "Fail"
    for rule in policy["spec"]["matchConstraints"]["resourceRules"]:
        assert rule["operations"] == ["CREATE", "UPDATE"] and rule["apiVersions"] == ["*"]
        group = thing["apiVersion"].partition("/")[0]
        if group in rule["apiGroups"] and PLURALS[thing["kind"]] in rule["resources"]:
            return True
    return False


def _refusals(spec: dict, namespace: dict, thing: dict) -> list[str]:
    activation = {"object": celpy.json_to_cel(thing), "namespaceObject": celpy.json_to_cel(namespace)}
    variables = {}
    for variable in spec.get("variables", []):
        value = evaluated(variable["expression"], activation | {"variables": celpy.json_to_cel({})})
        # The sum of two of its texts is one of Python's.
        value = celpy.celtypes.StringType(value) if isinstance(value, str) else value
        variables[celpy.celtypes.StringType(variable["name"])] = value
    activation["variables"] = celpy.celtypes.MapType(variables)
    said = []
    for validation in spec["validations"]:
        if not evaluated(validation["expression"], activation):
            said.append(
                str(evaluated(validation["messageExpression"], activation))
                if "messageExpression" in validation else validation["message"]
            )  # fmt: skip
    return said
