"""What all parts of the translation of manifests into an Envoy config share."""

import re
from dataclasses import dataclass, field

TYPE = "type.googleapis.com/envoy."
SIDECAR = "tollgate"
# Envoy Gateway's own: seconds for a service that is asked, and what a connection may hold.
SERVICE_TIMEOUT, BUFFER_BYTES = "10s", 32768


@dataclass
class Place:
    """Where things are on this machine."""

    listener: int
    admin: int
    tollgate_socket: str
    services: dict[str, int]
    access_log: str
    # The keys that the manifest fetches from its issuer.
    jwks: str | None = None
    # (certificate, key, CA of clients), as files; the listener has TLS when given.
    tls: tuple[str, str, str] | None = None
    # More members of the access log's format.
    log: dict[str, str] = field(default_factory=dict)


def taken(fields: dict, *known: str) -> dict:
    """The fields, none of which may be one that is not known here."""
    unknown = set(fields) - set(known)
    assert not unknown, f"this translation does not know {sorted(unknown)}"
    return fields


def quantity(value: int | str) -> int:
    """Kubernetes' quantities, as far as sizes go."""
    digits, unit = re.fullmatch(r"(\d+)(Ki|Mi|Gi)?", str(value)).groups()
    return int(digits) * {None: 1, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}[unit]


def seconds(duration: str) -> str:
    """Envoy's spelling of a duration: seconds with a fraction."""
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h)", duration).groups()
    return f"{int(number) * {'ms': 1, 's': 1000, 'm': 60_000, 'h': 3_600_000}[unit] / 1000:g}s"


def any_of(kind: str, **fields) -> dict:
    return {"@type": TYPE + kind} | fields


def loopback(port: int) -> dict:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
