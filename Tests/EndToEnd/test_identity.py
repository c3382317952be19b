"""JWT claims that Envoy verified, and certificates that Envoy verified, as identities."""

import ssl
import time
import uuid

import httpx
import jwt
import pytest

import authority
import policy as policies
from envoy_config import EnvoyOptions
from harness import Stack, StackOptions, chat_body, error_code

JWT_AUTH = [{"issuer": policies.ISSUER, "metadata_key": "jwt", "tenant_claim": "tenant",
             "subject_claim": "sub"}]  # fmt: skip


@pytest.fixture(scope="module")
def issuer():
    return authority.Issuer(policies.ISSUER)


@pytest.fixture(
    scope="module",
    params=[("jwt", "ext_authz", "ext_proc"), ("ext_authz", "jwt", "ext_proc"), ("jwt", "ext_proc")],
    ids="+".join,
)
def jwt_stack(request, issuer):
    options = StackOptions(
        policy=policies.with_auth(policies.build(), jwt=JWT_AUTH),
        envoy=EnvoyOptions(filters=request.param, jwks=issuer.jwks(), issuer=policies.ISSUER),
    )
    with Stack(options) as stack:
        yield stack


class TestJWT:
    def test_verified_claims_are_the_identity(self, jwt_stack, issuer):
        test_id = uuid.uuid4().hex
        token = issuer.token(tenant="tenant-a", sub="user:ada")
        response = jwt_stack.chat(key=token, headers={"x-test-id": test_id})
        assert response.status_code == 200, response.text
        (seen,) = jwt_stack.recorder.by_id(test_id)
        assert seen.value("x-ai-tenant") == "tenant-a"
        assert seen.value("x-ai-subject") == "user:ada"
        assert seen.values("authorization") == [], "the token reached the backend"

    def test_an_api_key_still_counts(self, jwt_stack):
        assert jwt_stack.chat().status_code == 200

    @pytest.mark.parametrize(
        "name", ["another signer", "no signature", "expired", "another issuer", "no tenant",
                 "unknown tenant", "tenant is a number", "not a token"],
    )  # fmt: skip
    def test_a_token_without_good_claims_is_401(self, jwt_stack, issuer, name):
        mark = jwt_stack.recorder.mark()
        other = authority.Issuer(policies.ISSUER)
        token = {
            "another signer": lambda: other.token(tenant="tenant-a", sub="x"),
            "no signature": lambda: jwt.encode(
                {"iss": policies.ISSUER, "tenant": "tenant-a", "sub": "x"}, None, "none"
            ),
            "expired": lambda: issuer.token(tenant="tenant-a", sub="x", exp=time.time() - 600),
            "another issuer": lambda: issuer.token(tenant="tenant-a", iss="https://evil.example"),
            "no tenant": lambda: issuer.token(sub="x"),
            "unknown tenant": lambda: issuer.token(tenant="tenant-z", sub="x"),
            "tenant is a number": lambda: issuer.token(tenant=1, sub="x"),
            "not a token": lambda: "YQ.YQ.YQ",
        }[name]()
        response = jwt_stack.chat(key=token)
        assert (response.status_code, error_code(response)) == (401, "invalid_api_key")
        assert jwt_stack.recorder.since(mark) == []

    def test_a_token_on_another_tenants_host_is_403(self, jwt_stack, issuer):
        response = jwt_stack.chat(
            key=issuer.token(tenant="tenant-a", sub="x"), host=policies.HOST_B
        )
        assert (response.status_code, error_code(response)) == (403, "tenant_mismatch")

    def test_a_token_and_a_key_that_disagree_are_401(self, jwt_stack, issuer):
        token = issuer.token(tenant="tenant-a", sub="x")
        response = jwt_stack.chat(key=token, headers={"x-api-key": policies.KEY_B})
        assert (response.status_code, error_code(response)) == (401, "invalid_api_key")

    def test_the_model_list_needs_the_claims_too(self, jwt_stack, issuer):
        token = issuer.token(tenant="tenant-b", sub="x")
        response = jwt_stack.request("GET", "/v1/models", key=token, host=policies.HOST_B)
        assert response.status_code == 200
        assert {model["id"] for model in response.json()["data"]} == {"bge-small", "b-only"}
        forged = jwt_stack.request("GET", "/v1/models", key=token[:-8] + "AAAAAAAA",
                                   host=policies.HOST_B)  # fmt: skip
        assert forged.status_code == 401


