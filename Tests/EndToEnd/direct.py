"""An independent client of tollgate: grpcio with the official messages of xds-protos.

Speaks ext_proc message by message, as Envoy would, and reads what comes back.
"""

import queue
from collections.abc import Iterable

import grpc
from envoy.config.core.v3 import base_pb2
from envoy.extensions.filters.http.ext_proc.v3 import processing_mode_pb2 as modes
from envoy.service.auth.v3 import external_auth_pb2 as authz
from envoy.service.auth.v3 import external_auth_pb2_grpc as authz_grpc
from envoy.service.ext_proc.v3 import external_processor_pb2 as proc
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as proc_grpc
from google.protobuf import struct_pb2

import policy as policies

Mode = modes.ProcessingMode
BODY_MODES = {
    "NONE": Mode.NONE,
    "BUFFERED": Mode.BUFFERED,
    "BUFFERED_PARTIAL": Mode.BUFFERED_PARTIAL,
    "STREAMED": Mode.STREAMED,
    "FULL_DUPLEX_STREAMED": Mode.FULL_DUPLEX_STREAMED,
}
MESSAGE_BYTES_MAX = 128 << 20
CALL_SECONDS = 60
PROC_METHOD = "/envoy.service.ext_proc.v3.ExternalProcessor/Process"
CHECK_METHOD = "/envoy.service.auth.v3.Authorization/Check"

Request = proc.ProcessingRequest
Reply = proc.ProcessingResponse


def channel(target: str) -> grpc.Channel:
    return grpc.insecure_channel(target, options=[
        ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
        ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
        ("grpc.use_local_subchannel_pool", 1),
    ])  # fmt: skip


def header_map(fields: Iterable[tuple[str, str | bytes]]) -> base_pb2.HeaderMap:
    return base_pb2.HeaderMap(headers=[
        base_pb2.HeaderValue(
            key=name, raw_value=value if isinstance(value, bytes) else value.encode()
        )
        for name, value in fields
    ])  # fmt: skip


def request_fields(
    path: str = "/v1/chat/completions", method: str = "POST", host: str = policies.HOST_A,
    key: str | None = policies.KEY_A, extra: Iterable[tuple[str, str | bytes]] = (),
    content_type: str | None = "application/json",
) -> list[tuple[str, str | bytes]]:  # fmt: skip
    fields: list[tuple[str, str | bytes]] = [
        (":method", method), (":scheme", "http"), (":authority", host), (":path", path),
    ]
    if key is not None:
        fields.append(("authorization", f"Bearer {key}"))
    if content_type is not None:
        fields.append(("content-type", content_type))
    return fields + list(extra)


# Messages.


def request_headers(
    end: bool = False, request_mode: str | None = "BUFFERED", response_mode: str = "STREAMED",
    observe: bool = False, metadata: dict | None = None, attributes: dict | None = None,
    fields: list | None = None, **named,
) -> Request:  # fmt: skip
    message = Request(
        request_headers=proc.HttpHeaders(
            headers=header_map(fields or request_fields(**named)), end_of_stream=end
        ),
        observability_mode=observe,
    )
    if request_mode is not None:
        message.protocol_config.request_body_mode = BODY_MODES[request_mode]
        message.protocol_config.response_body_mode = BODY_MODES[response_mode]
    for namespace, value in (metadata or {}).items():
        message.metadata_context.filter_metadata[namespace].update(value)
    if attributes:
        value = struct_pb2.Struct()
        value.update(attributes)
        message.attributes["envoy.filters.http.ext_proc"].CopyFrom(value)
    return message


def request_body(body: bytes, end: bool = True, observe: bool = False) -> Request:
    return Request(
        request_body=proc.HttpBody(body=body, end_of_stream=end), observability_mode=observe
    )


def request_trailers() -> Request:
    return Request(
        request_trailers=proc.HttpTrailers(trailers=header_map([("x-checksum", "1")]))
    )


def response_headers(
    status: str = "200", end: bool = False, content_type: str = "application/json",
    observe: bool = False, code_details: str = "via_upstream",
) -> Request:  # fmt: skip
    message = Request(
        response_headers=proc.HttpHeaders(
            headers=header_map([(":status", status), ("content-type", content_type)]),
            end_of_stream=end,
        ),
        observability_mode=observe,
    )
    value = struct_pb2.Struct()
    value.update({"response.code_details": code_details, "response.flags": 0})
    message.attributes["envoy.filters.http.ext_proc"].CopyFrom(value)
    return message


