"""ext_proc spoken by an independent client: every order of messages Envoy may use."""

import json

import grpc
import pytest

import direct
import policy as policies
from direct import Exchange, Reply, kind
from harness import chat_body

CHAT = json.dumps(chat_body("llama3-8b")).encode()
ANSWER = b'{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}'
OWN_HEADERS = {
    "x-ai-tenant": "tenant-a",
    "x-ai-subject": "svc:agent-platform",
    "x-ai-model": "llama3-8b",
    "x-ai-model-route": "chat-llama3-8b-v1",
    "x-ai-traffic-class": "interactive_inference",
    "x-ai-stream": "false",
    "x-gateway-model-name": "llama3-8b",
    "x-gateway-inference-fairness-id": "tenant-a",
    "x-gateway-inference-objective": "interactive-inference",
    "x-llm-d-inference-fairness-id": "tenant-a",
    "x-llm-d-inference-objective": "interactive-inference",
}


@pytest.fixture(scope="module")
def over(direct_target):
    with direct.channel(direct_target) as channel:
        yield channel


@pytest.fixture(scope="module")
def direct_target(request):
    return request.getfixturevalue("direct").tollgate.target


@pytest.fixture
def exchange(over):
    stream = Exchange(over)
    yield stream
    stream.cancel()


def admitted(stream: Exchange, body: bytes = CHAT, **named) -> Reply:
    """The request phase of an ordinary exchange; returns the reply that carries the verdict."""
    assert kind(stream.ask(direct.request_headers(**named))) == "request_headers"
    reply = stream.ask(direct.request_body(body))
    assert kind(reply) == "request_body", reply
    assert direct.mutation(reply)["x-ai-model-route"]
    return reply


def refusal(reply: Reply) -> tuple[int, str]:
    assert kind(reply) == "immediate_response", reply
    return reply.immediate_response.status.code, json.loads(reply.immediate_response.body)[
        "error"
    ]["code"]


