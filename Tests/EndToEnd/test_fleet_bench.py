"""That the fleet's bench sees what it is there for: replicas without a store overspend together."""

import hashlib
import json
import time

from fleet import Fleet, FleetOptions
from fleet_books import at_rest
from fleet_clients import Caller, Crowd
from fleet_policy import chat, counter_of, fleet_policy
from harness import poll
from ledger import GrowingLedger, Ledger

AMOUNT = 50
REPLICAS = 4
TENANTS = {
    "budget": [{"name": "n", "requests": AMOUNT, "per": "month"}],
    "slots": [{"name": "n", "concurrent": 2}],
    "bucket": [{"name": "n", "requests": 600, "per": "minute", "burst": 10}],
}


def test_replicas_that_share_nothing_overspend_and_the_books_say_so():
    options = FleetOptions(fleet_policy(TENANTS), replicas=REPLICAS)
    callers = [Caller("budget", chat("budget"))] * 8
    callers += [Caller("slots", chat("slots", delay_ms=100))] * 12
    callers += [Caller("bucket", chat("bucket"), interval=0.1, obeys=False)] * 16
    with Fleet(options) as fleet:
        with Crowd(fleet.listener, callers) as crowd:
            began = time.monotonic()
            poll("each has spent it", lambda: len(crowd.allowed("budget")) >= AMOUNT * REPLICAS)
            poll("some seconds of load", lambda: time.monotonic() - began > 3)
        books = at_rest(fleet.ledgers, crowd.tenants)
        books.match(crowd.answers)
        assert crowd.hung == 0 and crowd.broken == []
        assert all(books.by_ledger[number] > 0 for number in range(REPLICAS)), books.by_ledger
        assert books.peak(counter_of("budget", "n")) == AMOUNT * REPLICAS
        assert 2 < books.peak(counter_of("slots", "n")) <= 2 * REPLICAS
        assert books.bucket_peak(counter_of("bucket", "n"), 600, "minute") > 15
        assert crowd.refused("budget", "insufficient_quota")
        assert crowd.refused("bucket", "rate_limit_exceeded")


def test_a_ledger_is_read_on_where_a_start_has_written_its_torn_segment_anew(tmp_path):
    lines, previous = [], bytes(32)
    for number in range(1, 5):
        body = json.dumps({"seq": number}, separators=(",", ":"))[:-1].encode()
        previous = hashlib.sha256(previous + body).digest()
        lines.append(body + b',"hash":"' + previous.hex().encode() + b'"}\n')
    torn = tmp_path / "1.jsonl"
    torn.write_bytes(lines[0] + lines[1] + lines[2][:9])
    growing = GrowingLedger(tmp_path)
    assert len(growing.records()) == 2
    fresh = tmp_path / "fresh"
    fresh.write_bytes(lines[0] + lines[1])
    fresh.rename(torn)
    (tmp_path / "3.jsonl").write_bytes(lines[2] + lines[3])
    assert growing.records() == Ledger(tmp_path).records()
    assert len(growing.records()) == 4
