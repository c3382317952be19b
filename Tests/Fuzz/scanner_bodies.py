"""Request bodies as clients send them, and what can go wrong with them."""

import base64
import json
import string

WORDS = (
    "the token stream model route budget gateway answer please summarise weather in Paris tomorrow "
    "naïve café Übergröße Привет мир 你好 世界 日本語 مرحبا 🙂 👩‍🚀 𝕏 ﬁ ſ K \u2028 \u00a0 \x7f").split(" ")
KEYS = [
    "model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "max_output_tokens",
    "n", "best_of", "include_usage", "continuous_usage_stats",
    "n_predict", "max_new_tokens", "max_length", "min_tokens", "min_new_tokens", "num_predict", "max_tokens_to_sample", "max_tool_calls",
    "prompt", "prompt_embeds", "previous_response_id", "conversation", "input", "messages", "extra_body", "parameters",
    "models", "fallbacks", "fallback_models", "model_fallbacks", "context_window_fallbacks",
    "content_policy_fallbacks", "context_window_fallback_dict", "custom_llm_provider", "ec_transfer_params", "route", "provider", "lora_path", "lora_request",
    "lora", "adapter_id", "kv_transfer_params", "bootstrap_host", "api_base", "base_url", "api_key", "background",
    "content", "output", "result", "image_url", "video_url", "audio_url", "input_audio", "file", "file_data",
    "source", "url", "data", "type", "id", "role",
]
NUMBERS = [
    "0", "1", "-1", "-0", "0.0", "1.0", "100", "100.0", "1e2", "1E+2", "10000e-2", "1e-2", "128", "129",
    "128.000", "1.28e2", "1.285e2", "2147483648", "2147483649", "2147483647", "21474836480e-1", "0.1e1",
    "0.00000000000000000001e20", "4294967297", "1e400", "1e-400", "9" * 30, "1" + "0" * 40 + "e-40",
    "1e99999999999999999999", "9999999999e9", "9999999999000000000", "1e-99999999999999999999", "0e99999999999999999999", "1.5", "2.50",
    "0.5", "64.0e0", "0.00012e7", "1" + "0" * 5000, "12" + "0" * 300 + "e-300", "18446744073709551617",
]
BAD_NUMBERS = [
    "01", "1.", ".5", "+1", "-", "1e", "1e+", "--1", "0x10", "1_000", "NaN", "Infinity", "-Infinity",
    "1.e3", "00", "-01", "1f", "１",
]
ESCAPES = [
    '\\"', "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t", "\\u0041", "\\u00e9", "\\ud83d\\ude00",
    "\\ud83d", "\\ude00", "\\ud83d\\ud83d\\ude00", "\\ud83dx", "\\ud83d\\n", "\\uFFFF", "\\u0000",
    "\\u001f", "\\uDBFF\\uDFFF", "\\ud800\\u0041", "\\u017f", "\\u212a",
]
BAD_ESCAPES = ["\\x41", "\\u12", "\\u12g4", "\\U0041", "\\'", "\\", "\\u", "\\u 123", "\\u+123", "\\a"]
BAD_UTF8 = [
    b"\x80", b"\xbf", b"\xc0\xaf", b"\xc1\xbf", b"\xe0\x80\xaf", b"\xe0\x9f\xbf", b"\xed\xa0\x80",
    b"\xed\xbf\xbf", b"\xf0\x80\x80\xaf", b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80",
    b"\xff", b"\xfe", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xc3\x28", b"\xe2\x28\xa1", b"\xf8\x88\x80\x80\x80",
]
GOOD_UTF8 = [
    b"\xc2\x80", b"\xdf\xbf", b"\xe0\xa0\x80", b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbf",
    b"\xf0\x90\x80\x80", b"\xf4\x8f\xbf\xbf", b"\xef\xbb\xbf", b"\xef\xbf\xbe",
]


