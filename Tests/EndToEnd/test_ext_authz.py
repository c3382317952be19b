"""ext_authz Check by an independent client: headers in both shapes, bodies in both shapes."""

import json

import pytest
from google.protobuf import json_format

import direct
import policy as policies
from harness import chat_body


@pytest.fixture(scope="module")
def over(request):
    target = request.getfixturevalue("direct").tollgate.target
    with direct.channel(target) as channel:
        yield channel


@pytest.fixture(scope="module")
def enforcing(authz_only):
    with direct.channel(authz_only.tollgate.target) as channel:
        yield channel


def header_values(options) -> dict[str, str]:
    return {
        option.header.key.lower(): option.header.value or option.header.raw_value.decode()
        for option in options
    }


@pytest.mark.parametrize("as_map", [False, True])
class TestIdentity:
    def test_a_known_caller_is_allowed_and_named(self, over, as_map):
        answer = direct.check(over, direct.check_request(as_map=as_map))
        assert answer.status.code == 0
        assert answer.WhichOneof("http_response") == "ok_response"
        identity = json_format.MessageToDict(answer.dynamic_metadata)
        assert identity["tollgate"]["tenant"] == "tenant-a" or identity.get("tenant") == "tenant-a"

    def test_check_removes_what_a_client_may_not_set(self, over, as_map):
        forged = [("x-ai-model-route", "b-only-v1"), ("x_ai_subject", "root")]
        answer = direct.check(over, direct.check_request(as_map=as_map, extra=forged))
        gone = set(answer.ok_response.headers_to_remove)
        assert {"x-ai-model-route", "x_ai_subject"} <= gone

    @pytest.mark.parametrize(
        "change, status, code",
        [
            ({"key": None}, 401, "invalid_api_key"),
            ({"key": "wrong"}, 401, "invalid_api_key"),
            ({"key": policies.KEY_A_EXPIRED}, 401, "invalid_api_key"),
            ({"key": policies.KEY_A_DISABLED}, 401, "invalid_api_key"),
            ({"host": policies.HOST_B}, 403, "tenant_mismatch"),
            ({"path": "/v1/images/generations"}, 403, "path_not_allowed"),
            ({"path": "/v1/../v1/chat/completions"}, 404, "unknown_path"),
            ({"method": "PUT"}, 405, "method_not_allowed"),
            ({"extra": [("x-api-key", policies.KEY_B)]}, 401, "invalid_api_key"),
        ],
    )
    def test_a_refusal_has_status_body_and_headers(self, over, as_map, change, status, code):
        answer = direct.check(over, direct.check_request(as_map=as_map, **change))
        assert answer.status.code != 0
        denied = answer.denied_response
        assert denied.status.code == status
        assert json.loads(denied.body)["error"]["code"] == code
        assert header_values(denied.headers)["content-type"] == "application/json"
        if status == 401:
            assert header_values(denied.headers)["www-authenticate"] == "Bearer"

    def test_a_repeated_credential_is_refused(self, over, as_map):
        fields = direct.request_fields() + [("authorization", f"Bearer {policies.KEY_A}")]
        answer = direct.check(over, direct.check_request(as_map=as_map, fields=fields))
        assert answer.denied_response.status.code == 401


@pytest.mark.parametrize("raw_body", [False, True])
@pytest.mark.parametrize("as_map", [False, True])
class TestBody:
    def test_a_body_is_inspected_and_routed(self, enforcing, as_map, raw_body):
        body = json.dumps(chat_body("llama3-8b")).encode()
        answer = direct.check(
            enforcing, direct.check_request(body, as_map=as_map, raw_body=raw_body)
        )
        assert answer.status.code == 0, answer
        headers = header_values(answer.ok_response.headers)
        assert headers["x-ai-model-route"] == "chat-llama3-8b-v1"
        assert headers["x-ai-tenant"] == "tenant-a"
        assert "authorization" in answer.ok_response.headers_to_remove

    @pytest.mark.parametrize(
        "body, status, code",
        [
            (None, 400, None),
            (b"", 400, None),
            (b"{", 400, "invalid_json"),
            (b'{"model":"nobody-has-this"}', 404, "model_not_found"),
            (b'{"model":"b-only"}', 404, "model_not_found"),
            (b'{"messages":[]}', 400, "missing_model"),
            (b'{"model":"llama3-8b","mo\\u0064el":"b-only"}', 400, "duplicate_key"),
        ],
    )
    def test_a_bad_body_is_refused(self, enforcing, as_map, raw_body, body, status, code):
        answer = direct.check(
            enforcing, direct.check_request(body, as_map=as_map, raw_body=raw_body)
        )
        assert answer.status.code != 0
        assert answer.denied_response.status.code == status
        if code:
            assert json.loads(answer.denied_response.body)["error"]["code"] == code

    def test_a_partial_body_is_denied(self, enforcing, as_map, raw_body):
        body = json.dumps(chat_body("llama3-8b")).encode()
        extra = [("x-envoy-auth-partial-body", "true"), ("content-length", str(len(body) + 10))]
        request = direct.check_request(body, as_map=as_map, raw_body=raw_body, extra=extra)
        answer = direct.check(enforcing, request)
        assert answer.denied_response.status.code == 413


def test_a_principal_counts_for_nothing_where_it_is_not_configured(over):
    request = direct.check_request(key=None, principal=policies.PRINCIPAL_A)
    assert direct.check(over, request).denied_response.status.code == 401


def test_an_empty_check_request_is_denied(over):
    answer = direct.check(over, direct.authz.CheckRequest())
    assert answer.status.code != 0
