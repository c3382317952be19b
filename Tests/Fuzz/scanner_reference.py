"""What the request scanner should answer for a body, by Python's json and Tollgate's own rules.

Independent of the scanner: a tree from Python's decoder, with what it is lenient in refused (NaN,
Infinity, a byte order mark, encodings other than UTF-8), then the rules for the inspected members.
"""

import json
import re

DEPTH_MAX = 256
# What is deeper than this is text, whatever its keys are.
KNOWN_DEPTH_MAX = 16
NAME_BYTES_MAX = 256
BOUND_MAX = 2**31
CHOICES_MAX = 128
GUARDED_MAX = 64
REFERENCES_MAX = 1000
IDS_MAX = 8
NUMBER_BYTES_MAX = 20
# An element of a list of texts is a token at least.
ELEMENT_BYTES_MIN = 4
LITERAL_BYTES = 4

ONCE = {"model", "stream", "stream_options", "n", "best_of", "previous_response_id", "conversation"}
OWNABLE = ["max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict", "max_new_tokens", "max_length"]
RAISING = ["min_tokens", "min_new_tokens", "num_predict", "max_tokens_to_sample"]
NAMING = {
    "models", "fallbacks", "fallback_models", "model_fallbacks", "context_window_fallbacks",
    "content_policy_fallbacks", "context_window_fallback_dict",
}
GUARDED = NAMING | {
    "route", "provider", "custom_llm_provider", "lora_path", "lora_request", "lora", "adapter_id",
    "kv_transfer_params", "ec_transfer_params", "bootstrap_host", "api_base", "base_url", "api_key", "background",
}
# Only at the top level do these say what they say; in extra_body they choose another way.
GUARDED_INSIDE = GUARDED | {"model", "previous_response_id", "conversation"}
INSIDE = {"extra_body", "parameters"}
DIALECTS = [["max_tokens", "max_completion_tokens"], ["max_tokens"], ["max_output_tokens"], ["n_predict", "max_length"]]

PICTURE_TOKENS = 1600
SOUND_BYTES_PER_TOKEN = 400
DOCUMENT_BYTES_PER_TOKEN = 32
HEAD_BYTES = 64
BASE64 = re.compile(rb"[A-Za-z0-9+/=_-]*\Z")
# In which objects strings are pictures, sound or files, and under which keys the next such object is.
MEDIA_KEYS = {
    "part": {"image_url": False, "video_url": True, "audio_url": True, "input_audio": True, "file_data": False},
    "picture": {"url": False, "data": False}, "sound": {"url": True, "data": True}, "file": {"file_data": False},
    "source": {"url": False, "data": False}, "item": {"result": False, "image_url": False},
}
MEDIA_OBJECTS = {
    "image_url": "picture", "video_url": "sound", "audio_url": "sound", "input_audio": "sound", "file": "file",
    "source": "source",
}


class Number(str):
    """A number as it is written."""


class Members(list):
    """An object's members in order, repeated ones too."""


class Refused(Exception):
    def __init__(self, problem, key=None, reasons=None):
        super().__init__(problem)
        self.problem, self.key, self.reasons = problem, key, reasons


def _constant(_):
    raise ValueError("not JSON")


DECODER = json.JSONDecoder(
    object_pairs_hook=Members, parse_int=Number, parse_float=Number, parse_constant=_constant)


def parse(body):
    """The tree, or Refused with the reasons that may be given."""
    if body.startswith(b"\xef\xbb\xbf"):
        raise Refused("invalid_json", reasons={"byteOrderMark"})
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        # Where it breaks off before that, the grammar may already be violated.
        raise Refused("invalid_json", reasons={
            "encoding", "syntax", "depth", "notAnObject", "trailingData", "truncated"}) from None
    blank = len(text) - len(text.lstrip(" \t\r\n"))
    if blank == len(text):
        raise Refused("invalid_json", reasons={"truncated"})
    anything = {"syntax", "truncated", "depth"}
    if text[blank] != "{":
        raise Refused("invalid_json", reasons={"syntax", "notAnObject"})
    try:
        tree, end = DECODER.raw_decode(text, blank)
    except (ValueError, RecursionError):
        raise Refused("invalid_json", reasons=anything) from None
    if depth(tree) > DEPTH_MAX:
        raise Refused("invalid_json", reasons={"depth"})
    if text[end:].strip(" \t\r\n"):
        raise Refused("invalid_json", reasons={"trailingData"})
    return tree


