"""The fleet's policy: a tenant for each test, so that tests share one fleet and no counter."""

import policy as policies
from load import request_bytes

ROUTE = "fleet-v1"
MODEL = "fleet"
HOST = policies.SHARED_HOST
# Of every answer: the simulator is asked for so many, and the request allows no more.
COMPLETION_TOKENS = 8


def key_of(tenant: str) -> str:
    return f"tg-test-{tenant}-0123456789abcdef0123456789abcdef"


def fleet_policy(tenants: dict[str, list[dict]], **changes) -> dict:
    """Each tenant with its limits and one key. Windows are months: a test rarely meets the end of one."""
    return {
        "version": 1,
        "shared_hostnames": [HOST],
        "classes": {"interactive_inference": {
            "latency_sensitive": True, "streaming": True, "retry_friendly": False,
        }},
        "models": {MODEL: {
            "class": "interactive_inference", "routes": [{"name": ROUTE}], "max_output_tokens": 64,
            "stream_usage": "as_asked", "price_usd_per_million": {"prompt": 3, "completion": 15},
        }},
        "tenants": {
            tenant: {
                "keys": [{"id": "k", "sha256": policies.digest(key_of(tenant))}],
                "allow": [{"paths": ["/v1/chat/completions"], "models": [MODEL]}],
                "limits": limits,
            }
            for tenant, limits in tenants.items()
        },
    } | changes  # fmt: skip


def counter_of(tenant: str, limit: str) -> str:
    """A counter's name in a ledger."""
    return f"tenant/{tenant}/{limit}"


def chat(tenant: str, delay_ms: int = 0) -> bytes:
    """A request whose answer has a fixed usage, and takes at least `delay_ms`."""
    headers = {"x-sim-tokens": str(COMPLETION_TOKENS)}
    if delay_ms:
        headers["x-sim-delay-ms"] = str(delay_ms)
    return request_bytes("/v1/chat/completions", chat_body(), key_of(tenant), HOST, headers)


def chat_body() -> dict:
    return {"model": MODEL, "max_tokens": COMPLETION_TOKENS,
            "messages": [{"role": "user", "content": "a fixed question"}]}  # fmt: skip
