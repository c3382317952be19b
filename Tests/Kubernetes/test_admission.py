"""A tenant's routes stay the tenant's, and Tollgate stays in front of them."""

import copy

import pytest

from admission import refusals
from manifests import find, kustomize, load, of_kind

TENANTS_OWN = ["HTTPRoute", "BackendTrafficPolicy", "HTTPRouteFilter"]
PLATFORMS = [
    "SecurityPolicy", "EnvoyExtensionPolicy", "ClientTrafficPolicy", "EnvoyPatchPolicy", "Backend",
]  # fmt: skip


@pytest.fixture
def base() -> list[dict]:
    """Every variant has the base's policies, as the first test shows."""
    if not kustomize():
        pytest.skip("neither kubectl nor kustomize is installed: the manifests are not checked")
    return load("base")


@pytest.fixture
def tenant(base) -> dict:
    return find(base, "Namespace", "tenant-a")


@pytest.fixture
def chat(base) -> dict:
    return find(base, "HTTPRoute", "chat", "tenant-a")


def test_what_is_shipped_is_let_in(built):
    for kind in ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"):
        assert of_kind(built, kind) == of_kind(load("base"), kind) != []
    checked = 0
    for kind in [*TENANTS_OWN, *PLATFORMS]:
        for document in of_kind(built, kind):
            namespace = find(built, "Namespace", document["metadata"]["namespace"])
            assert refusals(built, namespace, document) == []
            checked += 1
    assert checked > 10


@pytest.mark.parametrize("hostnames", [
    None, [], ["tenant-b.ai.example.com"], ["tenant-a.ai.example.com", "tenant-b.ai.example.com"],
    ["*.ai.example.com"], ["api.ai.example.com"], ["x.tenant-a.ai.example.com"],
    ["tenant-a.ai.example.com.evil.example"], [""], [","],
])  # fmt: skip
def test_a_route_for_a_host_that_is_not_the_tenants_is_refused(base, tenant, chat, hostnames):
    """Also with a narrower match than the owner's, which is what would win."""
    chat["spec"].pop("hostnames")
    if hostnames is not None:
        chat["spec"]["hostnames"] = hostnames
    (said,) = refusals(base, tenant, chat)
    assert "tenant-a.ai.example.com" in said and "ai-routes/hostnames" in said
    # A GRPCRoute is no way around it.
    assert refusals(base, tenant, chat | {"kind": "GRPCRoute"}) == [said]
    # Nor is a version of the API that is not ours.
    assert refusals(base, tenant, chat | {"apiVersion": "gateway.networking.k8s.io/v1beta1"}) == [said]


def test_the_platform_gives_a_tenant_more_names_on_its_namespace(base, tenant, chat):
    tenant = copy.deepcopy(tenant)
    listed = "chat.tenant-a.ai.example.com,ai.a.example"
    tenant["metadata"]["annotations"] = {"ai-routes/hostnames": listed}
    for name in ["tenant-a.ai.example.com", *listed.split(",")]:
        chat["spec"]["hostnames"] = [name]
        assert refusals(base, tenant, chat) == []
    for name in ["", ",", "tenant-a.ai.example", "i.a.example", "b.ai.example.com"]:
        chat["spec"]["hostnames"] = [name]
        assert len(refusals(base, tenant, chat)) == 1, name
    # An annotation on the route itself is anybody's, and means nothing.
    chat["spec"]["hostnames"] = ["b.ai.example.com"]
    chat["metadata"]["annotations"] = {"ai-routes/hostnames": "b.ai.example.com"}
    assert len(refusals(base, tenant, chat)) == 1


@pytest.mark.parametrize("parents", [
    None, [], [{"name": "ai-shared-gateway"}], [{"name": "own", "namespace": "tenant-a"}],
    [{"name": "own", "namespace": "ai-gateway"}],
    [{"name": "ai-shared-gateway", "namespace": "ai-gateway"}, {"name": "own"}],
    [{"name": "ai-shared-gateway", "namespace": "ai-gateway", "kind": "ListenerSet"}],
    [{"name": "ai-shared-gateway", "namespace": "ai-gateway", "group": "example.com"}],
])  # fmt: skip
def test_a_route_of_another_parent_is_refused(base, tenant, chat, parents):
    chat["spec"].pop("parentRefs")
    if parents is not None:
        chat["spec"]["parentRefs"] = parents
    assert len(refusals(base, tenant, chat)) == 1


def test_a_route_to_a_model_without_our_header_is_refused(base, tenant, chat):
    def with_rule(**changes) -> dict:
        route = copy.deepcopy(chat)
        rule = copy.deepcopy(chat["spec"]["rules"][0])
        for name, value in changes.items():
            rule.pop(name, None)
            if value is not None:
                rule[name] = value
        route["spec"]["rules"].append(rule)
        return route

    assert refusals(base, tenant, with_rule()) == []
    exact = chat["spec"]["rules"][0]["matches"][0]
    path = {"path": exact["path"]}
    header = {"name": "x-ai-model-route", "value": ".*", "type": "RegularExpression"}
    for matches in (None, [], [path], [exact, path], [path | {"headers": [header]}],
                    [path | {"headers": [header | {"name": "x-other", "type": "Exact"}]}]):  # fmt: skip
        assert len(refusals(base, tenant, with_rule(matches=matches))) == 1, matches
    # What is no model is not meant.
    own = with_rule(matches=None, backendRefs=[{"name": "own", "port": 80}])
    assert refusals(base, tenant, own) == []


@pytest.mark.parametrize("kind", PLATFORMS)
def test_what_would_stand_in_tollgates_place_is_the_platforms(base, tenant, kind):
    document = {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": kind,
        "metadata": {"name": "own", "namespace": "tenant-a"}, "spec": {},
    }  # fmt: skip
    (said,) = refusals(base, tenant, document)
    assert kind in said
    assert refusals(base, find(base, "Namespace", "ai-gateway"), document) == []
    # Where no routes attach, it is none of ours.
    assert refusals(base, {"metadata": {"name": "elsewhere"}}, document) == []


def test_the_tenants_role_is_for_routes_alone(base):
    role = find(base, "Role", "routes", "tenant-a")
    assert [(rule["apiGroups"], rule["resources"]) for rule in role["rules"]] == [
        (["gateway.networking.k8s.io"], ["httproutes"])
    ]
    assert not of_kind(base, "RoleBinding")
