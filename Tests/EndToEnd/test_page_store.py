"""What the operators' page shows of replicas that share their limits, in a real Chromium.

The store's part of `/api/v1/status` is put into the answer here, so that every state can be looked at.
"""

import copy
import json
import re
from datetime import datetime, timedelta, timezone

import pytest

from test_page import Axe, Site, browser, expect, page_policy  # noqa: F401
from harness import Stack, StackOptions

HOSTILE_NAME = "<img src=x onerror=document.title='owned'>"
LEDGERS = [f"{number:032x}" for number in (0xA11CE, 0xB0B, 0xCA401, 0xDEAD)]


def moment(seconds_ago: float) -> str:
    then = datetime.now(timezone.utc) - timedelta(seconds=seconds_ago)
    return then.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def replica(name: str, ledger: str, revision: str = "5f0c1a2b3c4d", **more) -> dict:
    return {"name": name, "ledger_id": ledger, "start_number": 3, "revision": revision,
            "alive_since": moment(7200), "is_this": False} | more  # fmt: skip


def store(**changes) -> dict:
    return {
        "state": "open", "address": "redis://redis.ai-gateway.svc:6379?sentinel=main",
        "replica": "tollgate-0", "ledger_id": LEDGERS[0], "start_number": 3, "fenced_by": None,
        "problem": None, "warnings": [],
        "replicas": [
            replica("tollgate-0", LEDGERS[0], is_this=True),
            replica(HOSTILE_NAME, LEDGERS[1]),
            replica("tollgate-2", LEDGERS[2], revision="99aabbccddee"),
        ],
        "partitions": {"unknown": 1, "open": 5, "opening": 0, "lost": 0},
        "leased": {
            "unknown": [], "opening": [], "lost": [],
            "open": [{"kind": "tokens", "amount": 12500}, {"kind": "usd", "amount": "0.75"}],
        },
        "not_open": [], "waiting": 0, "calls": 410, "statements": 1290, "from_slices": 9500,
        "asked": 480, "from_refusals": 20, "unanswered": 0, "reconnects": 0, "failures": {},
        "events": [{"event": "joined", "time": moment(3600), "partitions": 0, "replicas": 3}],
    } | changes  # fmt: skip


LOST = store(
    state="partly_lost", problem="READONLY You can't write against a read only replica.",
    partitions={"unknown": 0, "open": 4, "opening": 0, "lost": 2},
    leased={"unknown": [], "opening": [], "open": [{"kind": "usd", "amount": "0.75"}],
            "lost": [{"kind": "usd", "amount": "0.25"}, {"kind": "requests", "amount": 7}]},
    not_open=[{"partition": 7, "state": "lost", "since": moment(20), "leased": []},
              {"partition": 9, "state": "lost", "since": moment(20), "leased": []}],
    unanswered=12, reconnects=2, failures={"READONLY": 12},
    warnings=["min-replicas-to-write is 0: the master goes on when it is alone"],
    events=[
        {"event": "lost", "time": moment(20), "partitions": 2, "replicas": 3},
        {"event": "opened", "time": moment(900), "partitions": 3, "replicas": None,
         "stated": ["tollgate-0", "tollgate-2"], "missing": [LEDGERS[3]],
         "bound": [{"kind": "usd", "amount": "0.04"}]},
        {"event": "returned", "time": moment(901), "partitions": 3, "replicas": 3},
        {"event": "joined", "time": moment(3600), "partitions": 0, "replicas": 3},
    ],
)  # fmt: skip
OPENING = store(
    state="opening", partitions={"unknown": 0, "open": 4, "opening": 2, "lost": 0},
    not_open=[{"partition": 7, "state": "opening", "since": moment(3), "leased": [],
               "stated": 1, "expected": 3, "is_stated": True}],
)  # fmt: skip
FENCED = store(
    state="fenced", fenced_by=4,
    events=[{"event": "fenced", "time": moment(5), "partitions": 0, "replicas": None, "by": 4}],
)


@pytest.fixture(scope="module")
def site(browser):  # noqa: F811
    with Stack(StackOptions(policy=page_policy(), envoy=None)) as stack:
        yield Site(stack, browser)