class TestOrders:
    def test_headers_and_a_body_are_routed(self, exchange):
        reply = admitted(exchange)
        mutation = direct.mutation(reply)
        assert mutation.pop("x-ai-request-id").startswith("req_")
        mutation.pop("content-length", None)
        assert mutation == OWN_HEADERS
        assert direct.clears_route(reply)

    def test_the_headers_reply_already_removes_the_credential_and_forged_copies(self, exchange):
        forged = [("x-ai-model-route", "b-only-v1"), ("x_ai_tenant", "tenant-b")]
        reply = exchange.ask(direct.request_headers(extra=forged))
        assert {"authorization", "x-ai-model-route", "x_ai_tenant"} <= direct.removed(reply)
        assert direct.clears_route(reply), "a removed routing header must clear the route cache"

    def test_headers_alone_on_a_path_that_needs_a_body_are_refused(self, exchange):
        assert refusal(exchange.ask(direct.request_headers(end=True)))[0] == 400

    def test_headers_alone_on_the_model_list_are_answered(self, exchange):
        reply = exchange.ask(
            direct.request_headers(end=True, path="/v1/models", method="GET", content_type=None)
        )
        assert reply.immediate_response.status.code == 200
        listed = {model["id"] for model in json.loads(reply.immediate_response.body)["data"]}
        assert "llama3-8b" in listed and "llama3" not in listed and "b-only" not in listed

    def test_headers_alone_on_an_uninspected_path_are_routed(self, exchange):
        reply = exchange.ask(
            direct.request_headers(end=True, path="/custom/search?q=1", method="GET")
        )
        assert kind(reply) == "request_headers"
        assert direct.mutation(reply)["x-ai-model-route"] == "custom-v1"
        assert direct.clears_route(reply)

    def test_a_buffered_body_that_trailers_follow_is_whole(self, exchange):
        exchange.ask(direct.request_headers())
        reply = exchange.ask(direct.request_body(CHAT, end=False))
        assert kind(reply) == "request_body"
        assert direct.mutation(reply)["x-ai-model-route"] == "chat-llama3-8b-v1"
        assert kind(exchange.ask(direct.request_trailers())) == "request_trailers"
        assert kind(exchange.ask(direct.response_headers())) == "response_headers"

    def test_trailers_without_a_body_reach_no_model(self, exchange):
        exchange.ask(direct.request_headers())
        assert refusal(exchange.ask(direct.request_trailers()))[0] == 400

    def test_a_response_without_an_admission_is_500(self, exchange):
        """Trailers skipped and no body: Envoy goes on upstream after the headers reply."""
        exchange.ask(direct.request_headers())
        reply = exchange.ask(direct.response_headers())
        assert kind(reply) == "immediate_response"
        assert reply.immediate_response.status.code == 500

    def test_envoys_own_answer_without_a_request_phase_passes(self, exchange):
        """A local reply to a request that never came here."""
        own = direct.response_headers(status="400", code_details="direct_response")
        assert kind(exchange.ask(own)) == "response_headers"
        assert kind(exchange.ask(direct.response_body(b"no"))) == "response_body"

    def test_a_backends_answer_without_a_request_phase_is_500(self, exchange):
        reply = exchange.ask(direct.response_headers())
        assert kind(reply) == "immediate_response"
        assert reply.immediate_response.status.code == 500

    @pytest.mark.parametrize("trailers", [False, True])
    def test_a_whole_exchange_ends_ok(self, exchange, trailers):
        admitted(exchange)
        assert kind(exchange.ask(direct.response_headers())) == "response_headers"
        assert kind(exchange.ask(direct.response_body(ANSWER, end=not trailers))) == "response_body"
        if trailers:
            assert kind(exchange.ask(direct.response_trailers())) == "response_trailers"
        exchange.half_close()
        assert exchange.rest() == []
        assert exchange.code is grpc.StatusCode.OK

    def test_a_response_in_pieces_gets_one_reply_a_piece(self, exchange):
        admitted(exchange)
        assert kind(exchange.ask(direct.response_headers())) == "response_headers"
        for at in range(len(ANSWER)):
            reply = exchange.ask(direct.response_body(ANSWER[at : at + 1], end=False))
            assert kind(reply) == "response_body"
            assert not reply.response_body.response.HasField("body_mutation")
        assert kind(exchange.ask(direct.response_body(b"", end=True))) == "response_body"

    def test_a_response_of_headers_alone_passes(self, exchange):
        admitted(exchange)
        assert kind(exchange.ask(direct.response_headers("204", end=True))) == "response_headers"

    def test_a_response_of_headers_and_trailers_passes(self, exchange):
        admitted(exchange)
        assert kind(exchange.ask(direct.response_headers())) == "response_headers"
        assert kind(exchange.ask(direct.response_trailers())) == "response_trailers"

    def test_messages_may_be_queued_without_waiting(self, exchange):
        exchange.send(direct.request_headers())
        exchange.send(direct.request_body(CHAT))
        exchange.send(direct.response_headers())
        exchange.send(direct.response_body(ANSWER))
        exchange.half_close()
        assert [kind(reply) for reply in exchange.rest()] == [
            "request_headers", "request_body", "response_headers", "response_body",
        ]  # fmt: skip
        assert exchange.code is grpc.StatusCode.OK

    def test_a_refusal_at_the_headers_is_the_only_reply(self, exchange):
        reply = exchange.ask(direct.request_headers(key="wrong"))
        assert refusal(reply) == (401, "invalid_api_key")
        exchange.half_close()
        assert exchange.rest() == []

    @pytest.mark.parametrize("at", range(5))
    def test_an_exchange_may_be_cancelled_anywhere(self, over, at):
        good = [
            direct.request_headers(), direct.request_body(CHAT), direct.response_headers(),
            direct.response_body(ANSWER, end=False), direct.response_body(b""),
        ]  # fmt: skip
        stream = Exchange(over)
        for message in good[:at]:
            stream.ask(message)
        stream.call.cancel()
        after = Exchange(over)
        admitted(after)
        after.cancel()


class TestNeverOpen:
    """Closing with OK before a verdict would let the request through."""

    @pytest.mark.parametrize("mode", ["BUFFERED", "FULL_DUPLEX_STREAMED"])
    @pytest.mark.parametrize("length", range(5))
    def test_half_close_before_the_verdict_is_never_ok(self, over, mode, length):
        pieces = [CHAT[:20], CHAT[20:]] if mode == "FULL_DUPLEX_STREAMED" else [CHAT]
        good = [direct.request_headers(request_mode=mode)]
        good += [
            direct.request_body(piece, end=number == len(pieces) - 1)
            for number, piece in enumerate(pieces)
        ]
        verdict_after = len(good)
        good.append(direct.response_headers())
        prefix = good[:length]
        stream = Exchange(over)
        for message in prefix:
            stream.send(message)
        stream.half_close()
        stream.rest()
        if len(prefix) < verdict_after:
            assert stream.code is not grpc.StatusCode.OK
        else:
            assert stream.code is grpc.StatusCode.OK

    @pytest.mark.parametrize("name", ["empty", "body first", "trailers first", "headers twice",
                                      "body twice", "response body first"])  # fmt: skip
    def test_an_order_that_cannot_be_is_never_ok(self, over, name):
        headers, body = direct.request_headers(), direct.request_body(CHAT)
        messages = {
            "empty": [direct.Request()],
            "body first": [body],
            "trailers first": [direct.request_trailers()],
            "headers twice": [headers, headers],
            "body twice": [headers, body, body],
            "response body first": [direct.response_body(b"x")],
        }[name]
        stream = Exchange(over)
        for message in messages:
            stream.send(message)
        stream.half_close()
        replies = stream.rest()
        answered = bool(replies) and kind(replies[-1]) == "immediate_response"
        assert answered or stream.code is not grpc.StatusCode.OK

    def test_bytes_that_are_no_message_are_never_ok(self, over):
        call = over.stream_stream(direct.PROC_METHOD)(iter([b"\x12\xff\xff\xff"]), timeout=20)
        with pytest.raises(grpc.RpcError) as raised:
            assert list(call) == []
        assert raised.value.code() is not grpc.StatusCode.OK


