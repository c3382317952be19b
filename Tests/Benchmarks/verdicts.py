"""Whether a server answers correctly: an independent gRPC client asks it before and after the load.

Otherwise a server that is fast because it refuses, or allows, everything would look good in the table.
"""

import grpc
from envoy.service.auth.v3 import external_auth_pb2
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc

import workload

MESSAGE_BYTES_MAX = 64 << 20
KINDS = ["request_headers", "request_body", "response_headers", "response_body"]


class WrongAnswer(Exception):
    """A server said something else than it must; the text says what."""


def require(holds, what):
    if not holds:
        raise WrongAnswer(what)


class Client:
    """One channel to a server under test."""

    def __init__(self, target):
        size = MESSAGE_BYTES_MAX
        self.channel = grpc.insecure_channel(target, options=[
            ("grpc.max_send_message_length", size), ("grpc.max_receive_message_length", size),
        ])

    def close(self):
        self.channel.close()

    def wait(self, seconds):
        grpc.channel_ready_future(self.channel).result(timeout=seconds)

    def check(self, request):
        call = self.channel.unary_unary(
            workload.CHECK_PATH,
            request_serializer=external_auth_pb2.CheckRequest.SerializeToString,
            response_deserializer=external_auth_pb2.CheckResponse.FromString,
        )
        return call(request, timeout=20)

    def process(self, requests):
        """All replies to these messages, which are sent without waiting, as the load sends them."""
        call = self.channel.stream_stream(
            workload.PROCESS_PATH,
            request_serializer=ext_proc.ProcessingRequest.SerializeToString,
            response_deserializer=ext_proc.ProcessingResponse.FromString,
        )
        return list(call(iter(requests), timeout=20))


def mutated(mutation):
    """Header mutations as a dictionary of text; the last one of a name wins, as in Envoy."""
    headers = [option.header for option in mutation.set_headers]
    return {h.key.lower(): (h.raw_value or h.value.encode()).decode() for h in headers}


def check_verdict(reply, decides):
    require(reply.status.code == 0, f"Check was refused with code {reply.status.code}")
    require(reply.WhichOneof("http_response") != "denied_response", "Check was denied")
    if not decides:
        return
    metadata = dict(reply.dynamic_metadata)
    identity = dict(metadata["tollgate"]) if "tollgate" in metadata else metadata
    wanted = workload.tenant_name(workload.CALLER_TENANT)
    require(identity.get("tenant") == wanted, f"Check names the tenant {identity.get('tenant')}")
    wanted = f"svc:agent-{workload.CALLER_KEY}"
    require(identity.get("subject") == wanted, f"Check names {identity.get('subject')}")


def process_verdict(replies, decides):
    kinds = [reply.WhichOneof("response") for reply in replies]
    require(kinds == KINDS, f"the replies of a stream were {kinds}")
    if not decides:
        return
    common = replies[1].request_body.response
    headers = mutated(common.header_mutation)
    routes = {workload.route_name(workload.CALLER_MODEL, version) for version in (1, 2)}
    require(headers.get("x-ai-model-route") in routes, "x-ai-model-route is not one of the model's")
    wanted = {
        "x-ai-tenant": workload.tenant_name(workload.CALLER_TENANT),
        "x-ai-subject": f"svc:agent-{workload.CALLER_KEY}",
        "x-ai-model": workload.model_name(workload.CALLER_MODEL),
        "x-ai-stream": "false",
    }
    for name, value in wanted.items():
        require(headers.get(name) == value, f"{name} is {headers.get(name)!r}, not {value!r}")
    require(common.clear_route_cache, "the route cache is not cleared")
    removed = {
        name.lower()
        for reply in (replies[0].request_headers.response, common)
        for name in reply.header_mutation.remove_headers
    }
    require("authorization" in removed, "the credential is not removed")


def verify(target, cases, decides):
    """Asks for every case once; for a server that decides, also what it must refuse.

    Returns the bytes of response messages, framed, that each case's calls get.
    """
    client = Client(target)
    sizes = {}
    try:
        client.wait(20)
        for case in cases:
            try:
                if case.is_check:
                    replies = [client.check(case.messages[0])]
                    check_verdict(replies[0], decides)
                else:
                    replies = client.process(case.messages)
                    process_verdict(replies, decides)
            except WrongAnswer as wrong:
                raise WrongAnswer(f"{case.name}: {wrong}") from None
            except grpc.RpcError as error:
                raise WrongAnswer(f"{case.name}: gRPC {error.code()}: {error.details()}") from None
            sizes[case.name] = len(workload.framed(replies))
        if decides:
            refuse(client)
    finally:
        client.close()
    return sizes


def refuse(client):
    """A key that nobody has must be refused in both services: 401."""
    stranger = "tg-" + "0" * 48
    reply = client.check(workload.check_request(stranger))
    require(reply.denied_response.status.code == 401, "Check lets an unknown key in")
    requests = workload.process_requests(workload.chat_body(2 * workload.KIB, False), stranger)
    try:
        replies = client.process(requests)
    except grpc.RpcError as error:
        raise WrongAnswer(f"an unknown key ends the stream with {error.code()}") from None
    require(len(replies) >= 1, "an unknown key has no answer")
    immediate = replies[0].immediate_response
    require(immediate.status.code == 401, "Process lets an unknown key in")
