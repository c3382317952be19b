#!/usr/bin/env python3
"""Verifies a Tollgate ledger without Tollgate: verify.py DIR [--sum COUNTER]

Written from the format's description alone. Prints the number of records, the first and the last
seq; with --sum also what the records say a counter's amount must be, beginning at the last
checkpoint. Says where the last segment is torn, as a crash leaves it: a line without its end, or
zeros where sectors were never stored. For anything else that does not fit it exits with 1, naming file
and offset.
"""

import argparse
import hashlib
import json
import os
import re
import sys

SEGMENT = re.compile(r"^[0-9]{20}\.jsonl$")
BATCH_BYTES_MAX = 1 << 20
SECTOR = 512
SEAL = re.compile(rb',"hash":"([0-9a-f]{64})"}$')


def fail(name, offset, why):
    print(f"{name}: offset {offset}: {why}")
    sys.exit(1)


def is_torn(path, offset):
    """Whether the last segment's end, from a line that does not fit, can be a crash's doing."""
    with open(path, "rb") as file:
        file.seek(offset)
        rest = file.read()
    if len(rest) > BATCH_BYTES_MAX:
        return False
    line, newline, _ = rest.partition(b"\n")
    hole = False
    for run in re.finditer(rb"\0+", line):
        begins = run.start() == 0 or (offset + run.start()) % SECTOR == 0
        ends = (offset + run.end()) % SECTOR == 0 or run.end() == len(rest)
        hole = hole or (begins and ends)
    if not newline:
        return hole or b'{"type":"' not in line[1:]
    last = rest.rstrip(b"\n").rpartition(b"\n")[2]
    stopped = rest.endswith(b"\n") and last.startswith(b'{"type":"stop"') and b"\0" not in last
    return hole and not stopped


def lines(directory, names):
    """Every line that counts, as (name, offset, is first of its segment, bytes)."""
    for index, name in enumerate(names):
        following = int(names[index + 1][:20]) if index + 1 < len(names) else None
        expected = int(name[:20])
        offset = 0
        with open(os.path.join(directory, name), "rb") as file:
            for line in file:
                if expected == following:
                    break  # void: the next segment begins here
                if not line.endswith(b"\n"):
                    if following is None and is_torn(file.name, offset):
                        print(f"{name}: offset {offset}: torn")
                        return
                    fail(name, offset, "incomplete line")
                yield name, offset, expected, line[:-1]
                offset += len(line)
                expected += 1
        if following is not None and expected != following:
            fail(name, offset, f"records from {expected} on are missing")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--sum", metavar="COUNTER")
    options = parser.parse_args()
    names = sorted(n for n in os.listdir(options.directory) if SEGMENT.match(n))
    previous, first, last, count = None, None, None, 0
    total, reserved = 0, {}
    time = ""
    for name, offset, expected, line in lines(options.directory, names):
        seal = SEAL.search(line)
        fits = seal is not None
        if fits and offset > 0:
            digest = hashlib.sha256(previous + line[: seal.start()]).hexdigest()
            fits = digest.encode() == seal.group(1)
        if not fits:
            path = os.path.join(options.directory, name)
            if name == names[-1] and offset > 0 and is_torn(path, offset):
                print(f"{name}: offset {offset}: torn")
                break
            fail(name, offset, "the hash does not fit")
        record = json.loads(line)
        if offset == 0:
            if record["type"] != "checkpoint":
                fail(name, offset, "no checkpoint")
            stated = bytes.fromhex(record["previous_hash"])
            if previous is not None and stated != previous:
                fail(name, offset, "the checkpoint does not fit the record before it")
            previous = stated
        digest = hashlib.sha256(previous + line[: seal.start()]).digest()
        if digest.hex().encode() != seal.group(1):
            fail(name, offset, "wrong hash")
        if record["seq"] != expected:
            fail(name, offset, "wrong seq")
        if not record.get("carried"):
            # The time steps back only at a `clock` record, from where it had come.
            reached = record["from"] if record["type"] == "clock" and "from" in record else record["timestamp"]
            if reached < time:
                fail(name, offset, "time runs backwards")
            time = record["timestamp"]
        previous = digest
        first = first if first is not None else record["seq"]
        last = record["seq"]
        count += 1

        def amount(charges):
            return sum(c["amount"] for c in charges if c["counter"] == options.sum)

        if record["type"] == "checkpoint":
            total = sum(c["used"] for c in record["counters"] if c["counter"] == options.sum)
            reserved = {o["request_id"]: amount(o["reserved"]) for o in record["open"]}
        elif record.get("carried"):
            continue
        elif record["type"] == "admission" and record["decision"] == "allow":
            reserved[record["request_id"]] = amount(record["reserved"])
            total += reserved[record["request_id"]]
        elif record["type"] == "completion" and record["request_id"] in reserved:
            total += amount(record["charged"]) - reserved.pop(record["request_id"])
    print(f"{count} records, {first} to {last}")
    if options.sum:
        print(f"{options.sum} {total}")


main()