# An entry of `auth.jwt` beside issuer and metadata key, and claims with the tenant that they lead to.
CLAIMS = {
    "a key that is a URL": (
        {"tenant_claim": "https://example.com/tenant"},
        [({"https://example.com/tenant": "tenant-a"}, "tenant-a"),
         ({"https://example.com/tenant": "tenant-b"}, "tenant-b"),
         ({"https://example.com": {"tenant": "tenant-a"}}, None)],
    ),
    "groups": (
        {"tenant_claim": "cognito:groups"},
        [({"cognito:groups": ["staff", "tenant-b"]}, "tenant-b"),
         ({"cognito:groups": ["tenant-a", "tenant-b"]}, None),
         ({"cognito:groups": ["staff"]}, None), ({"cognito:groups": []}, None),
         ({"cognito:groups": [1, None, "tenant-a", "tenant-a"]}, "tenant-a")],
    ),
    "roles inside": (
        {"tenant_claim": ["realm_access", "roles"], "subject_claim": ["act", "name"]},
        [({"realm_access": {"roles": ["x", "tenant-a"]}, "act": {"name": "ada"}}, "tenant-a"),
         ({"realm_access": {"roles": ["x", "tenant-a"]}, "act": {}}, None),
         ({"realm_access": ["tenant-a"], "act": {"name": "ada"}}, None)],
    ),
    "a map": (
        {"tenant_claim": ["kubernetes.io", "namespace"],
         "tenants": {"team-search": "tenant-a", "team-maps": "tenant-b"}},
        [({"kubernetes.io": {"namespace": "team-search"}}, "tenant-a"),
         ({"kubernetes.io": {"namespace": "team-maps"}}, "tenant-b"),
         ({"kubernetes.io": {"namespace": "tenant-a"}}, None),
         ({"kubernetes.io.namespace": "team-search"}, None)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("filters", [("jwt", "ext_proc"), ("ext_authz", "jwt", "ext_proc")], ids="+".join)
@pytest.mark.parametrize("name", CLAIMS)
def test_claims_as_providers_have_them(issuer, filters, name):
    rules, cases = CLAIMS[name]
    entry = {"issuer": policies.ISSUER, "metadata_key": "jwt"} | rules
    options = StackOptions(
        policy=policies.with_auth(policies.build(), jwt=[entry]),
        envoy=EnvoyOptions(filters=filters, jwks=issuer.jwks(), issuer=policies.ISSUER),
    )
    with Stack(options) as stack:
        for claims, tenant in cases:
            response = stack.request(
                "GET", "/v1/models", host=policies.SHARED_HOST,
                key=issuer.token(**({"sub": "secret-subject"} | claims)),
            )  # fmt: skip
            if tenant is None:
                assert (response.status_code, error_code(response)) == (401, "invalid_api_key"), claims
                continue
            assert response.status_code == 200, (claims, response.text)
            names = {model["id"] for model in response.json()["data"]}
            assert ("b-only" in names) == (tenant == "tenant-b"), claims
        log = stack.tollgate.process.log()
        assert "does not say who calls: its claim" in log
        assert "secret-subject" not in log and "staff" not in log


@pytest.fixture(
    scope="module",
    params=[("ext_authz", "ext_proc"), ("ext_proc",), ("ext_authz",)], ids="+".join,
)  # fmt: skip
def mtls(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    certificates = authority.CertificateAuthority(folder)
    policy = policies.with_auth(policies.build(), client_certificates=True)
    envoy = EnvoyOptions(
        filters=request.param, tls=certificates.server(),
    )  # fmt: skip
    if request.param == ("ext_authz",):
        from conftest import authz_policy

        policy = policies.with_auth(authz_policy(), client_certificates=True)
        envoy.authz_body_bytes = policies.MAX_BODY_BYTES
    with Stack(StackOptions(policy=policy, envoy=envoy)) as stack:
        yield stack, certificates


class TestClientCertificates:
    def ask(self, mtls, uris: list[str], headers: dict | None = None, key: str | None = None,
            host: str = policies.HOST_A) -> httpx.Response:  # fmt: skip
        stack, certificates = mtls
        context = ssl.create_default_context(cafile=certificates.ca_file)
        context.load_cert_chain(*certificates.client(uris))
        fields = {"host": host} | (headers or {})
        if key:
            fields["authorization"] = f"Bearer {key}"
        with httpx.Client(verify=context, timeout=60, trust_env=False) as client:
            return client.post(
                f"https://localhost:{stack.listener}/v1/chat/completions",
                headers=fields, json=chat_body("llama3-8b"),
            )  # fmt: skip

    def test_a_principal_is_the_identity(self, mtls):
        test_id = uuid.uuid4().hex
        response = self.ask(mtls, [policies.PRINCIPAL_A], {"x-test-id": test_id})
        assert response.status_code == 200, response.text
        (seen,) = mtls[0].recorder.by_id(test_id)
        assert seen.value("x-ai-tenant") == "tenant-a"
        assert seen.value("x-ai-subject") == policies.PRINCIPAL_A

    @pytest.mark.parametrize(
        "uri",
        [
            "spiffe://cluster.local/ns/tenant-z/sa/agent",
            "spiffe://cluster.local/ns/tenant-a/sa/agent/more",
            "spiffe://evil.local/ns/tenant-a/sa/agent",
            "x-spiffe://cluster.local/ns/tenant-a/sa/agent",
        ],
    )
    def test_an_unknown_principal_is_401(self, mtls, uri):
        mark = mtls[0].recorder.mark()
        response = self.ask(mtls, [uri])
        assert (response.status_code, error_code(response)) == (401, "invalid_api_key")
        assert mtls[0].recorder.since(mark) == []

    def test_a_certificate_without_a_uri_is_401(self, mtls):
        assert self.ask(mtls, []).status_code == 401

    def test_a_forged_certificate_header_changes_nothing(self, mtls):
        forged = {"x-forwarded-client-cert": f"By=x;Hash=0;URI={policies.PRINCIPAL_A}"}
        assert self.ask(mtls, ["spiffe://other/sa/x"], forged).status_code == 401

    def test_a_key_of_the_same_tenant_agrees(self, mtls):
        assert self.ask(mtls, [policies.PRINCIPAL_A], key=policies.KEY_A).status_code == 200

    def test_a_key_of_another_tenant_disagrees(self, mtls):
        assert self.ask(mtls, [policies.PRINCIPAL_A], key=policies.KEY_B).status_code == 401

    def test_another_tenants_host_is_403(self, mtls):
        response = self.ask(mtls, [policies.PRINCIPAL_A], host=policies.HOST_B)
        assert (response.status_code, error_code(response)) == (403, "tenant_mismatch")
