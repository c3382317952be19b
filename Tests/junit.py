"""Sums JUnit reports: `junit.py EXIT-CODE FILE...` prints `passed failed skipped`, then each failed
test with what it said, a line each and cut where it is long.

A run that failed although its reports say otherwise, or that left none, counts as one failure.
"""

import sys
import xml.etree.ElementTree as tree
from pathlib import Path

# Characters of one failure's text: enough for an assertion with its values.
MESSAGE_MAX = 400


def name(case: tree.Element) -> str:
    # swift-testing writes a sentence between backquotes, and the labels of its parameters.
    return f"{case.get('classname', '')}.{case.get('name', '')}".lstrip(".")


def message(problem: tree.Element) -> str:
    text = problem.get("message") or problem.text or ""
    line = " ".join(text.split())
    return line if len(line) <= MESSAGE_MAX else line[: MESSAGE_MAX - 3] + "..."


def sums(code: int, files: list[str]) -> tuple[tuple[int, int, int], list[str]]:
    passed = failed = skipped = 0
    failures = []
    for file in files:
        if not Path(file).exists():
            continue
        for case in tree.parse(file).iter("testcase"):
            problems = case.findall("failure") + case.findall("error")
            if problems:
                failed += 1
                failures.append(f"{name(case)}: {message(problems[0])}")
            elif case.find("skipped") is not None:
                skipped += 1
            else:
                passed += 1
    if (code and not failed) or passed + failed + skipped == 0:
        failed += 1
    return (passed, failed, skipped), failures


if __name__ == "__main__":
    numbers, failures = sums(int(sys.argv[1]), sys.argv[2:])
    print(*numbers)
    for failure in failures:
        print(failure)