class Bodies:
    """Bodies from one random source."""

    def __init__(self, random):
        self.random = random

    def body(self):
        """A realistic request, most often with something done to it."""
        request = self.random.choice((
            self.chat, self.chat, self.tools, self.image, self.embeddings, self.responses, self.continued,
            self.messages, self.documents, self.completion, self.prompts, self.routed, self.odd))()
        body = self.written(request)
        for _ in range(self.random.choice((0, 1, 1, 1, 1, 2, 3))):
            body = self.random.choice(self.MUTATIONS)(self, body)
        return body

    # What clients send.

    def words(self, least=0, most=40):
        return " ".join(self.random.choices(WORDS, k=self.random.randint(least, most)))

    def common(self):
        r = self.random
        request = {"model": r.choice(("gpt-4o", "llama3-8b", "org/モデル", "a" * r.choice((1, 255, 256, 257))))}
        optional = {
            "stream": r.choice((True, False, None)),
            "max_tokens": r.choice((1, 256, 4096, 2**31, None)),
            "max_completion_tokens": r.choice((16, 100, None)),
            "n": r.choice((1, 2, 128)), "temperature": 0.7, "top_p": 1, "user": self.words(1, 3),
            "stream_options": r.choice((
                None, {}, {"include_usage": True}, {"include_usage": False}, {"include_usage": None},
                {"continuous_usage_stats": False, "include_usage": True, "x": [1, {"include_usage": 1}]})),
            "stop": ["\n", "###"], "seed": 12345678901234567890, "logit_bias": {"50256": -100},
        }
        for key in r.sample(sorted(optional), r.randint(0, 5)):
            request[key] = optional[key]
        return request

    def shuffled(self, request):
        keys = list(request)
        if self.random.random() < 0.5:
            self.random.shuffle(keys)
        return {key: request[key] for key in keys}

    def chat(self):
        turns = [{"role": self.random.choice(("system", "user", "assistant")), "content": self.words()}
                 for _ in range(self.random.randint(1, 6))]
        return self.shuffled(self.common() | {"messages": turns})

    def tools(self):
        parameters = {"type": "object", "required": ["city"], "properties": {
            "city": {"type": "string", "description": self.words()},
            "model": {"type": "string", "enum": ["a", "b"]}, "stream": {"type": "boolean"}}}
        call = {"id": "call_1", "type": "function",
                "function": {"name": "weather", "arguments": json.dumps({"city": "Köln", "n": 3})}}
        return self.chat() | {
            "tools": [{"type": "function", "function": {"name": "weather", "parameters": parameters}}],
            "tool_choice": "auto", "parallel_tool_calls": False, "last": {"tool_calls": [call]}}

    def image(self):
        size = self.random.choice((3, 100, 190, 191, 192, 193, 1000, 3000))
        payload = base64.b64encode(self.random.choice((
            b"", b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF", b"%PDF-1.7")) +
            self.random.randbytes(size)).decode()
        if self.random.random() < 0.2:
            payload = payload.replace("+", "-").replace("/", "_")
        parts = [{"type": "text", "text": self.words()},
                 {"type": "image_url", "image_url": {"url": self.random.choice((
                     "data:image/png;base64," + payload, "data:, " + payload, "DATA:" + payload, payload,
                     "data:application/pdf;base64," + payload, "data:audio/wav;base64," + payload,
                     "data:image/png;charset=x;base64," + payload, "data:image/png;base64", "http://a/" + payload,
                     "data:", "data", "data:é", "https://example.com/" + payload[:20]))}},
                 {"type": "input_audio", "input_audio": {"format": "wav", "data": payload}}]
        parts += self.random.sample((
            {"type": "image_url", "image_url": "data:image/png;base64," + payload},
            {"type": "input_image", "image_url": {"url": payload, "detail": "high"}},
            {"type": "file", "file": {"file_data": "data:application/pdf;base64," + payload, "filename": "a.pdf"}},
            {"type": "input_file", "file_data": payload},
            {"type": "video_url", "video_url": {"url": "data:video/mp4;base64," + payload}},
            {"type": "audio_url", "audio_url": "word/word"},
            {"type": "tool_result", "content": [{"type": "image_url", "image_url": {"url": payload}}]}), 2)
        field = self.random.choice(("messages", "messages", "input"))
        where = self.random.choice(("content", "content", "content", "output", "text"))
        content = self.random.choice((parts, parts, parts, parts[-1], [parts]))
        return self.common() | {field: [{"role": "user", where: content}]}

    def documents(self):
        """Anthropic's form: the type of a source may stand before or behind its data."""
        data = base64.b64encode(self.random.choice((b"%PDF-1.4", b"\x89PNG\r\n\x1a\n", b"text")) + bytes(90)).decode()
        source = self.shuffled({
            "type": self.random.choice(("base64", "base64", "text", "url", None, 1)), "media_type": "image/png",
            "data": data, "url": "https://example.com/a.png"})
        part = self.shuffled({"type": "document", "source": source, "title": self.words()})
        for _ in range(self.random.choice((0, 0, 1, 5, 6, 7, 8))):
            part = {"type": "tool_result", "content": self.random.choice(([part], part))}
        return self.messages() | {"messages": [{"role": "user", "content": [part, {"type": "text", "text": "?"}]}]}

    def prompts(self):
        r = self.random
        tokens = [r.randrange(9999) for _ in range(r.randint(0, 5))]
        element = lambda: r.choice((self.words(0, 4), self.words(0, 4), tokens, [], 5, None, {"a": [1, "x"]}, [tokens]))
        lists = {key: r.choice(([element() for _ in range(r.randint(0, 6))], self.words(), None))
                 for key in r.sample(("prompt", "prompt_embeds"), r.randint(1, 2))}
        request = self.common() | {"best_of": r.choice((1, 128))}
        return self.shuffled(request | (lists if r.random() < 0.8 else {"extra_body": lists}))

    def routed(self):
        """A request that names other models or another way, at the top or inside."""
        r = self.random
        value = lambda: r.choice((
            "m", ["m"], ["a", "b"], [], {}, None, True, False, 3, "", ["a", ""], ["x" * 257], [["a"]], [None],
            [{"model": "a"}], {"model": "a"}, ["m"] * r.choice((63, 64, 65))))
        fields = {key: value() for key in r.sample(KEYS, r.randint(1, 3))}
        for _ in range(r.choice((0, 0, 1, 1, 2, 14, 15, 16))):
            fields = {r.choice(("extra_body", "parameters")): self.shuffled(fields | {"n": r.choice((1, 300, -1, 0.5))})}
        return self.shuffled(self.chat() | fields)

    def continued(self):
        r = self.random
        identity = lambda: r.choice(("msg_1", "rs_2", "", "i" * 256, "i" * 257, None, 7, "a\nb", "é"))
        item = lambda: self.shuffled(r.choice((
            {"type": "item_reference", "id": identity()}, {"id": identity()}, {"id": identity(), "type": None},
            {"type": "message", "id": identity(), "role": "user", "content": "x"}, {"role": "user", "id": identity()},
            {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image", "image_url": "/9j/x"}]},
            {"type": "image_generation_call", "id": identity(), "result": "iVBORw0KGgo" * 9},
            {"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": "R0lGOD"}})))
        request = self.responses() | {"input": [item() for _ in range(r.randint(0, 4))], "background": r.choice((
            True, False, None, "auto", 1))}
        request |= r.choice(({}, {"previous_response_id": identity()}, {"conversation": identity()},
                             {"conversation": self.shuffled({"id": identity(), "x": {"id": 1}})}))
        return self.shuffled(request)

    def embeddings(self):
        tokens = [self.random.randrange(100000) for _ in range(self.random.randint(0, 60))]
        inputs = (tokens, [tokens, tokens[:3]], self.words(), [self.words(), self.words()], [])
        return self.shuffled(self.common() | {"input": self.random.choice(inputs), "encoding_format": "base64"})

    def responses(self):
        return self.shuffled(self.common() | {
            "input": [{"role": "user", "content": [{"type": "input_text", "text": self.words()}]}],
            "instructions": self.words(), "max_output_tokens": 1000, "reasoning": {"effort": "low"},
            "store": False, "metadata": {"model": "x", "max_tokens": "many"}})

    def messages(self):
        return {"model": "claude", "max_tokens": 1024, "system": [{"type": "text", "text": self.words()}],
                "messages": [{"role": "user", "content": self.words()}], "stream": True}

    def completion(self):
        return self.shuffled(self.common() | {"prompt": self.words(0, 200), "best_of": 3, "echo": True})

    def odd(self):
        return self.random.choice((
            {}, [], "model", 1, None, True, [{"model": "x"}], {"model": "x"}, {"": {"": [[], {}]}},
            {"stream_options": {}}, {"model": None, "stream": None, "n": None}))

    def written(self, request):
        style = self.random.choice((
            {}, {"ensure_ascii": False}, {"ensure_ascii": False, "separators": (",", ":")}, {"indent": 2},
            {"indent": "\t", "ensure_ascii": False}))
        return json.dumps(request, **style).encode()

    # What can go wrong. Each takes a body and gives another.

    def place(self, body):
        return self.random.randint(0, len(body))

    def truncated(self, body):
        return body[:self.place(body)]

    def flipped(self, body):
        if not body:
            return body
        changed = bytearray(body)
        changed[self.random.randrange(len(body))] ^= 1 << self.random.randrange(8)
        return bytes(changed)

    def replaced(self, body):
        if not body:
            return body
        changed = bytearray(body)
        changed[self.random.randrange(len(body))] = self.random.choice(
            b'{}[],:"\\0123456789eE+-.tfn \t\r\n\x00\x1f\x7f\x80\xff' )
        return bytes(changed)

    def inserted(self, body):
        place = self.place(body)
        piece = self.random.choice((
            b",", b"{", b"}", b"[", b"]", b":", b'"', b"\\", b" ", b"\n", b"\t", b"\x0c", b"\x0b", b"\xa0",
            b"\x00", b"null", b"true", b"//x\n", b"/**/", b"'", b"0", b"-", b".", b"e", b"\x1e"))
        return body[:place] + piece + body[place:]

    def removed(self, body):
        start = self.place(body)
        return body[:start] + body[start + self.random.choice((1, 1, 1, 2, 5, 40)):]

    def moved(self, body):
        start, end = sorted((self.place(body), self.place(body)))
        place = self.place(body)
        return body[:place] + body[start:end][:200] + body[place:]

    def in_string(self, body, pieces):
        """A piece somewhere after a quote or a letter, so that it most often lands in a string."""
        places = [i + 1 for i, byte in enumerate(body) if byte in b'"' + string.ascii_letters.encode()]
        place = self.random.choice(places) if places else 0
        return body[:place] + self.random.choice(pieces) + body[place:]

    def escaped(self, body):
        return self.in_string(body, [piece.encode() for piece in ESCAPES])

    def badly_escaped(self, body):
        return self.in_string(body, [piece.encode() for piece in BAD_ESCAPES])

    def bad_utf8(self, body):
        return self.in_string(body, BAD_UTF8)

    def good_utf8(self, body):
        return self.in_string(body, GOOD_UTF8)

    def spelled(self, key):
        """The key, or something that some parser would take for it."""
        r = self.random
        spelling = r.random()
        if spelling < 0.4:
            return key
        if spelling < 0.6:
            index = r.randrange(len(key))
            return key[:index] + f"\\u{ord(key[index]):04{r.choice('xX')}}" + key[index + 1:]
        if spelling < 0.75:
            index = r.randrange(len(key))
            return key[:index] + key[index].upper() + key[index + 1:]
        if spelling < 0.9:
            special = r.choice((("s", "ſ"), ("k", "\u212a"), ("s", "\\u017f"), ("k", "\\u212A")))
            return key.replace(*special, 1)
        return r.choice((key.upper(), key + " ", " " + key, key + "\\u0000", key[:-1], key + "s", "İ" + key))

    def member(self, body):
        """One more member in some object, in front: a known key with a value that may not be right."""
        r = self.random
        value = r.choice((
            r.choice(NUMBERS), r.choice(NUMBERS), r.choice(NUMBERS), r.choice(BAD_NUMBERS), "true", "false",
            "null", '""', '"x"', '"100"', "[]", "{}", "[1]", '{"include_usage":true}', "{\"Include_usage\":1}",
            '{"include_usage":true,"include_usage":null}', '"\\ud800"', '"a\\u0000b"', '"a\\nb"', '"\x7f"',
            '["a","b"]', '[[1,2],[3]]', '[1,2]', '{"id":"a"}', '[{"id":"a"}]', '{"lora":1,"n":"x","max_tokens":9}',
            '{"url":"data:image/png;base64,AAAA"}', '[{"content":[{"image_url":"/9j/"}]}]', '"item_reference"',
            '{"type":"base64","data":"JVBERi0="}', "1" * 21, "-" + "1" * 19, "-" + "1" * 20,
            '"' + "é" * r.choice((127, 128, 129)) + '"', '{"continuous_usage_stats":"yes"}', "True", "nul",
            '{"include_usage" : false , "continuous_usage_stats" : true }', "{ }", '{"include_u\\u0073age":false}'))
        text = f'"{self.spelled(r.choice(KEYS))}":{value}'.encode()
        places = [i + 1 for i, byte in enumerate(body) if byte in b"{"]
        if not places:
            return body
        place = places[0] if r.random() < 0.7 else r.choice(places)
        rest = body[place:]
        return body[:place] + text + (b"" if rest.lstrip()[:1] == b"}" else b",") + rest

    def deep(self, body):
        count = self.random.choice((10, 253, 254, 255, 256, 257, 300, 900, 5000))
        opened, closed = self.random.choice((("[", "]"), ('{"a":', "}")))
        inner = opened * count + ("1" if opened != "[" else "") + closed * (
            count if self.random.random() < 0.9 else count - 1)
        place = body.find(b"{") + 1
        return body[:place] + b'"deep":' + inner.encode() + b"," + body[place:]

    def marked(self, body):
        return self.random.choice((b"\xef\xbb\xbf", b"\xef\xbb", b"\xef", b"\xff\xfe", b" \xef\xbb\xbf")) + body

    def recoded(self, body):
        try:
            text = body.decode()
            return text.encode(self.random.choice((
                "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-8-sig", "latin-1", "cp1252",
                "utf-7", "shift_jis")))
        except UnicodeError:
            return b"\xff" + body

    def trailing(self, body):
        return body + self.random.choice((b" ", b"\n\n", b"\r\n\t ", b"x", b"{}", b",", b"\x00", b"}", b"null", body))

    def leading(self, body):
        return self.random.choice((b" ", b"\n\n\t\r", b"\x0b", b",", b"\x00", b")]}'\n")) + body

    def commaed(self, body):
        return body.replace(b"}", b",}", 1) if self.random.random() < 0.5 else body.replace(b"]", b",]", 1)

    MUTATIONS = (
        truncated, flipped, flipped, replaced, replaced, inserted, inserted, removed, moved, escaped, escaped,
        badly_escaped, bad_utf8, good_utf8, member, member, member, member, member, member, deep, marked,
        recoded, trailing, leading, commaed)
