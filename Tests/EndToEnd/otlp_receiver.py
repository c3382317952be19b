#!/usr/bin/env python3
"""An OTLP/gRPC logs receiver that shares no code with Tollgate: grpcio with the official messages.

In a test it runs in the test's process (`Receiver`), and `plan` says how it answers. As a program
(`otlp_receiver.py ADDRESS FILE`) it can be killed: a record is in FILE before it is acknowledged.
"""

import base64
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as service
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc as service_grpc

MESSAGE_BYTES_MAX = 64 << 20
HELD_SECONDS_MAX = 60


@dataclass
class Answer:
    """How one export is answered."""

    code: grpc.StatusCode = grpc.StatusCode.OK
    # RetryInfo in the status's details.
    retry_seconds: float | None = None
    rejected: int = 0
    message: str = ""
    # The answer waits for this, or for the end of the test.
    until: threading.Event | None = None


@dataclass
class Export:
    """One request, as it came."""

    request: service.ExportLogsServiceRequest
    at: float
    answer: Answer
    records: list = field(default_factory=list)

    @property
    def lines(self) -> list[bytes]:
        return [record.body.string_value.encode() for record in self.records]

    @property
    def seqs(self) -> list[int]:
        return [json.loads(line)["seq"] for line in self.lines]


def status_details(code: grpc.StatusCode, seconds: float | None) -> tuple:
    """`grpc-status-details-bin` with RetryInfo."""
    if seconds is None:
        return ()
    delay = duration_pb2.Duration()
    delay.FromNanoseconds(int(seconds * 1e9))
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    status = status_pb2.Status(code=code.value[0], message="wait", details=[detail])
    return (("grpc-status-details-bin", status.SerializeToString()),)


class Receiver(service_grpc.LogsServiceServicer):
    """Remembers every export; `plan` gives the answer to each, in order, and where it gives none,
    `judge` by the records' numbers (OK where that gives none)."""

    def __init__(
        self, address: str, plan: Callable[[int], Answer | None] = lambda number: None,
        message_bytes_max: int = MESSAGE_BYTES_MAX,
    ):  # fmt: skip
        self.address, self.plan, self.message_bytes_max = address, plan, message_bytes_max
        self.judge: Callable[[list[int]], Answer | None] = lambda seqs: None
        self.exports: list[Export] = []
        self.over = threading.Event()
        self._lock = threading.Lock()
        self._server: grpc.Server | None = None

    def start(self) -> "Receiver":
        self._server = grpc.server(
            futures.ThreadPoolExecutor(8),
            options=[("grpc.max_receive_message_length", self.message_bytes_max),
                     ("grpc.so_reuseport", 0)],
        )  # fmt: skip
        service_grpc.add_LogsServiceServicer_to_server(self, self._server)
        assert self._server.add_insecure_port(self.address), f"{self.address} cannot be listened on"
        self._server.start()
        return self

    def stop(self) -> None:
        self.over.set()
        if self._server:
            self._server.stop(None).wait(10)

    def __enter__(self) -> "Receiver":
        return self.start()

    def __exit__(self, *_) -> None:
        self.stop()

    def Export(self, request, context):
        with self._lock:
            export = Export(request, time.monotonic(), Answer(), [
                record for resource in request.resource_logs for scope in resource.scope_logs
                for record in scope.log_records
            ])  # fmt: skip
            answer = self.plan(len(self.exports)) or self.judge(export.seqs) or Answer()
            export.answer = answer
            self.exports.append(export)
        if answer.until:
            answer.until.wait(HELD_SECONDS_MAX)
        if answer.code is not grpc.StatusCode.OK:
            context.set_trailing_metadata(status_details(answer.code, answer.retry_seconds))
            context.abort(answer.code, "as the test wants it")
        response = service.ExportLogsServiceResponse()
        if answer.rejected or answer.message:
            response.partial_success.rejected_log_records = answer.rejected
            response.partial_success.error_message = answer.message
        return response

    @property
    def accepted(self) -> list[bytes]:
        """The lines of what was answered with OK, in order."""
        with self._lock:
            return [
                line for export in self.exports if export.answer.code is grpc.StatusCode.OK
                for line in export.lines
            ]  # fmt: skip


class FileReceiver(service_grpc.LogsServiceServicer):
    """Appends what it gets to a file, a line for each export, and answers."""

    def __init__(self, path: Path):
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        # Ends a line that a kill cut off.
        os.write(self._file, b"\n")

    def Export(self, request, context):
        bodies = [
            record.body.string_value for resource in request.resource_logs
            for scope in resource.scope_logs for record in scope.log_records
        ]  # fmt: skip
        # One write: a kill leaves the whole line or none.
        text = base64.b64encode(json.dumps(bodies).encode())
        os.write(self._file, text + b"\n")
        return service.ExportLogsServiceResponse()


def read_file(path: Path) -> list[list[bytes]]:
    """The exports in a `FileReceiver`'s file: their lines."""
    if not path.exists():
        return []
    exports = []
    for text in path.read_bytes().split(b"\n"):
        try:
            exports.append([line.encode() for line in json.loads(base64.b64decode(text))])
        except ValueError:
            # The end that a kill cut: it was not acknowledged.
            continue
    return exports


def main() -> None:
    address, path = sys.argv[1], Path(sys.argv[2])
    server = grpc.server(
        futures.ThreadPoolExecutor(4),
        options=[("grpc.max_receive_message_length", MESSAGE_BYTES_MAX), ("grpc.so_reuseport", 0)],
    )
    service_grpc.add_LogsServiceServicer_to_server(FileReceiver(path), server)
    assert server.add_insecure_port(address), f"{address} cannot be listened on"
    server.start()
    print("listening", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
