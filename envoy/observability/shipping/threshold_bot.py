#!/usr/bin/env python3
"""Posts a message to a chat for each budget that comes to a share of its amount (`warn_at`).

    CHAT_WEBHOOK=https://chat.example.com/hooks/… threshold_bot.py 127.0.0.1:5171
    tollgate serve --ship 'tcp://127.0.0.1:5171?on_full=drop' …

Takes JSON lines over TCP, as Tollgate ships them or as any collector passes them on, and looks at the
records of type `threshold` alone. `{"text": …}` is what Slack, Mattermost, Teams' workflows and Google Chat
take. A record may come twice: its hash tells. For mail, put smtplib in `post`'s place.
"""

import json
import os
import socketserver
import sys
import time
import urllib.request

WEBHOOK = os.environ["CHAT_WEBHOOK"]
#: Hashes of the last records, so that none is told twice.
seen: dict[str, None] = {}


def words(record: dict) -> str:
    """The message: no prompt, answer or key is in any record."""
    if record.get("tenant"):
        whose = f"Tenant {record['tenant']}"
    elif record.get("group"):
        whose = f"Group {record['group']}"
    else:
        whose = "Everybody together"
    unit = "US dollars" if record["kind"] == "usd" else record["kind"].replace("_", " ")
    return (
        f"{whose} has used {record['used']} of {record['amount']} {unit} of the limit "
        f"{record['limit']} ({record['share']:.0%} is passed). "
        f"It begins anew at {record['window_end']}."
    )


def post(text: str) -> None:
    body = json.dumps({"text": text}).encode()
    request = urllib.request.Request(WEBHOOK, body, {"content-type": "application/json"})
    for attempt in range(5):
        try:
            urllib.request.urlopen(request, timeout=10).close()
            return
        except OSError as error:
            print(f"the chat does not answer: {error}", file=sys.stderr)
            time.sleep(2**attempt)


class Lines(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            # Cheaper than to read each record, of which there are two a request.
            if not line.startswith(b'{"type":"threshold"'):
                continue
            record = json.loads(line)
            if record["hash"] in seen:
                continue
            seen[record["hash"]] = None
            if len(seen) > 10_000:
                del seen[next(iter(seen))]
            post(words(record))


if __name__ == "__main__":
    host, _, port = sys.argv[1].rpartition(":")
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    socketserver.ThreadingTCPServer((host, int(port)), Lines).serve_forever()
