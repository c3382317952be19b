"""Our trimmed .proto files describe the same wire format as the official ones."""

import subprocess
from pathlib import Path

import pytest

# Importing the official modules fills protobuf's default pool with their descriptors.
from envoy.service.auth.v3 import external_auth_pb2  # noqa: F401
from envoy.service.ext_proc.v3 import external_processor_pb2  # noqa: F401
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_health.v1 import health_pb2  # noqa: F401

ROOT = Path(__file__).resolve().parents[2]
OFFICIAL = descriptor_pool.Default()

# Official fields that ours leave out on purpose. A field that is in neither place is new in
# Envoy: read about it, then add it to a .proto file or here.
LEFT_OUT = {
    "envoy.config.core.v3.Address": {"envoy_internal_address"},
    "envoy.config.core.v3.HeaderValueOption": {"append"},
    "envoy.config.core.v3.Metadata": {"typed_filter_metadata"},
    "envoy.config.core.v3.Pipe": {"mode"},
    "envoy.config.core.v3.SocketAddress": {
        "ipv4_compat", "named_port", "network_namespace_filepath", "resolver_name",
    },
    "envoy.service.auth.v3.AttributeContext": {"route_metadata_context", "tls_session"},
    "envoy.service.auth.v3.AttributeContext.HttpRequest": {"fragment", "query"},
    "envoy.service.auth.v3.AttributeContext.Peer": {"labels"},
    "envoy.service.auth.v3.CheckResponse": {"error_response"},
    "envoy.service.auth.v3.OkHttpResponse": {
        "dynamic_metadata", "query_parameters_to_remove", "query_parameters_to_set",
    },
    "envoy.service.ext_proc.v3.HttpHeaders": {"attributes"},
    "envoy.service.ext_proc.v3.ProcessingResponse": {"request_drain"},
    "google.rpc.Status": {"details"},
}


def trimmed_files() -> list[descriptor_pb2.FileDescriptorProto]:
    protos = ROOT / "Protos"
    names = sorted(str(path.relative_to(protos)) for path in protos.rglob("*.proto"))
    assert names, "no .proto files"
    encoded = subprocess.run(
        ["protoc", f"--proto_path={protos}", "--descriptor_set_out=/dev/stdout", *names],
        check=True, capture_output=True,
    ).stdout
    return list(descriptor_pb2.FileDescriptorSet.FromString(encoded).file)


def walk(files):
    """Every message and enum by its full name, nested ones and map entries included."""
    messages, enums = {}, {}

    def visit(prefix, message):
        name = f"{prefix}.{message.name}"
        messages[name] = message
        for enum in message.enum_type:
            enums[f"{name}.{enum.name}"] = enum
        for nested in message.nested_type:
            visit(name, nested)

    for file in files:
        for message in file.message_type:
            visit(file.package, message)
        for enum in file.enum_type:
            enums[f"{file.package}.{enum.name}"] = enum
    return messages, enums


def as_proto(descriptor, kind):
    proto = kind()
    descriptor.CopyToProto(proto)
    return proto


def wire_view(message, field):
    """Everything that decides how a field is encoded."""
    oneof = message.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else None
    return {
        "number": field.number,
        "type": field.Type.Name(field.type),
        "type_name": field.type_name,
        "label": field.Label.Name(field.label),
        "oneof": oneof,
        "optional": field.proto3_optional,
        "packed": field.options.packed if field.options.HasField("packed") else None,
    }


FILES = trimmed_files()
MESSAGES, ENUMS = walk(FILES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_files_have_the_official_syntax(file):
    assert file.syntax == "proto3"


@pytest.mark.parametrize("name", MESSAGES)
def test_every_field_is_the_official_one(name):
    message = MESSAGES[name]
    official = as_proto(OFFICIAL.FindMessageTypeByName(name), descriptor_pb2.DescriptorProto)
    assert message.options.map_entry == official.options.map_entry
    theirs = {field.name: wire_view(official, field) for field in official.field}
    for field in message.field:
        assert wire_view(message, field) == theirs.get(field.name), f"{name}.{field.name}"


@pytest.mark.parametrize("name", MESSAGES)
def test_no_official_field_is_left_out_unnoticed(name):
    official = OFFICIAL.FindMessageTypeByName(name)
    ours = {field.name for field in MESSAGES[name].field}
    missing = {field.name for field in official.fields} - ours
    assert missing == LEFT_OUT.get(name, set())


def test_the_list_of_left_out_fields_names_only_our_messages():
    assert set(LEFT_OUT) <= set(MESSAGES)


@pytest.mark.parametrize("name", ENUMS)
def test_every_enum_value_is_the_official_one(name):
    theirs = {value.name: value.number for value in OFFICIAL.FindEnumTypeByName(name).values}
    for value in ENUMS[name].value:
        assert theirs.get(value.name) == value.number, f"{name}.{value.name}"


def test_the_messages_of_every_method_we_serve_are_there():
    assert {
        "envoy.service.ext_proc.v3.ProcessingRequest",
        "envoy.service.ext_proc.v3.ProcessingResponse",
        "envoy.service.auth.v3.CheckRequest",
        "envoy.service.auth.v3.CheckResponse",
        "grpc.health.v1.HealthCheckRequest",
        "grpc.health.v1.HealthCheckResponse",
    } <= set(MESSAGES)


def test_the_generated_c_is_current():
    result = subprocess.run(
        [ROOT / "Protos" / "generate", "--check"], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