def response_body(body: bytes, end: bool = True, observe: bool = False) -> Request:
    return Request(
        response_body=proc.HttpBody(body=body, end_of_stream=end), observability_mode=observe
    )


def response_trailers() -> Request:
    return Request(response_trailers=proc.HttpTrailers(trailers=header_map([("x-end", "1")])))


class Exchange:
    """One ext_proc stream. `code` is what it ended with, None while it is open."""

    def __init__(self, over: grpc.Channel, seconds: float = CALL_SECONDS):
        self._outgoing: queue.SimpleQueue = queue.SimpleQueue()
        self.call = proc_grpc.ExternalProcessorStub(over).Process(
            iter(self._outgoing.get, None), timeout=seconds
        )
        self.code: grpc.StatusCode | None = None
        self.details = ""

    def send(self, message: Request) -> None:
        self._outgoing.put(message)

    def half_close(self) -> None:
        self._outgoing.put(None)

    def receive(self) -> Reply | None:
        """The next reply, or None at the end, when `code` is set."""
        try:
            return next(self.call)
        except StopIteration:
            self.code, self.details = self.call.code(), self.call.details()
        except grpc.RpcError as error:
            self.code, self.details = error.code(), error.details()
        return None

    def ask(self, message: Request) -> Reply:
        """Sends one message and reads its one reply."""
        self.send(message)
        reply = self.receive()
        assert reply is not None, f"no reply: {self.code} {self.details}"
        return reply

    def rest(self) -> list[Reply]:
        """Everything still to come, until the stream's end."""
        replies = []
        while (reply := self.receive()) is not None:
            replies.append(reply)
        return replies

    def cancel(self) -> None:
        self._outgoing.put(None)
        self.call.cancel()


def kind(reply: Reply) -> str:
    """Which of the oneof a reply carries; an empty one is a fault (Envoy calls it spurious)."""
    which = reply.WhichOneof("response")
    assert which, "an empty ProcessingResponse"
    return which


def mutation(reply: Reply) -> dict[str, str]:
    """Headers that a reply sets, each of which must overwrite and use raw_value."""
    common = getattr(reply, kind(reply)).response
    result = {}
    for option in common.header_mutation.set_headers:
        name = option.header.key
        assert not option.header.value, f"{name}: value is set, Envoy wants raw_value"
        overwrites = base_pb2.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
        assert option.append_action == overwrites, f"{name} does not overwrite"
        assert name not in result, f"{name} is set twice"
        result[name] = option.header.raw_value.decode()
    return result


def removed(reply: Reply) -> set[str]:
    return set(getattr(reply, kind(reply)).response.header_mutation.remove_headers)


def clears_route(reply: Reply) -> bool:
    return getattr(reply, kind(reply)).response.clear_route_cache


def new_body(reply: Reply, original: bytes) -> bytes:
    """The body after a reply to a buffered body."""
    common = getattr(reply, kind(reply)).response
    if common.HasField("body_mutation"):
        assert common.body_mutation.WhichOneof("mutation") == "body"
        return common.body_mutation.body
    return original


def check_request(
    body: bytes | None = None, as_map: bool = False, raw_body: bool = False,
    principal: str = "", fields: list | None = None, **named,
) -> authz.CheckRequest:  # fmt: skip
    """A CheckRequest as Envoy builds it: `headers`, or `header_map` with encode_raw_headers."""
    everything = fields or request_fields(**named)
    plain = dict(everything)
    request = authz.CheckRequest()
    http = request.attributes.request.http
    http.method, http.path = _text(plain[":method"]), _text(plain[":path"])
    http.host, http.scheme = _text(plain[":authority"]), "http"
    http.protocol = "HTTP/1.1"
    if as_map:
        http.header_map.CopyFrom(header_map(everything))
    else:
        for name, value in everything:
            joined = f"{http.headers[name]},{_text(value)}" if name in http.headers else _text(value)
            http.headers[name] = joined
    if body is not None:
        http.size = len(body)
        if raw_body:
            http.raw_body = body
        else:
            http.body = body.decode()
    request.attributes.source.principal = principal
    return request


def check(over: grpc.Channel, request: authz.CheckRequest) -> authz.CheckResponse:
    return authz_grpc.AuthorizationStub(over).Check(request, timeout=CALL_SECONDS)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
