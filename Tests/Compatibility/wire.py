"""Random official messages, in every encoding that protobuf allows."""

import random
import struct

from google.protobuf.descriptor import FieldDescriptor as F
from google.protobuf.message import Message

VARINT = {F.TYPE_BOOL, F.TYPE_ENUM, F.TYPE_INT32, F.TYPE_INT64, F.TYPE_UINT32, F.TYPE_UINT64}
# The key of the attributes map that the gateway reads.
KEYS = ["envoy.filters.http.ext_proc", "envoy.filters.http.jwt_authn", "tollgate", "a", ""]
TEXTS = ["", "x", "GET", "/v1/chat/completions?a=b", "ünï–cödé 🚪", "nul\0inside", "v" * 127, "v" * 128]
SIZES = [0, 1, 2, 9, 10, 11, 12, 13, 100, 127, 128, 1000, 17000]

# EnvoyAPI may hand on a body before it sees a second one, so a second one counts as a message here.
BODY = "envoy.service.ext_proc.v3.HttpBody.body"


def is_map(field) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def scalar(field, rng: random.Random):
    if field.type == F.TYPE_STRING:
        return rng.choice(TEXTS + KEYS)
    if field.type == F.TYPE_BYTES:
        return rng.randbytes(rng.choice(SIZES))
    if field.type == F.TYPE_BOOL:
        return rng.random() < 0.5
    if field.type == F.TYPE_DOUBLE:
        return rng.choice([0.0, -0.0, 1.0, 1e300, -0.1, float("inf"), float("nan"), 1234567.0])
    if field.type == F.TYPE_ENUM:
        return rng.choice([value.number for value in field.enum_type.values] + [77])
    low, high = {
        F.TYPE_INT32: (-(2**31), 2**31 - 1), F.TYPE_INT64: (-(2**63), 2**63 - 1),
        F.TYPE_UINT32: (0, 2**32 - 1), F.TYPE_UINT64: (0, 2**64 - 1),
    }[field.type]
    return rng.choice([low, high, 0, 1, 127, 128, rng.randint(low, high)])


def fill(message: Message, rng: random.Random, depth: int = 0) -> Message:
    """Sets each field or leaves it out, at random; nested Structs included."""
    chosen = {oneof.name: rng.choice(list(oneof.fields) + [None])
              for oneof in message.DESCRIPTOR.oneofs}
    for field in message.DESCRIPTOR.fields:
        oneof = field.containing_oneof
        if chosen[oneof.name] is not field if oneof else rng.random() < 0.35:
            continue
        if field.message_type is not None and depth > 9:
            continue
        place = getattr(message, field.name)
        if is_map(field):
            value = field.message_type.fields_by_name["value"]
            for _ in range(rng.randint(0, 3)):
                key = rng.choice(KEYS + TEXTS)
                if value.message_type is not None:
                    fill(place[key], rng, depth + 1)
                else:
                    place[key] = scalar(value, rng)
        elif field.is_repeated and field.message_type is not None:
            for _ in range(rng.randint(0, 4)):
                fill(place.add(), rng, depth + 1)
        elif field.is_repeated:
            place.extend(scalar(field, rng) for _ in range(rng.randint(0, 4)))
        elif field.message_type is not None:
            place.SetInParent()
            fill(place, rng, depth + 1)
        else:
            setattr(message, field.name, scalar(field, rng))
    return message


def varint(value: int, longer: int = 0) -> bytes:
    """A varint, `longer` bytes longer than need be, to ten at most."""
    value &= 2**64 - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    for _ in range(min(longer, 10 - len(out))):
        out[-1] |= 0x80
        out.append(0)
    return bytes(out)


