"""The official openai SDK as the client, through Envoy, to the simulated models."""

import uuid

import openai
import pytest

import policy as policies
from harness import poll


@pytest.fixture(scope="module")
def client(providers):
    with make_client(providers) as client:
        yield client


def make_client(stack, key: str = policies.KEY_A, host: str = policies.HOST_A, **named):
    return openai.OpenAI(
        base_url=stack.url + "/v1", api_key=key, timeout=60,
        default_headers={"Host": host} | named.pop("headers", {}), **named,
    )  # fmt: skip


MESSAGES = [{"role": "user", "content": "Say hello."}]


def test_chat(client):
    answer = client.chat.completions.with_raw_response.create(model="llama3-8b", messages=MESSAGES)
    parsed = answer.parse()
    assert parsed.choices[0].message.content
    assert parsed.usage.total_tokens > 0
    assert answer.headers["x-ai-model-route"] == "chat-llama3-8b-v1"
    assert answer.headers["x-ai-request-id"].startswith("req_")


def test_chat_by_alias(client):
    assert client.chat.completions.create(model="llama3", messages=MESSAGES).choices


def test_chat_stream(client):
    chunks = list(
        client.chat.completions.create(model="llama3-8b", messages=MESSAGES, stream=True)
    )
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert all(chunk.choices for chunk in chunks), "a usage chunk that was not asked for"


def test_chat_stream_with_usage(client):
    chunks = list(
        client.chat.completions.create(
            model="llama3-8b", messages=MESSAGES, stream=True,
            stream_options={"include_usage": True},
        )  # fmt: skip
    )
    assert chunks[-1].usage.total_tokens > 0


def test_completions(client):
    answer = client.completions.create(model="llama3-8b", prompt="Say hello.", max_tokens=8)
    assert answer.choices[0].text


def test_embeddings(client):
    answer = client.embeddings.create(model="bge-small", input=["one", "two"])
    assert len(answer.data) == 2 and answer.data[0].embedding


def test_responses(client):
    answer = client.responses.create(model="llama3-8b", input="Say hello.")
    assert answer.output_text
    assert answer.usage.total_tokens > 0


def test_responses_stream(client):
    events = list(client.responses.create(model="llama3-8b", input="Say hello.", stream=True))
    assert events[-1].type == "response.completed"


def test_models_list_is_this_callers(client):
    names = {model.id for model in client.models.list()}
    assert {"llama3-8b", "bge-small", "renamed", "whisper-sim"} <= names
    assert not names & {"llama3", "r", "whisper-1", "b-only"}


def test_models_list_of_a_narrow_key(providers):
    with make_client(providers, policies.KEY_A_NARROW) as client:
        assert {model.id for model in client.models.list()} == {"bge-small"}


def test_models_retrieve(client):
    assert client.models.retrieve("llama3-8b").id == "llama3-8b"


@pytest.mark.parametrize("name", ["org/sim:1", "org/sim", "llama3"])
def test_models_retrieve_by_a_name_with_a_slash_or_an_alias(client, name):
    """The SDK encodes the slash; the answer has the name that was asked for."""
    assert client.models.retrieve(name).id == name
    assert client.chat.completions.create(model=name, messages=MESSAGES).choices


@pytest.mark.parametrize("name", ["org%2Fsim", "org/other", "b/only", "../models/llama3-8b", "a%zz"])
def test_models_retrieve_of_none(client, name):
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve(name)


def test_audio_transcription(client):
    answer = client.audio.transcriptions.create(
        model="whisper-1", file=("speech.wav", b"RIFF" + bytes(range(256)) * 40, "audio/wav")
    )
    assert answer.text


def test_azure_client_path(providers):
    with openai.AzureOpenAI(
        azure_endpoint=providers.url, api_key=policies.KEY_A, api_version="2024-10-21",
        default_headers={"Host": policies.HOST_A}, timeout=60,
    ) as client:  # fmt: skip
        assert client.chat.completions.create(model="llama3-8b", messages=MESSAGES).choices


@pytest.mark.parametrize(
    "call, kind, status, code",
    [
        (lambda c: c.chat.completions.create(model="nobody-has-this", messages=MESSAGES),
         openai.NotFoundError, 404, "model_not_found"),
        (lambda c: c.chat.completions.create(model="b-only", messages=MESSAGES),
         openai.NotFoundError, 404, "model_not_found"),
        (lambda c: c.models.retrieve("b-only"), openai.NotFoundError, 404, "model_not_found"),
        (lambda c: c.images.generate(model="llama3-8b", prompt="x"),
         openai.PermissionDeniedError, 403, "path_not_allowed"),
        (lambda c: c.chat.completions.create(
            model="llama3-8b", messages=MESSAGES, extra_body={"n": 0}),
         openai.BadRequestError, 400, "invalid_value"),
        (lambda c: c.with_options(api_key="wrong").models.list(),
         openai.AuthenticationError, 401, "invalid_api_key"),
        (lambda c: c.with_options(api_key="wrong").chat.completions.create(
            model="llama3-8b", messages=MESSAGES),
         openai.AuthenticationError, 401, "invalid_api_key"),
        (lambda c: c.with_options(default_headers={"Host": policies.HOST_B}).models.list(),
         openai.PermissionDeniedError, 403, "tenant_mismatch"),
    ],
)  # fmt: skip
def test_a_refusal_is_the_right_exception_and_is_not_retried(
    providers, call, kind, status, code
):
    test_id = uuid.uuid4().hex
    with make_client(providers, headers={"x-test-id": test_id}) as client:
        with pytest.raises(kind) as raised:
            call(client)
    assert raised.value.status_code == status
    assert raised.value.code == code
    assert isinstance(raised.value.body, dict) and raised.value.body["message"]
    entries = poll("the request is logged", lambda: providers.access_log(test_id))
    assert len(entries) == 1, "the SDK retried"


def test_an_upstream_error_passes_unchanged(client):
    with pytest.raises(openai.UnprocessableEntityError):
        client.with_options(max_retries=0).chat.completions.create(
            model="llama3-8b", messages=MESSAGES, extra_headers={"x-sim-status": "422"}
        )