class Shown:
    """The page with a store in its status; `answer` may be changed while it is open."""

    def __init__(self, site: Site, answer: dict | None, **options):
        self.answer = answer
        self.view = site.open(**options)
        self.view.page.route("**/api/v1/status", self._put)

    def _put(self, route) -> None:
        status = route.fetch()
        body = status.json() | {"store": copy.deepcopy(self.answer)}
        route.fulfill(response=status, body=json.dumps(body))

    def __enter__(self):
        self.page = self.view.__enter__()
        self.part = self.page.get_by_role("region", name="Replicas and their store")
        return self

    def __exit__(self, *why) -> None:
        self.page.unroute_all(behavior="wait")
        self.view.__exit__(*why)

    def fact(self, name: str):
        return self.page.locator("#store dt", has_text=re.compile(f"^{re.escape(name)}$")).locator(
            "xpath=following-sibling::dd[1]"
        )


def test_without_a_store_nothing_is_said_of_one(site):
    assert site.api("status")["store"] is None
    with site.open() as page:
        expect(page.locator("#store-section")).to_be_hidden()
        expect(page.locator("#store-lost")).to_be_hidden()


def test_it_shows_who_is_alive_and_what_is_leased(site):
    with Shown(site, store()) as shown:
        expect(shown.fact("State")).to_have_text("shared")
        expect(shown.fact("Replicas alive")).to_have_text("3")
        expect(shown.fact("Leased and unspent")).to_have_text("12,500 tokens, $0.75")
        expect(shown.fact("Decided without asking")).to_have_text("9,520 of 10,000 (95%)")
        expect(shown.fact("Policy revisions")).to_have_text("2 different ones")
        rows = shown.page.locator("#replicas tr")
        expect(rows).to_have_count(3)
        expect(rows.nth(0)).to_contain_text("this one")
        expect(rows.nth(2)).to_contain_text("(another)")
        # A replica's name is anybody's text.
        expect(rows.nth(1)).to_contain_text(HOSTILE_NAME)
        assert shown.page.locator("img").count() == 0 and shown.page.title() == "Tollgate"
        expect(shown.page.locator("#store-lost")).to_be_hidden()


def test_loss_and_return_are_marked(site):
    with Shown(site, LOST) as shown:
        strip = shown.page.locator("#store-lost")
        expect(strip).to_contain_text("lost for 2 partitions")
        expect(shown.fact("State")).to_have_text("lost in part")
        expect(shown.fact("Errors of the store")).to_have_text("READONLY 12")
        expect(shown.fact("Leased and unspent")).to_have_text("$1.00, 7 requests")
        events = shown.page.locator("#store-events li")
        expect(events).to_have_count(4)
        expect(events.nth(0)).to_contain_text("Lost: 2 partitions")
        expect(events.nth(1)).to_contain_text(f"did not state: {LEDGERS[3]}")
        expect(events.nth(1)).to_contain_text("by at most $0.04")
        shown.answer = store(events=[
            {"event": "returned", "time": moment(0), "partitions": 2, "replicas": 3}, *LOST["events"],
        ])  # fmt: skip
        expect(strip).to_be_hidden()
        expect(events.nth(0)).to_contain_text("Returned: 2 partitions")


def test_opening_says_who_has_stated(site):
    with Shown(site, OPENING) as shown:
        expect(shown.page.locator("#store-lost")).to_contain_text("2 partitions wait")
        expect(shown.fact("Stated while it opens")).to_have_text("1 of 3 replicas, this one too")
        shown.answer = FENCED
        expect(shown.fact("State")).to_have_text("fenced")
        expect(shown.fact("Taken over by start")).to_have_text("4")
        expect(shown.page.locator("#store-events li")).to_contain_text("start 4")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
@pytest.mark.parametrize("name", ["store", "lost"])
def test_everybody_can_read_it(site, name, width, scheme, tmp_path):
    answer = {"store": store(), "lost": LOST}[name]
    with Shown(
        site, answer, viewport={"width": width, "height": 900}, color_scheme=scheme,
        reduced_motion="reduce",
    ) as shown:
        expect(shown.part).to_be_visible()
        wide = shown.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, "nothing sticks out"
        found = Axe().run(shown.page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
        shown.part.screenshot(path=tmp_path / f"{name}-{width}-{scheme}.png")