def children(value):
    if isinstance(value, Members):
        return [member for _, member in value]
    return value if isinstance(value, list) else []


def depth(tree):
    deepest, level = 0, [tree]
    while level:
        level = [v for v in level if isinstance(v, list)]
        deepest += bool(level)
        level = [child for value in level for child in children(value)]
    return deepest


def integer(number, maximum):
    """The value, exactly, without making the numbers that an exponent can ask for."""
    sign, whole, fraction, exponent = re.fullmatch(
        r"(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?", number).groups()
    digits = (whole + (fraction or "")).lstrip("0")
    if sign or not digits:
        return None
    significant = digits.rstrip("0")
    written = (exponent or "0").lstrip("+")
    if len(written) > 30:
        return None
    scale = int(written) - len(fraction or "") + len(digits) - len(significant)
    if scale < 0 or scale + len(significant) > 10:
        return None
    value = int(significant) * 10**scale
    return value if value <= maximum else None


def folded(name):
    """What a Go server would take a key for."""
    return "".join({"\u017f": "s", "\u212a": "k"}.get(c, c.lower() if c < "\x80" else c) for c in name)


def utf8(string):
    return string.encode("utf-8", "surrogatepass")


def is_text(value):
    return isinstance(value, str) and not isinstance(value, Number)


def name_bytes(value):
    """A name or an id; None for a value that is not usable as one."""
    try:
        raw = value.encode("utf-8")
    except UnicodeEncodeError:
        return None
    return raw if 0 < len(raw) <= NAME_BYTES_MAX and not re.search(rb"[\x00-\x1f\x7f]", raw) else None


