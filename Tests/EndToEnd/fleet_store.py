"""The store's side of a fleet's books: a limit's counter, whichever server has it."""

import store_reader
from resp import RedisError

KINDS = ("requests", "tokens", "prompt_tokens", "completion_tokens", "usd", "concurrent")
PERIODS = {None: "slots", "second": "bucket/1000", "minute": "bucket/60000", "hour": "bucket/3600000"}
NONE = store_reader.Counter("", 0, 0, 0, (0, 0))


def read_counter(store, name: str, limit: dict) -> store_reader.Counter:
    """The counter as its master has it; empty where there is none. Money is in micro-dollars."""
    (kind,) = (kind for kind in KINDS if kind in limit)
    per = limit.get("per")
    key = store_reader.key(name, kind, PERIODS.get(per, per))
    for server in store.masters():
        with server.client() as client:
            # Of a cluster one server has it, and the others say so.
            try:
                words = client("HGETALL", key)
            except RedisError as error:
                if not str(error).startswith("MOVED "):
                    raise
                continue
        if words:
            fields = [word.decode() for word in words]
            return store_reader.read_counter(dict(zip(fields[::2], fields[1::2])))
    return NONE
