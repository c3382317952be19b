"""grpc.health.v1: Check for probes, Watch for load balancers."""

import grpc
import pytest

import direct

SERVICES = ["", "envoy.service.ext_proc.v3.ExternalProcessor", "envoy.service.auth.v3.Authorization"]
SERVING, NOT_SERVING, SERVICE_UNKNOWN = b"\x08\x01", b"\x08\x02", b"\x08\x03"


def request(service: str) -> bytes:
    return (b"\x0a" + bytes([len(service)]) + service.encode()) if service else b""


@pytest.fixture(scope="module")
def over(request):
    target = request.getfixturevalue("direct").tollgate.target
    with direct.channel(target) as channel:
        yield channel


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_is_serving(over, service):
    assert over.unary_unary("/grpc.health.v1.Health/Check")(request(service), timeout=20) == SERVING


@pytest.mark.parametrize("service", SERVICES)
def test_watch_tells_the_state_at_once(over, service):
    watch = over.unary_stream("/grpc.health.v1.Health/Watch")(request(service), timeout=20)
    assert next(watch) == SERVING
    watch.cancel()


def test_check_of_an_unknown_service_is_not_found(over):
    with pytest.raises(grpc.RpcError) as raised:
        over.unary_unary("/grpc.health.v1.Health/Check")(request("no.such.Service"), timeout=20)
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND


def test_watch_of_an_unknown_service_says_so_and_stays(over):
    watch = over.unary_stream("/grpc.health.v1.Health/Watch")(request("no.such"), timeout=20)
    assert next(watch) == SERVICE_UNKNOWN
    assert watch.is_active()
    watch.cancel()


def test_an_unknown_method_is_unimplemented(over):
    with pytest.raises(grpc.RpcError) as raised:
        over.unary_unary("/grpc.health.v1.Health/Nope")(b"", timeout=20)
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED
