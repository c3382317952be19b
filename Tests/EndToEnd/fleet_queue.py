"""A scenario of more exchanges than may wait for the store: those beyond are refused at once."""

import json
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import direct
from fault_proxy import Fault
from fleet import Fleet, FleetOptions
from fleet_books import at_rest
from fleet_policy import HOST, chat_body, counter_of, fleet_policy, key_of
from harness import poll
from redis_servers import Standalone

WAITING_MAX = 4096
EXCHANGES, CONNECTIONS = 6000, 60
TENANT, AMOUNT = "queue", 50


@dataclass(frozen=True)
class Overfull:
    overloaded: int
    unavailable: int
    used: int

    def check(self) -> None:
        assert self.overloaded == EXCHANGES - WAITING_MAX, self
        assert self.unavailable == WAITING_MAX, self
        assert self.used == 0, self


def overfill(folder: Path) -> Overfull:
    """One replica whose store falls silent is asked by 6,000 exchanges within the second after which it is
    lost. Past Envoy, which would have to be as fast."""
    assert shutil.which("h2load"), "h2load is not installed"
    limits = {TENANT: [{"name": "n", "requests": AMOUNT, "per": "month"}]}
    request = [direct.request_headers(fields=direct.request_fields(host=HOST, key=key_of(TENANT))),
               direct.request_body(json.dumps(chat_body()).encode())]  # fmt: skip
    message = folder / "exchange.bin"
    message.write_bytes(b"".join(
        struct.pack(">BI", 0, len(data)) + data for data in (one.SerializeToString() for one in request)
    ))  # fmt: skip
    with Standalone(folder) as store:
        # Longer than it takes until the store is lost: all wait until then.
        options = FleetOptions(fleet_policy(limits), store.url, replicas=1, store_timeout="5s")
        with Fleet(options) as fleet:
            [replica] = fleet.replicas
            with store.server.proxy.during(Fault.HOLE):
                told = subprocess.run(
                    ["h2load", "-n", str(EXCHANGES), "-c", str(CONNECTIONS),
                     "-m", str(EXCHANGES // CONNECTIONS), "-d", str(message),
                     "-H", "content-type: application/grpc", "-H", "te: trailers",
                     f"http://{replica.target}{direct.PROC_METHOD}"],
                    capture_output=True, text=True, timeout=60,
                )  # fmt: skip
            assert f"{EXCHANGES} done, {EXCHANGES} succeeded" in told.stdout, told.stdout + told.stderr
            poll("the store is back", replica.is_store_open)
            refusals = replica.metrics().by("ai_gateway_denials_total", "reason")
            books = at_rest(fleet.ledgers, {TENANT})
            replica.check()
    return Overfull(
        int(refusals["overloaded",]), int(refusals["store_unavailable",]),
        books.used(counter_of(TENANT, "n")),
    )  # fmt: skip