class Encoder:
    """Writes a message in ways that protobuf allows and Envoy never uses.

    Fields in any order, unknown fields between them, values given twice of which the last counts,
    map entries given twice, keys after values, varints longer than need be. With `split`, also
    nested messages in two parts, which protobuf merges.
    """

    def __init__(self, rng: random.Random, split: bool = False):
        self.rng = rng
        self.split = split
        # Whether a nested message, or a oneof of messages, was written twice: our walk may refuse.
        self.repeats_message = False

    def message(self, message: Message) -> bytes:
        return b"".join(self.chunks(message))

    def chunks(self, message: Message) -> list[bytes]:
        """The message's fields in random order, except where the order has a meaning."""
        queues: dict[str, list[bytes]] = {}
        for field, value in message.ListFields():
            oneof = field.containing_oneof
            queue = queues.setdefault(oneof.name if oneof else field.name, [])
            if oneof and self.chance(0.1):
                queue.append(self.other_member(message, oneof))
            if is_map(field):
                queue += self.map_entries(field, value)
            elif field.is_repeated:
                for element in value:
                    queue += self.one(field, element)
            else:
                if field.message_type is None and self.chance(0.1):
                    queue += self.one(field, scalar(field, self.rng))
                    self.repeats_message |= field.full_name == BODY
                queue += self.one(field, value)
        for field in message.DESCRIPTOR.fields:
            if (field.name not in queues and field.message_type is None and not field.is_repeated
                    and not field.containing_oneof and self.chance(0.1)):
                default = field.default_value
                queues[field.name] = self.one(field, default)
        for number in range(self.rng.choice([0, 0, 0, 1, 2])):
            queues[f"unknown {number}"] = [self.unknown()]
        order = [name for name, queue in queues.items() for _ in queue]
        self.rng.shuffle(order)
        return [queues[name].pop(0) for name in order]

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def number(self, value: int) -> bytes:
        return varint(value, self.rng.randint(1, 9) if self.chance(0.05) else 0)

    def tag(self, number: int, wire_type: int) -> bytes:
        return varint(number << 3 | wire_type)

    def delimited(self, number: int, content: bytes) -> bytes:
        return self.tag(number, 2) + varint(len(content)) + content

    def one(self, field, value) -> list[bytes]:
        if field.message_type is not None:
            parts = [self.chunks(value)]
            if self.split and not field.is_repeated and self.chance(0.3):
                cut = self.rng.randint(0, len(parts[0]))
                parts = [parts[0][:cut], parts[0][cut:]]
                self.repeats_message = True
            return [self.delimited(field.number, b"".join(part)) for part in parts]
        if field.type == F.TYPE_STRING:
            return [self.delimited(field.number, value.encode())]
        if field.type == F.TYPE_BYTES:
            return [self.delimited(field.number, value)]
        if field.type == F.TYPE_DOUBLE:
            return [self.tag(field.number, 1) + struct.pack("<d", value)]
        assert field.type in VARINT
        return [self.tag(field.number, 0) + self.number(int(value))]

    def other_member(self, message: Message, oneof) -> bytes:
        """Another member of a oneof (or the same), before the one that counts."""
        field = self.rng.choice(list(oneof.fields))
        if field.message_type is None:
            return self.one(field, scalar(field, self.rng))[0]
        self.repeats_message = True
        twin = type(message)()
        getattr(twin, field.name).SetInParent()
        fill(getattr(twin, field.name), self.rng, 8)
        return self.one(field, getattr(twin, field.name))[0]

    def map_entries(self, field, entries) -> list[bytes]:
        key_field = field.message_type.fields_by_name["key"]
        value_field = field.message_type.fields_by_name["value"]
        written = []
        for key in entries:
            if self.chance(0.15):
                decoy = self.one(key_field, key) + [self.decoy(value_field, entries[key])]
                written.append(self.delimited(field.number, b"".join(decoy)))
            parts = []
            if key or self.chance(0.5):
                parts += self.one(key_field, key)
            value = entries[key]
            empty = not value.ListFields() if value_field.message_type is not None else not value
            if not empty or self.chance(0.5):
                values = self.one(value_field, value)
                parts += values
                # Two halves of one value keep their order.
                if len(values) > 1:
                    written.append(self.delimited(field.number, b"".join(parts)))
                    continue
            if self.chance(0.2):
                parts.append(self.unknown())
            self.rng.shuffle(parts)
            written.append(self.delimited(field.number, b"".join(parts)))
        return written

    def decoy(self, value_field, value) -> bytes:
        if value_field.message_type is None:
            return self.one(value_field, scalar(value_field, self.rng))[0]
        return self.delimited(value_field.number, self.message(fill(type(value)(), self.rng, 8)))

    def unknown(self) -> bytes:
        number = self.rng.choice([100, 536_870_911, self.rng.randint(500, 70_000)])
        wire_type = self.rng.choice([0, 1, 2, 5])
        content = {
            0: varint(self.rng.getrandbits(64)), 1: self.rng.randbytes(8), 5: self.rng.randbytes(4),
            2: varint(5) + self.rng.randbytes(5),
        }[wire_type]
        return self.tag(number, wire_type) + content
