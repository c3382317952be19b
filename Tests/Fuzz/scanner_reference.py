"""What the request scanner should answer for a body, by Python's json and Tollgate's own rules.

Independent of the scanner: a tree from Python's decoder, with what it is lenient in refused (NaN,
Infinity, a byte order mark, encodings other than UTF-8), then the rules for the inspected members.
"""

import json
import re

DEPTH_MAX = 256
MODEL_BYTES_MAX = 256
BOUND_MAX = 2**31
TOP_KEYS = {
    "model", "stream", "stream_options", "max_tokens", "max_completion_tokens",
    "max_output_tokens", "n", "best_of",
}
INNER_KEYS = {"include_usage", "continuous_usage_stats"}
BASE64 = re.compile(rb"[A-Za-z0-9+/=_-]*\Z")
VISIBLE = re.compile(rb"[\x21-\x7f]*\Z")


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


def inspected(name, known):
    """The known key that a Go server would take this one for; and whether it is spelled so."""
    folded = "".join({"\u017f": "s", "\u212a": "k"}.get(c, c.lower() if c < "\x80" else c) for c in name)
    return (folded, folded == name) if folded in known else (None, True)


def text_bytes(string):
    raw = string.encode("utf-8", "surrogatepass")
    if raw.startswith(b"data:") and VISIBLE.match(raw):
        return 0
    if len(raw) >= 256 and BASE64.match(raw):
        return 0
    return len(raw)


def walk(members, known, prefix, facts):
    seen = set()
    for name, value in members:
        key, exact = inspected(name, known)
        if key is None:
            continue
        if key in seen or not exact:
            raise Refused("duplicate_key", prefix + key)
        seen.add(key)
        if value is None:
            if key == "stream_options":
                facts["stream_options_given"] = True
            continue
        invalid = Refused("invalid_value", prefix + key)
        if key == "model":
            if not isinstance(value, str) or isinstance(value, Number):
                raise invalid
            try:
                raw = value.encode("utf-8")
            except UnicodeEncodeError:
                raise invalid from None
            if not 0 < len(raw) <= MODEL_BYTES_MAX or re.search(rb"[\x00-\x1f\x7f]", raw):
                raise invalid
            facts["model"] = raw.hex()
        elif key in ("stream", "include_usage", "continuous_usage_stats"):
            if not isinstance(value, bool):
                raise invalid
            facts[key] = value
        elif key == "stream_options":
            if not isinstance(value, Members):
                raise invalid
            facts["stream_options_given"] = facts["stream_options_is_object"] = True
            facts["stream_options_is_empty"] = not value
            walk(value, INNER_KEYS, "stream_options.", facts)
        else:
            small = key in ("n", "best_of")
            number = integer(value, 128 if small else BOUND_MAX) if isinstance(value, Number) else None
            if number is None:
                raise invalid
            if small:
                facts[key] = number
            else:
                facts["output_bound"] = max(facts["output_bound"] or 0, number)


def judge(tree, body):
    """The facts, or Refused."""
    facts = dict.fromkeys((
        "model", "stream", "include_usage", "continuous_usage_stats", "output_bound", "n", "best_of"))
    facts.update(
        stream_options_given=False, stream_options_is_object=False, stream_options_is_empty=True,
        text_bytes=0, array_numbers=0, has_members=bool(tree), byte_count=len(body),
        first_member_offset=body.index(b"{") + 1)
    walk(tree, TOP_KEYS, "", facts)
    todo = [tree]
    while todo:
        value = todo.pop()
        if isinstance(value, Number) or value is None:
            continue
        if isinstance(value, str):
            facts["text_bytes"] += text_bytes(value)
        elif isinstance(value, list):
            todo.extend(children(value))
            if not isinstance(value, Members):
                facts["array_numbers"] += sum(isinstance(child, Number) for child in value)
    return facts


def disagreement(body, answer):
    """What is wrong with the scanner's answer, in words; None when nothing is."""
    if "cut" in answer:
        return f"another answer when cut at {answer['cut']}"
    try:
        tree = parse(body)
        facts = judge(tree, body)
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
    return wrong_range(body, tree, answer) or wrong_splice(tree, answer)


def value_of(members, name, default=None):
    return next((value for key, value in members if key == name), default)


def wrong_range(body, tree, answer):
    inner = value_of(tree, "stream_options") or []
    for members, names in ((tree, ("model", "stream", "stream_options")),
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
