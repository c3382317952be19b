"""The operator's test plan, walked through on the demo's stack; called by envoy/drill.

Python's standard library only. Exit code 0 when every row is as expected, 1 when one is not.
"""

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import failures
import restarts
import store
import traffic
from client import BROKEN
from stack import SHORTENED, Broken, Stack
from sums import books


@dataclass
class Row:
    scenario: str
    what: str
    expected: str
    seen: str
    figures: str
    ok: bool


class Drill:
    """The rows of all scenarios, printed as they come."""

    def __init__(self, stack: Stack):
        self.stack = stack
        self.clients = stack.clients
        self.books = stack.books
        self.rows: list[Row] = []
        self.scenario = ""

    def row(self, what: str, expected: object, seen: object, figures: str = "", ok: bool | None = None) -> None:
        """A promise: what was expected of it, and what was seen. They must be equal, unless `ok` says."""
        expected, seen = str(expected), str(seen)
        row = Row(self.scenario, what, expected, seen, figures, expected == seen if ok is None else ok)
        self.rows.append(row)
        print_row("ok" if row.ok else "MISS", what, expected, seen, figures)


def print_row(mark: str, what: str, expected: str, seen: str, figures: str) -> None:
    print(f"{mark:<5}{what:<44} | {expected:<42} | {seen:<42} | {figures}".rstrip(" |"), flush=True)


# In the order in which they run; `books` ends every run.
SCENARIOS: dict[str, tuple[str, Callable[[Drill], None]]] = {
    "burst": ("200 embeddings, 20 at a time", traffic.burst),
    "streams": ("first token, continuity, no buffering, no early cut, the same bytes", traffic.streams),
    "mixed": ("20 rounds of chat streams, chats and embeddings", traffic.mixed),
    "quota": ("a tenant over its quota beside one that is not", traffic.quota),
    "canary": ("a canary's backend that is gone", failures.canary),
    "slow": ("backends that are slower than their timeouts", failures.slow),
    "stalled": ("clients that stop reading, or sending", failures.stalled),
    "reload": ("a reload in the middle, and a bad one", restarts.reload),
    "tollgate": ("Tollgate killed and started again", restarts.tollgate),
    "envoy": ("Envoy killed and started again", restarts.envoy),
    "store": ("three replicas that share a Redis, which is killed, stopped and emptied", store.store),
    "books": ("the ledger against what all clients saw", books),
}


def run(drill: Drill, names: list[str]) -> list[tuple[str, int, int, float]]:
    """Walks through the scenarios; each one's rows, misses and seconds."""
    summary = []
    for name in names:
        what, scenario = SCENARIOS[name]
        drill.scenario = name
        print(f"\n== {name}: {what}", flush=True)
        print_row("", "what", "expected", "seen", "figures")
        began, first = time.monotonic(), len(drill.rows)
        try:
            scenario(drill)
        except (*BROKEN, Broken, KeyError, ValueError, IndexError, StopIteration) as fault:
            drill.row("the scenario", "goes to its end", f"{type(fault).__name__}: {fault}")
        # The last one ends everything by itself.
        if name != names[-1] and (unasked := drill.stack.revive()):
            drill.row("no process ends by itself", "none", ", ".join(unasked))
        rows = drill.rows[first:]
        summary.append((name, len(rows), sum(not row.ok for row in rows), time.monotonic() - began))
    return summary


def print_summary(drill: Drill, summary: list[tuple[str, int, int, float]]) -> None:
    print(f"\n== summary\n{'':5}{'scenario':<12} {'promises':>8} {'missed':>7} {'seconds':>8}")
    for name, rows, missed, seconds in summary:
        print(f"{'MISS' if missed else 'ok':<5}{name:<12} {rows:>8} {missed:>7} {seconds:>8.1f}")
    missed = [row for row in drill.rows if not row.ok]
    for row in missed:
        print(f"MISS {row.scenario}: {row.what}: expected {row.expected}, seen {row.seen}")
    print(f"{len(drill.rows)} promises, {len(missed)} missed")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="envoy/drill")
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--bin", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--listen-port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--models-port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--keep", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if unknown := [name for name in given.only if name not in SCENARIOS]:
        parser.error(f"there is no scenario {', '.join(unknown)}; --list names them")
    return given


def main() -> int:
    given = arguments()
    if given.list:
        for name, (what, _) in SCENARIOS.items():
            print(f"{name:<10} {what}")
        return 0
    if not given.run:
        return 0
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    names = [name for name in SCENARIOS if not given.only or name in given.only or name == "books"]
    code, stack = 1, None
    try:
        stack = Stack(given.run, given.bin, given.listen_port, given.models_port)
        stack.start()
        print("The drill shortens timeouts of envoy.yaml: "
              + ", ".join(f"{what} {seconds} s" for what, _, seconds in SHORTENED) + ".")  # fmt: skip
        drill = Drill(stack)
        summary = run(drill, names)
        print_summary(drill, summary)
        if given.json:
            report = {
                "rows": [asdict(row) for row in drill.rows],
                "scenarios": [dict(zip(("name", "promises", "missed", "seconds"), entry)) for entry in summary],
            }  # fmt: skip
            given.json.write_text(json.dumps(report, indent=1) + "\n")
        code = 0 if all(row.ok for row in drill.rows) else 1
    except Broken as fault:
        print(f"error: {fault}", file=sys.stderr)
    finally:
        if stack:
            stack.stop()
        if code == 0 and stack and not given.keep:
            stack.remove()
        else:
            print(f"logs and ledger are in {given.run}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