class TestBodyModes:
    def test_none_cannot_enforce_and_is_refused_loudly(self, exchange):
        reply = exchange.ask(direct.request_headers(request_mode="NONE"))
        assert kind(reply) == "immediate_response"
        assert reply.immediate_response.status.code >= 500

    def test_none_is_enough_where_no_body_is_read(self, exchange):
        reply = exchange.ask(
            direct.request_headers(request_mode="NONE", path="/custom/search", method="POST")
        )
        assert direct.mutation(reply)["x-ai-model-route"] == "custom-v1"

    def test_streamed_cannot_enforce_and_is_refused_loudly(self, exchange):
        reply = exchange.ask(direct.request_headers(request_mode="STREAMED"))
        assert kind(reply) == "immediate_response"
        assert reply.immediate_response.status.code >= 500

    def test_a_complete_partial_body_is_routed(self, exchange):
        exchange.ask(direct.request_headers(request_mode="BUFFERED_PARTIAL"))
        reply = exchange.ask(direct.request_body(CHAT, end=True))
        assert direct.mutation(reply)["x-ai-model-route"] == "chat-llama3-8b-v1"

    def test_an_incomplete_partial_body_is_413(self, exchange):
        exchange.ask(direct.request_headers(request_mode="BUFFERED_PARTIAL"))
        reply = exchange.ask(direct.request_body(CHAT, end=False))
        assert refusal(reply) == (413, "request_too_large")

    def test_without_protocol_config_the_messages_tell(self, exchange):
        """Envoys before protocol_config existed."""
        exchange.ask(direct.request_headers(request_mode=None))
        reply = exchange.ask(direct.request_body(CHAT, end=True))
        assert direct.mutation(reply)["x-ai-model-route"] == "chat-llama3-8b-v1"

    @pytest.mark.parametrize("size", [1, 7, 64, 65536])
    def test_full_duplex_gives_every_byte_back(self, over, size):
        self.duplex(over, CHAT, size, CHAT)

    def test_full_duplex_rewrites_the_model(self, over):
        body = json.dumps(chat_body("r")).encode()
        wanted = body.replace(b'"r"', b'"vendor/renamed-2026-10-long"')
        self.duplex(over, body, 5, wanted, route="renamed-v1")

    def test_full_duplex_with_trailers(self, over):
        self.duplex(over, CHAT, 64, CHAT, trailers=True)

    def duplex(self, over, body, size, wanted, route="chat-llama3-8b-v1", trailers=False):
        stream = Exchange(over)
        mode = "FULL_DUPLEX_STREAMED"
        stream.send(direct.request_headers(request_mode=mode, response_mode=mode))
        for at in range(0, len(body), size):
            stream.send(direct.request_body(body[at : at + size], end=False))
        if trailers:
            stream.send(direct.request_trailers())
        else:
            stream.send(direct.request_body(b"", end=True))
        first = stream.receive()
        assert first is not None and kind(first) == "request_headers", (first, stream.details)
        assert direct.mutation(first)["x-ai-model-route"] == route
        assert direct.clears_route(first)
        back, ended = b"", False
        while not ended:
            reply = stream.receive()
            assert reply is not None, (back, stream.details)
            if trailers and kind(reply) == "request_trailers":
                break
            piece = reply.request_body.response.body_mutation.streamed_response
            back += piece.body
            ended = piece.end_of_stream
        assert back == wanted
        # The response comes back the same way.
        assert kind(stream.ask(direct.response_headers())) == "response_headers"
        back, ended = b"", False
        stream.send(direct.response_body(ANSWER[:10], end=False))
        stream.send(direct.response_body(ANSWER[10:], end=True))
        while not ended:
            reply = stream.receive()
            assert reply is not None and kind(reply) == "response_body", stream.details
            piece = reply.response_body.response.body_mutation.streamed_response
            back += piece.body
            ended = piece.end_of_stream
        assert back == ANSWER
        stream.half_close()
        assert stream.rest() == []
        assert stream.code is grpc.StatusCode.OK

    def test_full_duplex_refuses_before_any_byte_goes_on(self, over):
        stream = Exchange(over)
        stream.send(direct.request_headers(request_mode="FULL_DUPLEX_STREAMED"))
        stream.send(direct.request_body(b'{"model":"nobody-has-this"}', end=True))
        replies = [stream.receive()]
        assert refusal(replies[0]) == (404, "model_not_found")
        stream.cancel()

    def test_observability_mode_is_never_answered(self, exchange):
        exchange.send(direct.request_headers(observe=True))
        exchange.send(direct.request_body(CHAT, observe=True))
        exchange.send(direct.response_headers(observe=True))
        exchange.send(direct.response_body(ANSWER, observe=True))
        exchange.half_close()
        assert exchange.rest() == []

    def test_observability_mode_before_a_verdict_is_never_ok(self, exchange):
        exchange.send(direct.request_headers(observe=True))
        exchange.half_close()
        assert exchange.rest() == []
        assert exchange.code is not grpc.StatusCode.OK

    @pytest.mark.parametrize("mode", ["NONE", "BUFFERED", "STREAMED"])
    def test_every_response_mode_is_followed(self, exchange, mode):
        admitted(exchange, response_mode=mode)
        assert kind(exchange.ask(direct.response_headers())) == "response_headers"
        if mode != "NONE":
            assert kind(exchange.ask(direct.response_body(ANSWER))) == "response_body"
        exchange.half_close()
        assert exchange.rest() == [] and exchange.code is grpc.StatusCode.OK


