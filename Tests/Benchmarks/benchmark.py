"""CPU per RPC of tollgate beside a server that decides nothing. `run` calls this; see README.md."""

import argparse
import json
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import verdicts
import workload

START_SECONDS = 30
LOAD_SECONDS = 60
STOP_SECONDS = 10
# How far the mean size of a reply under load may lie from the verified one.
REPLY_BYTES_SLACK = 0.05


class Failed(Exception):
    """The run cannot go on, or its figures would be wrong; the text says why."""


def cores():
    """The core for the server and the one for the load: two when there are two."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[-1], allowed[0]


class Contestant:
    """A server process, pinned to one core, whose CPU time can be read."""

    def __init__(self, name, label, command, address, core, decides, folder):
        self.name, self.label, self.address, self.decides = name, label, address, decides
        self.log = folder / f"{name}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["taskset", "-c", str(core), *command], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, cwd=folder,
            )
        self.sizes = {}

    @property
    def target(self):
        return self.address if self.address.startswith("unix:") else f"ipv4:{self.address}"

    def cpu_seconds(self):
        """User and system time of all its threads, ended ones too, in the kernel's nanoseconds.

        This is the clock that clock_getcpuclockid(3) gives for another process.
        """
        self.require_alive()
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def system_share(self):
        """Seconds of user and of system time so far, in clock ticks of /proc/PID/stat."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        tick = os.sysconf("SC_CLK_TCK")
        return int(fields[11]) / tick, int(fields[12]) / tick

    def peak_mebibytes(self):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def last_words(self):
        said = self.log.read_text(errors="replace")
        crash = re.search(r"(Fatal error|Swift runtime failure).*", said)
        return crash[0] if crash else said[-800:].strip() or "it said nothing"

    def require_alive(self, patience=0):
        """Raises when it has ended, or does so within `patience` seconds (a crash takes a while)."""
        try:
            code = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            return
        raise Failed(f"{self.label} ended with {code}: {self.last_words()}")

    def verify(self, cases):
        self.require_alive()
        try:
            return verdicts.verify(self.target, cases, self.decides)
        except verdicts.WrongAnswer as wrong:
            self.require_alive(patience=5)
            raise Failed(f"{self.label}: {wrong}") from None
        except verdicts.grpc.FutureTimeoutError:
            raise Failed(f"{self.label} does not answer: {self.last_words()}") from None

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def pick(pattern, text):
    found = re.search(pattern, text)
    if not found:
        raise Failed(f"h2load printed no {pattern!r}:\n{text[-800:]}")
    return [int(group) for group in found.groups()]


def load(contestant, case, requests, core, folder):
    """Sends `requests` calls and returns the server's CPU seconds for one of them, and the time."""
    command = [
        "taskset", "-c", str(core), "h2load", "-t1",
        "-c", str(min(case.connections, requests)), "-m", str(case.streams), "-n", str(requests),
        "-d", str(folder / f"{case.name}.bin"),
        "-H", "content-type: application/grpc", "-H", "te: trailers",
    ]
    if contestant.address.startswith("unix:"):
        command += ["-B", contestant.address, f"http://localhost{case.path}"]
    else:
        command += [f"http://{contestant.address}{case.path}"]
    before, began = contestant.cpu_seconds(), time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LOAD_SECONDS)
    except subprocess.TimeoutExpired:
        raise Failed(
            f"{contestant.label}, {case.name}: not done after {LOAD_SECONDS} s") from None
    seconds, wall = contestant.cpu_seconds() - before, time.monotonic() - began
    if done.returncode or " 0 failed, 0 errored" not in done.stdout:
        contestant.require_alive(patience=5)
    if done.returncode:
        raise Failed(f"h2load ended with {done.returncode}: {done.stderr[-400:]}")
    judge(contestant, case, requests, done.stdout)
    return seconds / requests, wall


