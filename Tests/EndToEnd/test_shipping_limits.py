"""What a receiver may send back at most."""

import json

import pytest

from harness import free_port, poll
from otlp_receiver import Answer, Receiver
from test_shipping import end, grow, shipping

ANSWER_BYTES_MAX = 64 << 10
# A partial success is its text in two fields, each of a byte and a length of three.
TEXT_BYTES_MAX = ANSWER_BYTES_MAX - 8


@pytest.mark.parametrize("over", [0, 1])
def test_an_answer_is_read_up_to_its_limit_and_one_over_is_none(over):
    port = free_port()
    text = "x" * (TEXT_BYTES_MAX + over)
    answers = [Answer(rejected=0, message=text)]
    with Receiver(f"127.0.0.1:{port}", lambda number: answers.pop() if answers else None) as receiver:
        with shipping(f"otlp://127.0.0.1:{port}?age=50ms") as stack:
            poll("an answer", lambda: receiver.exports and not answers)
            grow(stack)
            poll("an export behind it", lambda: len(receiver.exports) > 1)
            end(stack)
    first, second = receiver.exports[:2]
    assert (first.seqs[0] in second.seqs) == bool(over), json.dumps([first.seqs, second.seqs])
