"""The bench's policy: tenants, keys, models and routes that every test knows."""

import copy
import hashlib
import json

HOST_A = "tenant-a.ai.example.com"
HOST_B = "tenant-b.ai.example.com"
SHARED_HOST = "api.ai.example.com"

# Keys for tests alone; they open nothing anywhere.
KEY_A = "tg-test-a-0123456789abcdef0123456789abcdef"
KEY_A_NARROW = "tg-test-a-narrow-0123456789abcdef01234567"
KEY_A_OTHER = "tg-test-a-other-0123456789abcdef012345678"
KEY_A_EXPIRED = "tg-test-a-expired-0123456789abcdef012345"
KEY_A_DISABLED = "tg-test-a-disabled-0123456789abcdef01234"
KEY_B = "tg-test-b-0123456789abcdef0123456789abcdef"

PRINCIPAL_A = "spiffe://cluster.local/ns/tenant-a/sa/agent"
ISSUER = "https://issuer.example.com"

ENDPOINTS = [
    "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/messages",
    "/v1/messages/count_tokens", "/v1/rerank", "/v1/moderations", "/v1/images/generations",
    "/v1/audio/speech", "/v1/audio/transcriptions", "/v1/audio/translations",
]  # fmt: skip

MAX_BODY_BYTES = 32 << 20


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _model(*routes: dict, **fields) -> dict:
    return {"class": "interactive_inference", "routes": list(routes), "stream_usage": "as_asked",
            "max_output_tokens": 4096} | fields  # fmt: skip


BASE = {
    "version": 1,
    "shared_hostnames": [SHARED_HOST],
    "max_body_bytes": MAX_BODY_BYTES,
    # As in `EnvoyOptions.headers_max` and `headers_kb`.
    "max_headers_count": 1000,
    "max_headers_kb": 96,
    "auth": {"api_key_headers": ["authorization", "x-api-key", "api-key"]},
    "path_aliases": {"/api/v2/chat": "/v1/chat/completions"},
    "classes": {
        "interactive_inference": {
            "latency_sensitive": True, "streaming": True, "retry_friendly": False,
        },
        "batch_inference": {
            "latency_sensitive": False, "streaming": False, "retry_friendly": True,
        },
    },
    "models": {
        "llama3-8b": _model({"name": "chat-llama3-8b-v1", "weight": 1}, aliases=["llama3"]),
        "canary": _model(
            {"name": "canary-v1", "weight": 90}, {"name": "canary-v2", "weight": 10},
        ),
        "canary-by-subject": _model(
            {"name": "canary-v1", "weight": 50}, {"name": "canary-v2", "weight": 50},
            sticky="subject",
        ),
        "canary-by-session": _model(
            {"name": "canary-v1", "weight": 50}, {"name": "canary-v2", "weight": 50},
            sticky="header:x-session-id",
        ),
        "renamed": _model(
            {"name": "renamed-v1", "weight": 1, "upstream_model": "vendor/renamed-2026-10-long"},
            aliases=["r"],
        ),
        "shortened": _model(
            {"name": "renamed-v1", "weight": 1, "upstream_model": "x"},
        ),
        "bge-small": {
            "class": "batch_inference", "stream_usage": "as_asked",
            "routes": [{"name": "embed-bge-small-v1"}],
        },
        "chat-only": _model({"name": "chat-llama3-8b-v1"}, paths=["/v1/chat/completions"]),
        "b-only": _model({"name": "b-only-v1"}),
    },
    "tenants": {
        "tenant-a": {
            "hostnames": [HOST_A],
            "keys": [
                {"id": "agents", "sha256": digest(KEY_A), "subject": "svc:agent-platform"},
                {"id": "other", "sha256": digest(KEY_A_OTHER), "subject": "svc:other"},
                {"id": "narrow", "sha256": digest(KEY_A_NARROW), "models": ["bge-*"]},
                {"id": "old", "sha256": digest(KEY_A_EXPIRED), "expires": "2024-01-01T00:00:00Z"},
                {"id": "off", "sha256": digest(KEY_A_DISABLED), "disabled": True},
            ],
            "principals": [{"uri": "spiffe://cluster.local/ns/tenant-a/sa/*"}],
            "allow": [
                {
                    "paths": [path for path in ENDPOINTS if path != "/v1/images/generations"],
                    "models": [
                        "llama3-8b", "canary*", "renamed", "shortened", "bge-*", "chat-only",
                    ],
                },
                {"paths": ["/custom/search"], "route": "custom-v1"},
            ],
        },
        "tenant-b": {
            "hostnames": [HOST_B],
            "keys": [{"id": "b", "sha256": digest(KEY_B)}],
            "allow": [{"paths": ["/v1/embeddings"], "models": ["bge-*", "b-only"]}],
        },
    },
}  # fmt: skip


def build(**changes) -> dict:
    """The base policy with top-level fields replaced."""
    return copy.deepcopy(BASE) | changes


def with_auth(policy: dict, **auth) -> dict:
    policy = copy.deepcopy(policy)
    policy["auth"] |= auth
    return policy


def with_key(policy: dict, tenant: str, name: str, key: str) -> dict:
    policy = copy.deepcopy(policy)
    policy["tenants"][tenant]["keys"].append({"id": name, "sha256": digest(key)})
    return policy


def routes(policy: dict) -> list[str]:
    """Every route name the policy can choose, once each."""
    names = [route["name"] for model in policy["models"].values() for route in model["routes"]]
    for tenant in policy["tenants"].values():
        names += [entry["route"] for entry in tenant["allow"] if "route" in entry]
    return list(dict.fromkeys(names))


def text(policy: dict) -> str:
    return json.dumps(policy, indent=1)
