"""The official SDKs understand the simulator's answers as they do a provider's."""

import anthropic
import openai
import pytest

MESSAGES = [{"role": "user", "content": "hello there"}]


@pytest.fixture
def client(simulator):
    return openai.OpenAI(base_url=simulator.url() + "/v1", api_key="k", max_retries=0)


@pytest.fixture
def claude(simulator):
    return anthropic.Anthropic(base_url=simulator.url(), api_key="k", max_retries=0)


def test_chat_has_as_many_tokens_as_asked_for(client):
    chat = client.chat.completions.create(model="m", messages=MESSAGES, extra_headers={"x-sim-tokens": "5"})
    assert chat.choices[0].finish_reason == "stop"
    assert chat.usage.completion_tokens == 5
    assert chat.usage.total_tokens == chat.usage.prompt_tokens + 5
    assert chat.choices[0].message.content == "The model says what it"


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_chat_is_bounded_by_the_request(client, name):
    chat = client.chat.completions.create(model="m", messages=MESSAGES, n=3, **{name: 2})
    assert [choice.finish_reason for choice in chat.choices] == ["length"] * 3
    assert chat.usage.completion_tokens == 6


def test_equal_requests_get_equal_answers_but_for_their_number(client):
    first, second = (client.chat.completions.create(model="m", messages=MESSAGES) for _ in range(2))
    assert first.id != second.id
    assert first.model_dump(exclude={"id"}) == second.model_dump(exclude={"id"})


@pytest.mark.parametrize("choices", [1, 2])
def test_chat_stream_says_what_the_whole_answer_says(client, choices):
    whole = client.chat.completions.create(model="m", messages=MESSAGES, n=choices)
    said = {}
    for chunk in client.chat.completions.create(model="m", messages=MESSAGES, n=choices, stream=True):
        assert chunk.usage is None
        for choice in chunk.choices:
            said[choice.index] = said.get(choice.index, "") + (choice.delta.content or "")
    assert said == {choice.index: choice.message.content for choice in whole.choices}


def test_chat_stream_ends_with_usage_when_asked(client):
    chunks = list(
        client.chat.completions.create(
            model="m", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
    )
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == 16


@pytest.mark.parametrize(
    "how, expected",
    [
        ("none", [None] * 5),
        ("continuous", [0, 1, 2, 3, 3]),
        ("with-choices", [None, None, None, None, 3]),
    ],
)
def test_usage_can_be_carried_otherwise(client, how, expected):
    headers = {"x-sim-usage": how, "x-sim-tokens": "3"}
    chunks = client.chat.completions.create(model="m", messages=MESSAGES, stream=True, extra_headers=headers)
    assert [chunk.usage and chunk.usage.completion_tokens for chunk in chunks] == expected


def test_cached_tokens_are_part_of_the_prompt(client, claude):
    headers = {"x-sim-cached": "2"}
    usage = client.chat.completions.create(model="m", messages=MESSAGES, extra_headers=headers).usage
    assert usage.prompt_tokens_details.cached_tokens == 2
    other = claude.messages.create(model="m", max_tokens=3, messages=MESSAGES, extra_headers=headers).usage
    assert other.cache_read_input_tokens == 2
    assert other.input_tokens + 2 == usage.prompt_tokens


def test_legacy_completions(client):
    whole = client.completions.create(model="m", prompt="say")
    streamed = client.completions.create(model="m", prompt="say", stream=True)
    assert "".join(chunk.choices[0].text for chunk in streamed) == whole.choices[0].text


def test_embeddings_as_base64_and_as_floats(client):
    # The SDK asks for base64 unless told otherwise, and decodes it.
    coded = client.embeddings.create(model="m", input=["a", "b"], dimensions=5)
    plain = client.embeddings.create(model="m", input=["a", "b"], dimensions=5, encoding_format="float")
    assert [item.embedding for item in coded.data] == [item.embedding for item in plain.data]
    assert len(plain.data) == 2 and len(plain.data[0].embedding) == 5
    assert coded.usage.total_tokens == coded.usage.prompt_tokens > 0


def test_a_list_of_numbers_is_one_input(client):
    assert len(client.embeddings.create(model="m", input=[1, 2, 3]).data) == 1


@pytest.mark.parametrize("bound, status", [(None, "completed"), (3, "incomplete")])
def test_responses(client, bound, status):
    arguments = {"model": "m", "input": "hi"} | ({"max_output_tokens": bound} if bound else {})
    whole = client.responses.create(**arguments)
    assert whole.status == status and whole.usage.output_tokens == (bound or 16)
    events = list(client.responses.create(**arguments, stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[0].type == "response.created" and events[-1].type == f"response.{status}"
    assert events[-1].response.output_text == whole.output_text
    deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert deltas == whole.output_text


def test_the_other_openai_endpoints(client):
    assert client.moderations.create(model="m", input="x").results[0].flagged is False
    assert len(client.images.generate(model="m", prompt="x", n=2).data) == 2
    assert len(client.audio.speech.create(model="m", input="x", voice="alloy").read()) == 16 * 64
    wave = ("a.wav", b"RIFF" * 1000)
    assert client.audio.transcriptions.create(model="whisper", file=wave).text.startswith("The model")
    assert client.audio.translations.create(model="whisper", file=wave).text.startswith("The model")


def test_azure_paths_name_the_model(simulator):
    azure = openai.AzureOpenAI(azure_endpoint=simulator.url(), api_key="k", api_version="2024-06-01")
    raw = azure.chat.completions.with_raw_response.create(model="deployed", messages=MESSAGES)
    assert raw.headers["x-sim-model"] == "deployed"


def test_anthropic_messages(claude):
    whole = claude.messages.create(model="m", max_tokens=100, messages=MESSAGES)
    assert whole.stop_reason == "end_turn" and whole.usage.output_tokens == 16
    with claude.messages.stream(model="m", max_tokens=4, messages=MESSAGES) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert whole.content[0].text.startswith(text)
    assert final.stop_reason == "max_tokens" and final.usage.output_tokens == 4
    assert claude.messages.count_tokens(model="m", messages=MESSAGES).input_tokens == whole.usage.input_tokens


def test_failures_are_errors_of_the_dialect(client, claude):
    with pytest.raises(openai.InternalServerError) as error:
        client.chat.completions.create(model="m", messages=MESSAGES, extra_headers={"x-sim-status": "503"})
    assert error.value.status_code == 503
    with pytest.raises(anthropic.InternalServerError) as error:
        claude.messages.create(model="m", max_tokens=1, messages=MESSAGES, extra_headers={"x-sim-status": "500"})
    assert error.value.body["error"]["type"] == "api_error"


@pytest.mark.parametrize("headers", [{"x-sim-cut": "2"}, {"x-sim-reset": "1"}])
def test_cut_and_reset_streams_raise(client, headers):
    with pytest.raises(openai.APIConnectionError):
        list(client.chat.completions.create(model="m", messages=MESSAGES, stream=True, extra_headers=headers))