def judge(contestant, case, requests, text):
    """Raises unless every call succeeded with a reply of the verified size."""
    where = f"{contestant.label}, {case.name}"
    succeeded, failed, errored, late = pick(
        r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", text)
    fine, = pick(r"status codes: (\d+) 2xx", text)
    if (succeeded, fine, failed, errored, late) != (requests, requests, 0, 0, 0):
        raise Failed(
            f"{where}: of {requests} calls {succeeded} succeeded ({fine} with 2xx),"
            f" {failed} failed, {errored} had errors, {late} took too long")
    # h2load does not look at a trailer's grpc-status; but a refused call has another number of bytes.
    data, = pick(r"space savings [^)]*\), [^(]*\((\d+)\) data", text)
    mean, verified = data / requests, contestant.sizes[case.name]
    if abs(mean - verified) > REPLY_BYTES_SLACK * verified:
        raise Failed(
            f"{where}: replies of {mean:.0f} bytes under load, {verified} when they were verified")


def show(seconds):
    micros = seconds * 1e6
    return f"{micros:,.2f}" if micros < 100 else f"{micros:,.0f}"


def spread(values):
    """The distance between the quartiles, as a share of the median."""
    if len(values) < 2:
        return 0.0
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return (high - low) / middle


class Table:
    """The figures of all contestants. Ratios are to the first of them."""

    def __init__(self, contestants):
        self.contestants = contestants
        self.rows = []

    def header(self):
        columns = f"{'case':<24}{'requests':>9}{'rounds':>8}"
        for contestant in self.contestants:
            columns += f"{contestant.label + ' µs':>20}{'spread':>8}"
            if contestant is not self.contestants[0]:
                columns += f"{'ratio':>7}"
        print(columns, flush=True)

    def add(self, case, requests, samples):
        base = samples[self.contestants[0].name]
        line = f"{case.name:<24}{requests:>9,}{len(base):>8}"
        row = {"case": case.name, "requests_per_round": requests, "rounds": len(base)}
        row["servers"] = {}
        for contestant in self.contestants:
            mine = samples[contestant.name]
            figures = {
                "cpu_us_per_rpc": statistics.median(mine) * 1e6,
                "cpu_us_per_rpc_samples": [value * 1e6 for value in mine],
                "spread": spread(mine),
            }
            line += f"{show(statistics.median(mine)):>20}{spread(mine):>8.0%}"
            if contestant is not self.contestants[0]:
                # Each round is compared with the first server's round beside it: both have the same noise.
                figures["ratio"] = statistics.median(a / b for a, b in zip(mine, base))
                line += f"{figures['ratio']:>7.2f}"
            row["servers"][contestant.name] = figures
        self.rows.append(row)
        print(line, flush=True)


def warm_up(contestants, case, requests, until, folder):
    """Loads each server a little; gives fewer requests when two rounds would last too long."""
    few = max(case.connections, requests // 5)
    wall = sum(load(each, case, few, cores()[1], folder)[1] for each in contestants)
    fitting = int(few * max(0, until - time.monotonic()) / (2 * wall))
    return max(few, min(requests, fitting))


def measure(options, contestants, cases, folder):
    core = cores()[1]
    table = Table(contestants)
    table.header()
    end = time.monotonic() + options.seconds
    for position, case in enumerate(cases):
        requests = max(case.connections, int(case.requests * (0.2 if options.quick else 1)))
        # What is left of the time is shared by the cases that are left.
        until = time.monotonic() + max(0, end - time.monotonic()) / (len(cases) - position)
        requests = warm_up(contestants, case, requests, until, folder)
        samples = {contestant.name: [] for contestant in contestants}
        slowest = 0.0
        for done in range(options.rounds):
            began = time.monotonic()
            if done and began + slowest > until:
                break
            for contestant in contestants:
                cpu, _ = load(contestant, case, requests, core, folder)
                samples[contestant.name].append(cpu)
            slowest = max(slowest, time.monotonic() - began)
        table.add(case, requests, samples)
    return table


def write_workload(cases, folder):
    (folder / "policy.json5").write_text(json.dumps(workload.policy(), indent=1))
    for case in cases:
        (folder / f"{case.name}.bin").write_bytes(workload.framed(case.messages))
    check, process = workload.prepared_replies()
    (folder / "check-reply.bin").write_bytes(workload.framed(check))
    (folder / "process-replies.bin").write_bytes(workload.framed(process))


def address(options, number, folder):
    return f"unix:{folder}/{number}.sock" if options.unix else f"127.0.0.1:{options.port + number}"


def flags_of(tollgate):
    """The flags that this build of tollgate says it has."""
    try:
        shown = subprocess.run(
            [tollgate, "serve", "--help"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(f"{tollgate} does not run: {error}") from None
    return set(re.findall(r"--[a-z-]+", shown.stdout))


def start(options, folder, started):
    """Starts every server; `started` has them all even when a later one fails."""
    core = cores()[0]
    here = address(options, 0, folder)
    command = [
        options.prepared, "--check", str(folder / "check-reply.bin"),
        "--process", str(folder / "process-replies.bin"), "--listen", here,
    ]
    started.append(Contestant("c", "C server", command, here, core, False, folder))
    if options.only_floor:
        return
    servers = [(options.tollgate, workers, "tollgate") for workers in options.workers.split(",")]
    if options.baseline:
        servers += [(options.baseline, workers, "baseline")
                    for workers in options.workers.split(",")]
    for number, (binary, workers, name) in enumerate(servers, start=1):
        flags = flags_of(binary)
        here = address(options, number, folder)
        command = [binary, "serve", "--policy", str(folder / "policy.json5")]
        command += ["--listen", here]
        # Those that a build has need a place of their own for each process.
        own = {"--admin": f"unix:{folder}/admin-{number}.sock", "--data": f"{folder}/data-{number}"}
        for flag, value in own.items():
            command += [flag, value] if flag in flags else []
        label = name
        if workers != "default":
            command += ["--workers", workers]
            label = f"--workers {workers}" if name == "tollgate" else f"{name} {workers}"
            name = f"{name}-workers-{workers}"
        command += options.arguments
        started.append(Contestant(name, label, command, here, core, True, folder))


def report(table, contestants):
    print()
    for contestant in contestants:
        user, system = contestant.system_share()
        share = system / (user + system) if user + system else 0
        print(f"{contestant.label}: {share:.0%} of its time in the kernel, "
              f"at most {contestant.peak_mebibytes():,.0f} MiB resident")


def as_json(options, table, contestants, wall):
    return {
        "machine": {
            "system": platform.platform(), "cores": os.cpu_count(), "processor": processor(),
        },
        "server_core": cores()[0], "load_core": cores()[1],
        "transport": "unix" if options.unix else "tcp", "quick": options.quick,
        "tenants": workload.TENANTS, "seconds": round(wall, 1), "cases": table.rows,
        "servers": {
            c.name: {
                "decides": c.decides, "peak_mebibytes": c.peak_mebibytes(),
                "user_seconds": c.system_share()[0], "system_seconds": c.system_share()[1],
            }
            for c in contestants
        },
    }


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"


def run(options, folder, started):
    began = time.monotonic()
    cases = [c for c in workload.cases() if re.search(options.case, c.name)]
    if not cases:
        raise Failed(f"no case's name matches {options.case!r}")
    write_workload(cases, folder)
    start(options, folder, started)
    for contestant in started:
        contestant.sizes = contestant.verify(cases)
    print("verified: every case is answered right, an unknown key is refused\n"
          if len(started) > 1 else "verified: every case is answered\n", flush=True)
    table = measure(options, started, cases, folder)
    for contestant in started:
        contestant.verify(cases)
    report(table, started)
    if options.json:
        value = as_json(options, table, started, time.monotonic() - began)
        Path(options.json).write_text(json.dumps(value, indent=2) + "\n")


def arguments():
    parser = argparse.ArgumentParser(prog="Tests/Benchmarks/run", description=__doc__)
    parser.add_argument("--tollgate", help="the binary to measure (default: a release build)")
    parser.add_argument("--baseline", metavar="BINARY",
                        help="another tollgate, measured in the same run: the one before a change")
    parser.add_argument("--prepared", help=argparse.SUPPRESS)
    parser.add_argument("--workers", default="default,1", metavar="LIST",
                        help="one tollgate for each: numbers, or `default` (default: default,1)")
    parser.add_argument("--rounds", type=int, default=9, help="rounds a case (default: 9)")
    parser.add_argument("--case", default="", metavar="REGEX", help="only the cases that match")
    parser.add_argument("--quick", action="store_true", help="3 rounds of a fifth of the calls")
    parser.add_argument("--seconds", type=float, default=200,
                        help="drop rounds rather than measure longer than this (default: 200)")
    parser.add_argument("--unix", action="store_true", help="Unix sockets instead of loopback TCP")
    parser.add_argument("--port", type=int, default=24000, help="first TCP port (default: 24000)")
    parser.add_argument("--json", metavar="FILE", help="write all figures there as well")
    parser.add_argument("--only-floor", action="store_true", help="only the C server, no tollgate")
    parser.add_argument("--keep", action="store_true", help="keep the folder of inputs and logs")
    parser.add_argument("arguments", nargs="*", metavar="-- ARGUMENT",
                        help="what else to pass to `tollgate serve`")
    options = parser.parse_args()
    if options.tollgate:
        options.tollgate = os.path.abspath(options.tollgate)
    if options.baseline:
        options.baseline = os.path.abspath(options.baseline)
    if options.quick:
        options.rounds = min(options.rounds, 3)
    return options


def main():
    options = arguments()
    folder = Path(tempfile.mkdtemp(prefix="tollgate-benchmark-"))
    started = []
    try:
        run(options, folder, started)
        return 0
    except Failed as failure:
        print(f"failed: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        for contestant in started:
            contestant.stop()
        if options.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