def media_weight(value, is_sound):
    """Bytes of text and tokens of a string that stands where a picture, sound or a file is."""
    raw = utf8(value)
    head, decoded = raw[:HEAD_BYTES], len(raw) // 4 * 3
    picture, sound = (0, PICTURE_TOKENS), (0, decoded // SOUND_BYTES_PER_TOKEN + 1)
    document = (0, decoded // DOCUMENT_BYTES_PER_TOKEN + 1)
    if head.startswith((b"http://", b"https://")):
        return len(raw), PICTURE_TOKENS
    if head.startswith(b"data:"):
        media_type, comma, _ = head[5:].partition(b",")
        if not comma or not media_type.endswith(b";base64"):
            return len(raw), 0
        if media_type.startswith(b"image/"):
            return picture
        if media_type.startswith((b"audio/", b"video/")):
            return sound
        return document if media_type.startswith(b"application/pdf") else (len(raw), 0)
    if is_sound:
        return sound if head and BASE64.match(head) else (len(raw), 0)
    if head.startswith((b"iVBORw0KGgo", b"/9j/", b"R0lGOD", b"UklGR")):
        return picture
    return document if head.startswith(b"JVBERi0") else (len(raw), 0)


class Judge:
    """Goes through the tree in the order of the text, so that the first problem is the one that is told."""

    def __init__(self, tree, body):
        self.facts = dict.fromkeys((
            "model", "stream", "include_usage", "continuous_usage_stats", "n", "best_of", "previous_response_id",
            "conversation"))
        self.facts.update(
            stream_options_given=False, stream_options_is_object=False, stream_options_is_empty=True,
            text_bytes=0, array_numbers=0, media_tokens=0, prompts=0, choices_elsewhere=0, tool_calls=0, guarded=[],
            item_references=[], has_members=bool(tree), byte_count=len(body),
            first_member_offset=body.index(b"{") + 1)
        self.seen = set()
        # Of each field at the top level: the values in order, and whether the key was repeated or folded.
        self.bounds = {name: ([], []) for name in OWNABLE}
        self.elsewhere = []
        self.object(tree, "top", 1, [])

    def once(self, key, exact, called):
        if key in self.seen or not exact:
            raise Refused("duplicate_key", called)
        self.seen.add(key)

    def object(self, members, scope, depth, places):
        item = {"ids": [], "reference": False, "otherwise": False}
        source = {"text": 0, "media": [0, 0], "types": set()}
        for name, value in members:
            key, exact = folded(name), folded(name) == name
            if scope == "none":
                self.facts["text_bytes"] += len(utf8(name))
                self.plain(value, "none", depth)
            elif scope == "top" or scope in INSIDE:
                self.request_member(key, exact, value, scope, depth, places)
            elif scope == "stream_options":
                self.option(key, exact, value, depth)
            elif scope == "conversation":
                self.conversation_member(key, exact, value, depth)
            else:
                self.prompt_member(key, exact, value, scope, depth, item, source)
        if scope == "item" and (item["reference"] or not item["otherwise"] and item["ids"]):
            if None in item["ids"] or len(item["ids"]) > IDS_MAX or len(self.facts["item_references"] + item["ids"]) > REFERENCES_MAX:
                raise Refused("invalid_value", "input")
            self.facts["item_references"] += [raw.hex() for raw in item["ids"]]
        if scope == "source":
            is_media = source["types"] == {"base64"}
            self.facts["text_bytes"] += source["media"][0] if is_media else source["text"]
            self.facts["media_tokens"] += source["media"][1] if is_media else 0

    def plain(self, value, around, depth, object_scope="none", array_scope="none"):
        """Weighs a value in an object or array of the scope `around`, and goes into it."""
        facts = self.facts
        if value is None or isinstance(value, bool):
            facts["text_bytes"] += LITERAL_BYTES if around == "none" else 0
        elif isinstance(value, Number):
            facts["text_bytes"] += len(value) if len(value) > NUMBER_BYTES_MAX else 0
        elif isinstance(value, str):
            facts["text_bytes"] += len(utf8(value))
        elif isinstance(value, Members):
            scope = object_scope if depth < KNOWN_DEPTH_MAX else "none"
            self.object(value, scope, depth + 1, [])
        else:
            self.array(value, array_scope if depth < KNOWN_DEPTH_MAX else "none", depth + 1)

    def array(self, elements, scope, depth):
        inside = {"messages": "message", "input": "item", "parts": "part"}.get(scope, "none")
        for element in elements:
            self.facts["array_numbers"] += isinstance(element, Number)
            if is_text(element):
                self.facts["text_bytes"] += max(0, ELEMENT_BYTES_MIN - len(utf8(element)))
            self.plain(element, scope, depth, object_scope=inside)
        if scope == "prompts":
            numbers = sum(isinstance(element, Number) for element in elements)
            self.facts["prompts"] += len(elements) - numbers + (numbers > 0)

    def request_member(self, key, exact, value, scope, depth, places):
        top = scope == "top"
        if key in (GUARDED if top else GUARDED_INSIDE):
            return self.guarded(key, exact, value, scope, depth, places)
        if top and key in ONCE:
            return self.once_member(key, exact, value, depth)
        if key in OWNABLE + RAISING:
            self.bound(key, exact, value, top)
        elif key in ("n", "best_of") and isinstance(value, Number):
            number = integer(value, BOUND_MAX)
            if number is None:
                number = CHOICES_MAX if positive(value) else 0
            self.facts["choices_elsewhere"] = max(self.facts["choices_elsewhere"], number)
        elif key == "max_tool_calls" and isinstance(value, Number):
            number = integer(value, BOUND_MAX)
            if number is None:
                number = BOUND_MAX if positive(value) else 0
            self.facts["tool_calls"] = max(self.facts["tool_calls"], number)
        if key in INSIDE and isinstance(value, Members) and depth < KNOWN_DEPTH_MAX:
            return self.object(value, key, depth + 1, places + [key])
        arrays = {"prompt": "prompts", "prompt_embeds": "prompts", "input": "input"}
        if exact:
            arrays["messages"] = "messages"
        self.plain(value, scope, depth, array_scope=arrays.get(key, "none"))

    def once_member(self, key, exact, value, depth):
        self.once(key, exact, key)
        invalid = Refused("invalid_value", key)
        facts = self.facts
        if key == "stream_options":
            facts["stream_options_given"] = True
        if value is None:
            return
        if key in ("model", "previous_response_id") or key == "conversation" and not isinstance(value, Members):
            raw = name_bytes(value) if is_text(value) else None
            if raw is None:
                raise invalid
            facts[key] = raw.hex()
            facts["text_bytes"] += len(raw)
        elif key == "stream":
            if not isinstance(value, bool):
                raise invalid
            facts[key] = value
        elif key in ("n", "best_of"):
            number = integer(value, CHOICES_MAX) if isinstance(value, Number) else None
            if number is None:
                raise invalid
            facts[key] = number
            self.plain(value, "top", depth)
        else:
            if not isinstance(value, Members):
                raise invalid
            if key == "stream_options":
                facts["stream_options_is_object"] = True
                facts["stream_options_is_empty"] = not value
            self.object(value, key, depth + 1, [])
            if key == "conversation" and facts[key] is None:
                raise invalid

    def option(self, key, exact, value, depth):
        if key not in ("include_usage", "continuous_usage_stats"):
            return self.plain(value, "stream_options", depth)
        self.once(key, exact, "stream_options." + key)
        if value is not None and not isinstance(value, bool):
            raise Refused("invalid_value", "stream_options." + key)
        self.facts[key] = value

    def conversation_member(self, key, exact, value, depth):
        if key != "id":
            return self.plain(value, "conversation", depth)
        self.once("conversation.id", exact, "conversation.id")
        if value is None:
            return
        raw = name_bytes(value) if is_text(value) else None
        if raw is None:
            raise Refused("invalid_value", "conversation.id")
        self.facts["conversation"] = raw.hex()
        self.facts["text_bytes"] += len(raw)

    def bound(self, key, exact, value, top):
        if top and key in OWNABLE:
            values, wrong = self.bounds[key]
            if values or not exact:
                wrong.append(key)
            values.append(value)
        else:
            self.elsewhere.append(value)

    def guarded(self, key, exact, value, scope, depth, places):
        if scope == "top":
            if key in self.seen:
                raise Refused("duplicate_key", key)
            self.seen.add(key)
        array_scope = "none"
        if value is not None and not (key == "background" and value is False):
            if len(self.facts["guarded"]) == GUARDED_MAX:
                raise Refused("invalid_value", key)
            names = []
            if key in NAMING or key == "model":
                listed = value if isinstance(value, list) and not isinstance(value, Members) else [value]
                names = [name_bytes(name) if is_text(name) else None for name in listed]
                array_scope = "names"
            is_deep = array_scope == "names" and listed is value and depth >= KNOWN_DEPTH_MAX
            bad = None in names or len(names) > GUARDED_MAX or is_deep
            self.facts["guarded"].append({
                "name": ".".join(places + [key]), "exact": exact,
                "models": None if bad else [name.hex() for name in names]})
        self.plain(value, scope, depth, array_scope=array_scope)

    def prompt_member(self, key, exact, value, scope, depth, item, source):
        if exact and key in MEDIA_KEYS.get(scope, {}) and is_text(value):
            text, tokens = media_weight(value, MEDIA_KEYS[scope][key])
            if scope == "source" and key == "data":
                source["text"] += len(utf8(value))
                source["media"] = [source["media"][0] + text, source["media"][1] + tokens]
            else:
                self.facts["text_bytes"] += text
                self.facts["media_tokens"] += tokens
            return
        if scope == "item" and is_text(value):
            if key == "type":
                item["reference"] |= value == "item_reference"
                item["otherwise"] |= exact and value != "item_reference"
            elif key == "id":
                item["ids"].append(name_bytes(value))
        if scope == "item" and key == "role" and exact:
            item["otherwise"] = True
        if scope == "source" and key == "type" and exact and is_text(value):
            source["types"].add(value)
        object_scope = array_scope = "none"
        if exact and scope in ("message", "item", "part") and key == "content" or (
                exact and scope == "item" and key == "output"):
            object_scope, array_scope = "part", "parts"
        elif exact and (scope == "part" and key in MEDIA_OBJECTS or scope == "item" and key == "image_url"):
            object_scope = MEDIA_OBJECTS[key]
        self.plain(value, scope, depth, object_scope=object_scope, array_scope=array_scope)

    # Bounds, for a dialect.

    def stated(self, own):
        stated = None
        for key in own:
            values, wrong = self.bounds[key]
            if wrong:
                raise Refused("duplicate_key", key)
            for value in values:
                if value is None:
                    continue
                number = integer(value, BOUND_MAX) if isinstance(value, Number) else None
                if number is None:
                    raise Refused("invalid_value", key)
                stated = max(stated or 0, number)
        return stated

    def raised(self, own, unreadable):
        values = self.elsewhere + [v for key in OWNABLE if key not in own for v in self.bounds[key][0]]
        raised = 0
        for value in values:
            if value is None:
                continue
            number = integer(value, BOUND_MAX) if isinstance(value, Number) else None
            if number is None and (not isinstance(value, Number) or positive(value)):
                number = unreadable
            raised = max(raised, number or 0)
        return raised or None


def positive(number):
    return not number.startswith("-") and re.search(r"[1-9]", re.split("[eE]", number)[0]) is not None


def judge(tree, body):
    """The facts, or Refused."""
    return Judge(tree, body)


def wrong_bounds(judged, tree, answer):
    """What is wrong with the answer about bounds, and with what is written for them."""
    for own, said in zip(DIALECTS, answer["bounds"]):
        try:
            stated = judged.stated(own)
        except Refused as refused:
            if said != {"problem": refused.problem, "key": refused.key}:
                return f"bounds in {own}: expected {refused.problem} of {refused.key}, got {said}"
            continue
        if said.get("stated") != stated or said["raised"] != judged.raised(own, 4096):
            return f"bounds in {own}: expected {stated}, {judged.raised(own, 4096)}, got {said}"
        lowered = Members(
            (key, Number("100") if key in own and isinstance(value, Number) and integer(value, BOUND_MAX) > 100
             else value) for key, value in tree if key != "stream_options")
        if stated is None:
            lowered = Members(member for member in lowered if member[0] != own[0]) + [(own[0], Number("100"))]
        written = parse(bytes.fromhex(said["written"]))
        rest = [member for member in written if member[0] != "stream_options"]
        if sorted(map(repr, rest)) != sorted(map(repr, lowered)):
            return f"bounds in {own}: the splices give something else"
    return None


def disagreement(body, answer):
    """What is wrong with the scanner's answer, in words; None when nothing is."""
    if "cut" in answer:
        return f"another answer when cut at {answer['cut']}"
    try:
        tree = parse(body)
        judged = judge(tree, body)
        facts = judged.facts
    except Refused as refused:
        expected = {"problem": refused.problem}
        if refused.key:
            expected["key"] = refused.key
        got = {name: answer.get(name) for name in expected}
        if got != expected:
            return f"expected {expected}, got {answer}"
        if refused.reasons and answer["reason"] not in refused.reasons:
            return f"expected a reason of {refused.reasons}, got {answer['reason']}"
        return None
    if answer["problem"]:
        return f"expected acceptance, got {answer}"
    given = facts.pop("stream_options_given")
    if given != (answer["stream_options_range"] is not None):
        return "stream_options has no range, or one too many"
    for name, value in facts.items():
        if answer[name] != value:
            return f"{name}: expected {value}, got {answer[name]}"
    return wrong_range(body, tree, answer) or wrong_splice(tree, answer) or wrong_bounds(judged, tree, answer)


def value_of(members, name, default=None):
    return next((value for key, value in members if key == name), default)


def wrong_range(body, tree, answer):
    inner = value_of(tree, "stream_options") or []
    top = ("model", "stream", "stream_options", "previous_response_id", "conversation")
    for members, names in ((tree, top),
                           (inner, ("include_usage", "continuous_usage_stats"))):
        for name in names:
            span = answer[name + "_range"]
            present = any(key == name for key, _ in members)
            if present != (span is not None):
                return f"{name} has no range, or one too many"
            if span and DECODER.decode(body[span[0]:span[1]].decode()) != value_of(members, name):
                return f"the range {span} of {name} holds something else"
            if span and body[span[0]:span[1]].strip() != body[span[0]:span[1]]:
                return f"the range {span} of {name} has blanks"
    return None


def wrong_splice(tree, answer):
    if answer["renamed"] is not None:
        expected = Members((k, 'new "name"\\\x01é' if k == "model" else v) for k, v in tree)
        if parse(bytes.fromhex(answer["renamed"])) != expected:
            return "the model's splice gives something else"
    elif any(key == "model" for key, _ in tree):
        return "the model cannot be spliced"
    wished = ["include_usage"] + ["continuous_usage_stats"] * (answer["byte_count"] % 2 == 0)
    asked = parse(bytes.fromhex(answer["asked"]))
    before, after = value_of(tree, "stream_options") or [], value_of(asked, "stream_options")
    rest = [member for member in tree if member[0] != "stream_options"]
    if [member for member in asked if member[0] != "stream_options"] != rest:
        return "asking for usage changed another member"
    if sum(key == "stream_options" for key, _ in asked) != 1:
        return "asking for usage gave stream_options twice"
    if [m for m in after if m[0] not in wished] != [m for m in before if m[0] not in wished]:
        return "asking for usage changed another option"
    for name in wished:
        if [value for key, value in after if key == name] != [True]:
            return f"asking for usage left {name} as it was"
    return None