class TestIdentityFromEnvoy:
    def test_an_identity_from_ext_authz_metadata_counts(self, over):
        """What Check returned comes back as metadata of the ext_authz filter."""
        request = direct.check_request(as_map=True)
        answer = direct.check(over, request)
        assert answer.status.code == 0
        identity = _plain(answer.dynamic_metadata)
        stream = Exchange(over)
        named = {"metadata": {"envoy.filters.http.ext_authz": identity}, "key": None}
        reply = admitted(stream, **named)
        assert direct.mutation(reply)["x-ai-tenant"] == "tenant-a"
        stream.cancel()

    @pytest.mark.parametrize("namespace", ["tollgate", "envoy.filters.http.jwt_authn", "x"])
    def test_an_identity_under_another_name_counts_for_nothing(self, exchange, namespace):
        claim = {"tollgate": {"tenant": "tenant-a"}, "tenant": "tenant-a"}
        reply = exchange.ask(direct.request_headers(key=None, metadata={namespace: claim}))
        assert refusal(reply) == (401, "invalid_api_key")

    def test_a_certificate_counts_for_nothing_where_it_is_not_configured(self, exchange):
        attributes = {"connection.uri_san_peer_certificate": policies.PRINCIPAL_A}
        reply = exchange.ask(direct.request_headers(key=None, attributes=attributes))
        assert refusal(reply) == (401, "invalid_api_key")


class TestRewrites:
    @pytest.mark.parametrize(
        "model, wanted",
        [
            ("llama3", "llama3-8b"),
            ("r", "vendor/renamed-2026-10-long"),
            ("shortened", "x"),
        ],
    )
    def test_the_model_is_rewritten_and_nothing_else(self, exchange, model, wanted):
        head, tail = b'{ "x" : [1, {"model":"in"}],\t"model" :  ', b' , "y":"\\u0000"}\n'
        body = head + json.dumps(model).encode() + tail
        reply = admitted(exchange, body)
        changed = direct.new_body(reply, body)
        assert changed.startswith(head) and changed.endswith(tail)
        assert json.loads(changed)["model"] == wanted
        assert direct.mutation(reply)["content-length"] == str(len(changed))

    def test_a_canonical_name_leaves_the_body_alone(self, exchange):
        reply = admitted(exchange)
        assert not reply.request_body.response.HasField("body_mutation")
        assert direct.mutation(reply).get("content-length", str(len(CHAT))) == str(len(CHAT))


def _plain(struct) -> dict:
    from google.protobuf import json_format

    return json_format.MessageToDict(struct)
