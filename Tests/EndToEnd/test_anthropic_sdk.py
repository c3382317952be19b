"""The official anthropic SDK as the client, through Envoy, to the simulated models."""

import anthropic
import pytest

import policy as policies

ASKED = {
    "model": "claude-sim", "max_tokens": 64,
    "messages": [{"role": "user", "content": "Say hello."}],
}  # fmt: skip


@pytest.fixture(scope="module")
def client(providers):
    with make_client(providers) as client:
        yield client


def make_client(stack, key: str = policies.KEY_A, host: str = policies.HOST_A):
    return anthropic.Anthropic(
        base_url=stack.url, api_key=key, default_headers={"Host": host}, timeout=60
    )


def test_messages(client):
    answer = client.messages.create(**ASKED)
    assert answer.content[0].text
    assert answer.usage.output_tokens > 0


def test_messages_stream(client):
    with client.messages.stream(**ASKED) as stream:
        text = "".join(stream.text_stream)
        assert text
        assert stream.get_final_message().usage.output_tokens > 0


def test_count_tokens(client):
    counted = client.messages.count_tokens(model="claude-sim", messages=ASKED["messages"])
    assert counted.input_tokens > 0


def test_models(client):
    names = {model.id for model in client.models.list()}
    assert {"llama3-8b", "org/sim:1"} <= names and "org/sim" not in names


@pytest.mark.parametrize("name", ["org/sim:1", "org/sim", "claude-sim"])
def test_models_retrieve(client, name):
    assert client.models.retrieve(name).id == name


def test_models_retrieve_of_none(client):
    with pytest.raises(anthropic.NotFoundError) as raised:
        client.models.retrieve("org/none")
    assert raised.value.body["error"]["type"] == "not_found_error"


@pytest.mark.parametrize(
    "options, change, kind, status, type_",
    [
        ({"key": "wrong"}, {}, anthropic.AuthenticationError, 401, "authentication_error"),
        ({"host": policies.HOST_B}, {}, anthropic.PermissionDeniedError, 403, "permission_error"),
        ({}, {"model": "nobody-has-this"}, anthropic.NotFoundError, 404, "not_found_error"),
        ({}, {"max_tokens": 0}, anthropic.BadRequestError, 400, "invalid_request_error"),
    ],
)
def test_a_refusal_is_the_right_exception(providers, options, change, kind, status, type_):
    with make_client(providers, **options) as client:
        with pytest.raises(kind) as raised:
            client.messages.create(**(ASKED | change))
    assert raised.value.status_code == status
    body = raised.value.body
    assert body["type"] == "error"
    assert body["error"]["type"] == type_
    assert body["error"]["message"]
    assert body["request_id"].startswith("req_")
