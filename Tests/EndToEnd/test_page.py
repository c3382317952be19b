"""The operators' page in a real Chromium, against a running gateway with traffic.

What it shows is held against the ledger. Everybody must be able to use it: on a phone, by keyboard,
with a screen reader, in light and in dark.
"""

import json
import re
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytest.importorskip("playwright", reason="the page's tests need playwright")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

import harness
import policy as policies
from harness import Stack, StackOptions, chat_body, poll

# Where a caller's name is markup, the page must show it and not run it.
HOSTILE_SUBJECT = "<img src=x onerror=document.title='owned'>"
HOSTILE_MODEL = "<b>bold</b>"
KEY_HOSTILE = "tg-test-hostile-0123456789abcdef012345678"
PAGE_SIZE = 10
# Longer than any poll: for a busy machine.
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)
# Words that a line breaks in the middle: not behind what separates the parts of a name.
BROKEN_WORDS = r"""() => {
  const broken = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode;
    if (!node.parentElement.checkVisibility()) continue;
    for (const word of node.data.matchAll(/[\p{L}\p{N}_$%,.…]+/gu)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1) broken.push(word[0]);
    }
  }
  return broken;
}"""
READINGS = "performance.getEntriesByType('resource').length"


def page_policy() -> dict:
    policy = policies.build()
    price = {"prompt": 0.2, "completion": 0.6}
    for model in policy["models"].values():
        model["price_usd_per_million"] = price
    policy["models"][HOSTILE_MODEL] = policy["models"]["llama3-8b"] | {
        "aliases": [], "routes": [{"name": "canary-v2"}],
    }  # fmt: skip
    tenant = policy["tenants"]["tenant-a"]
    tenant["allow"][0]["models"].append("<b>*")
    tenant["keys"].append(
        {"id": "hostile", "sha256": policies.digest(KEY_HOSTILE), "subject": HOSTILE_SUBJECT,
         "limits": [{"name": "rpd-hostile", "requests": 3, "per": "day"}]}
    )  # fmt: skip
    tenant["limits"] = [
        {"name": "rpd", "requests": 1000, "per": "day"},
        {"name": "tpd", "tokens": 10_000_000, "per": "day"},
        {"name": "monthly", "usd": 5, "per": "month"},
        {"name": "each-caller", "requests": 500, "per": "day", "scope": "subject"},
        {"name": "parallel", "concurrent": 40},
    ]
    policy["limits"] = [{"name": "everybody", "requests": 100_000, "per": "day"}]
    # Enough for more than one page of them.
    for number in range(12):
        policy["tenants"][f"z-team-{number:02}"] = {
            "keys": [{"id": "k", "sha256": policies.digest(f"key-of-team-{number:02}")}],
            "allow": [{"paths": ["/v1/embeddings"], "models": ["bge-*"]}],
            "limits": [{"name": "rpm", "requests": 60, "per": "minute"}],
        }
    return policy


class Site:
    """A gateway with traffic, and a browser to look at it."""

    def __init__(self, stack: Stack, browser):
        self.stack = stack
        self.browser = browser
        self.base = stack.tollgate.admin

    def traffic(self) -> None:
        stack = self.stack
        calls = [lambda: stack.chat() for _ in range(10)]
        calls += [lambda: stack.chat("canary") for _ in range(30)]
        calls += [lambda: stack.request(
            "POST", "/v1/chat/completions", json=chat_body("llama3-8b", stream=True)
        )] * 6  # fmt: skip
        calls += [lambda: stack.chat(headers={"x-sim-status": "500"})] * 2
        calls += [lambda: stack.chat(key="nobody")] * 3
        calls += [lambda: stack.chat("no-such-model")] * 2
        calls += [lambda: stack.request(
            "POST", "/v1/embeddings", key=policies.KEY_B, host=policies.HOST_B,
            json={"model": "bge-small", "input": "hello"},
        )] * 4  # fmt: skip
        with ThreadPoolExecutor(8) as pool:
            for _ in pool.map(lambda call: call(), calls):
                pass
        # One after the other: a slot that is only reserved refuses for another reason.
        for _ in range(5):
            stack.chat(HOSTILE_MODEL, key=KEY_HOSTILE)
        poll("everything is settled", lambda: self.api("traffic")["totals"]["inflight"] == 0)

    def api(self, path: str) -> dict:
        return harness.httpx.get(f"{self.base}/api/v1/{path}", timeout=30).json()

    def usage(self, by: str) -> dict:
        """What the ledger says, by the command that reads it."""
        command = [
            str(harness.BINARIES / "tollgate"), "usage", str(self.stack.tollgate.data),
            "--by", by, "--json",
        ]  # fmt: skip
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return json.loads(ran.stdout, parse_float=Decimal)

    def open(self, **options) -> "View":
        return View(self.browser.new_context(**options), self.base)


class View:
    """The page in a browser context of its own, and what went wrong in it."""

    def __init__(self, context, base: str):
        self.context = context
        self.base = base
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.problems: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def _console(self, message) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(message.text)

    def __enter__(self):
        self.page.goto(self.base + "/")
        expect(self.page.locator("#age")).to_have_text(re.compile("old"))
        return self.page

    def __exit__(self, kind, *_) -> None:
        self.context.close()
        if kind is None:
            assert self.problems == []
            origins = {f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" for url in self.requests}
            assert origins <= {self.base, "data://"}, "the page asks nobody else"


@pytest.fixture(scope="module")
def browser():
    binary = shutil.which("chromium")
    if not binary:
        pytest.skip("no chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        # In a container there is no sandbox to be had, and shared memory is small.
        running = playwright.chromium.launch(
            executable_path=binary, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield running
        running.close()


@pytest.fixture(scope="module")
def site(browser):
    with Stack(StackOptions(policy=page_policy(), simulator=True)) as stack:
        site = Site(stack, browser)
        site.traffic()
        yield site


@pytest.fixture
def plain(browser):
    """A gateway without an Envoy, for tests that take it down."""
    with Stack(StackOptions(policy=page_policy(), envoy=None)) as stack:
        yield Site(stack, browser)


def is_idle(limit: dict) -> bool:
    return float(limit["used"]) <= 0 and float(limit["reserved"]) <= 0


def row(page, name: str):
    return page.locator("#tenants tr.tenant", has=page.get_by_text(name, exact=True))


def cells(locator) -> list[str]:
    return [text.strip() for text in locator.get_by_role("cell").all_inner_texts()]


def whole(text: str) -> int:
    return int(text.replace(",", ""))


def shown_money(text: str, value: Decimal) -> bool:
    """Two places where it is a cent or more, else all there are."""
    shown = Decimal(text.strip("$").replace(",", ""))
    if value < Decimal("0.01"):
        return shown == value
    return text.partition(".")[2] == f"{shown:.2f}".partition(".")[2] and abs(shown - value) <= Decimal("0.005")


def test_its_numbers_are_the_ledgers(site):
    with site.open() as page:
        shown = {name: cells(row(page, name)) for name in ("tenant-a", "tenant-b")}
        totals = page.locator("#sum-tokens").inner_text()
        cost = page.locator("#cost").inner_text()
        requests = whole(page.locator("#sum-requests").inner_text().split()[0])
        refused = whole(page.locator("#refused").inner_text())
    usage = site.usage("tenant")
    for entry in usage["rows"]:
        all_requests, denials, prompt, completion, spent = shown.pop(entry["tenant"])
        assert whole(all_requests) - whole(denials) == entry["requests"]
        assert whole(prompt) == entry["prompt_tokens"]
        assert whole(completion) == entry["completion_tokens"]
        assert shown_money(spent, entry["cost_usd"])
    assert not shown, "the ledger has nothing of a tenant that the page has"
    total = usage["total"]
    assert total["requests"] >= 50 and total["cost_usd"] > 0
    assert totals == f"{total['prompt_tokens']:,} in, {total['completion_tokens']:,} out"
    assert shown_money(cost, total["cost_usd"])
    assert requests - refused == total["requests"]
    records = site.stack.ledger.records()
    denied = [r for r in records if r["type"] == "admission" and r["decision"] == "deny"]
    floods = sum(r["count"] for r in records if r["type"] == "denials")
    assert refused == len(denied) + floods > 0


def test_its_routes_are_the_ledgers(site):
    with site.open() as page:
        shown: dict[str, list[int]] = {}
        for line in page.locator("#routes tr").all():
            name = line.get_by_role("rowheader").inner_text().split("\n")[0]
            figures = cells(line)
            tokens = [whole(part) for part in figures[5].split(" / ")]
            sums = shown.setdefault(name, [0, 0, 0])
            for place, value in enumerate([whole(figures[0]), *tokens]):
                sums[place] += value
    for entry in site.usage("model_route")["rows"]:
        expected = [entry["requests"], entry["prompt_tokens"], entry["completion_tokens"]]
        assert shown.pop(entry["model_route"]) == expected
    assert not shown


def test_every_limit_is_a_bar_that_says_what_it_shows(site):
    (tenant,) = site.api("tenants?search=tenant-a")["tenants"]
    used = site.usage("tenant")["rows"][0]
    with site.open() as page:
        line = page.locator("#tenants tr.tenant-limits").first
        idle = [one for one in tenant["limits"] if is_idle(one)]
        used_ones = [one for one in tenant["limits"] if not is_idle(one)]
        meters = line.get_by_role("meter")
        # What nobody uses is folded away, and there.
        expect(meters).to_have_count(len(used_ones))
        line.get_by_text(f"{len(idle)} more limit").click()
        expect(meters).to_have_count(len(tenant["limits"]))
        assert len(tenant["limits"]) == 6 and idle
        for limit, meter in zip(used_ones + idle, meters.all()):
            assert limit["name"] in meter.get_attribute("aria-label")
            assert float(meter.get_attribute("aria-valuemax")) == float(limit["capacity"])
            now = float(limit["used"]) + float(limit["reserved"])
            assert float(meter.get_attribute("aria-valuenow")) == pytest.approx(now)
            text = meter.get_attribute("aria-valuetext")
            assert all(word in text for word in ("used", "reserved", "left"))
            assert ("resets in" in text) == (limit["kind"] != "concurrent")
        tokens = meters.nth(1).get_attribute("aria-valuetext")
        assert tokens.startswith(f"{used['prompt_tokens'] + used['completion_tokens']:,} used")
        expect(page.locator("#global-limits").get_by_role("meter")).to_have_count(1)
        hostile = page.locator(".limit", has_text="rpd-hostile")
        expect(hostile).to_contain_text("none left")
        expect(hostile).to_contain_text("key hostile")


def test_names_are_text_and_never_markup(site):
    with site.open() as page:
        refusals = page.locator("#refusals")
        expect(refusals.get_by_text(HOSTILE_SUBJECT).first).to_be_visible()
        expect(page.locator("#routes").get_by_text(HOSTILE_MODEL)).to_be_visible()
        assert page.locator("img").count() == 0 and page.locator("main b >> text=bold").count() == 0
        assert page.title() == "Tollgate"


def test_refusals_have_their_reasons_and_their_number(site):
    with site.open() as page:
        table = page.get_by_role("table", name="Recent refusals")
        for reason, status, times in [
            ("invalid_api_key", "401", "3"), ("model_not_found", "404", "2"),
            ("insufficient_quota", "429 · rpd-hostile", "2"),
        ]:  # fmt: skip
            line = table.get_by_role("row").filter(has_text=reason)
            expect(line.get_by_role("rowheader")).to_contain_text(status)
            expect(line.locator("td[data-label=Times]")).to_have_text(times)
            expect(line.get_by_role("link")).to_have_attribute("title", re.compile("^req_"))


def test_canary_shares_are_the_policys_and_the_traffics(site):
    with site.open() as page:
        meters = page.locator(".canary", has_text=re.compile(r"^canary \d")).get_by_role("meter")
        expect(meters).to_have_count(2)
        shares = [float(meter.get_attribute("aria-valuenow")) for meter in meters.all()]
        assert sum(shares) == pytest.approx(100, abs=0.2)
        for meter, weight in zip(meters.all(), ("90%", "10%")):
            assert f"{weight} set" in meter.get_attribute("aria-valuetext")


def test_rates_are_live_and_have_words(site):
    with site.open() as page:
        plot = page.locator("#requests-plot").get_by_role("img")
        expect(plot).to_have_attribute("aria-label", re.compile("all: 0 now"))
        before = whole(page.locator("#sum-requests").inner_text().split()[0])
        for _ in range(5):
            assert site.stack.chat().status_code == 200
        expect(page.locator("#sum-requests")).to_contain_text(f"{before + 5}")
        expect(plot).to_have_attribute(
            "aria-label",
            re.compile(r"since Tollgate was started\. all: .* [\d.]*[1-9][\d.]* highest\. refused"),
        )
        # There are no earlier values, and it must not show them as 0.
        expect(page.locator("#requests-plot figcaption")).to_contain_text("since Tollgate was started")
        # What was before the page was opened is there: the traffic that the site began with.
        first = page.evaluate("fetch('/api/v1/history').then((answer) => answer.json())")
        assert first["requests"][-1] > first["requests"][0] and len(first["time"]) >= 2
        assert len(page.locator("#requests-plot path.one").get_attribute("d")) > 10


def test_the_ledger_and_the_policy_are_there(site):
    status = site.api("status")
    with site.open() as page:
        ledger = page.get_by_role("region", name="Ledger and shipping")
        expect(ledger).to_contain_text("writable")
        head = whole(ledger.locator("dt:text('Last record') + dd").inner_text())
        assert head >= status["ledger"]["next_seq"] - 1
        expect(page.get_by_role("region", name="Policy")).to_contain_text(status["policy"]["revision"])
        expect(page.get_by_role("banner")).to_contain_text("Ready")


def test_tenants_are_searched_and_paged(site):
    with site.open() as page:
        tenants = page.locator("#tenants tr.tenant")
        expect(tenants).to_have_count(PAGE_SIZE)
        expect(page.locator("#range")).to_have_text("1–10 of 14")
        page.get_by_role("button", name="Next").click()
        expect(page.locator("#range")).to_have_text("11–14 of 14")
        expect(tenants).to_have_count(4)
        page.get_by_label("Search tenants by name").fill("TEAM-0")
        expect(page.locator("#range")).to_have_text("10 tenants")
        page.get_by_label("Search tenants by name").fill("<no & such + tenant%>")
        expect(page.locator("#tenants-empty")).to_be_visible()
        expect(tenants).to_have_count(0)


def test_a_keyboard_reaches_everything(site):
    with site.open() as page:
        seen = []
        for _ in range(60):
            page.keyboard.press("Tab")
            seen.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
            # The focus is always to be seen.
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        fixed = ["Skip to the figures", "pause", "search", "previous", "next", "request-id"]
        assert [name for name in dict.fromkeys(seen) if name in fixed] == fixed
        page.locator(".skip").focus()
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.locator("#next").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#range")).to_have_text("11–14 of 14")
        # A poll leaves the focus where it is.
        before = page.evaluate(READINGS)
        poll("two more readings", lambda: page.evaluate(READINGS) >= before + 8)
        assert page.evaluate("document.activeElement.id") == "next"
        page.locator("#pause").focus()
        page.keyboard.press("Space")
        expect(page.locator("#pause")).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#age")).to_contain_text("paused")


def test_a_screen_reader_finds_its_way(site):
    with site.open() as page:
        for role in ("banner", "main", "contentinfo", "search"):
            expect(page.get_by_role(role)).to_have_count(1)
        headings = [h.inner_text() for h in page.get_by_role("heading", level=2).all()]
        assert headings == [
            "Requests per second", "Tokens per second", "Use and cost", "Tenants and limits", "Model routes",
            "Canary shares", "Recent refusals", "Ledger and shipping", "Policy",
        ]  # fmt: skip
        assert [h.inner_text() for h in page.get_by_role("heading", level=1).all()] == ["Tollgate"]
        for name in ("Tenants and limits", "Model routes", "Recent refusals"):
            table = page.get_by_role("table", name=name)
            expect(table).to_have_count(1)
            assert table.get_by_role("columnheader").count() >= 6
            assert table.locator("thead th:not([scope=col])").count() == 0
            assert table.get_by_role("rowheader").count() >= 3
        for meter in page.get_by_role("meter").all():
            assert meter.get_attribute("aria-label") and meter.get_attribute("aria-valuetext")
            assert len(meter.get_attribute("aria-valuenow").partition(".")[2]) <= 9
        # What changes with every poll is in no live region.
        for live in page.locator("[role=status], [role=alert], [aria-live]").all():
            assert live.locator("#age, .meter, td").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1400, 900), (390, 844)], ids=["desktop", "phone"])
def test_it_fits_and_can_be_read(site, scheme, size, tmp_path):
    width, height = size
    with site.open(
        color_scheme=scheme, viewport={"width": width, "height": height}, reduced_motion="reduce"
    ) as page:
        channels = page.evaluate("getComputedStyle(document.body).backgroundColor")
        brightness = sum(int(number) for number in re.findall(r"\d+", channels)[:3]) / 3
        assert brightness > 200 if scheme == "light" else brightness < 60
        moving = page.evaluate(
            "[...document.querySelectorAll('.meter i')].filter((bar) =>"
            " getComputedStyle(bar).transitionDuration !== '0s').length"
        )
        assert moving == 0, "reduced motion is respected"
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
        page.screenshot(path=Path(tmp_path) / f"{size[0]}-{scheme}.png", full_page=True)
        assert set(page.evaluate(BROKEN_WORDS)) <= {"owned"}, "only the hostile name is too long"
        # Nothing is ever to be scrolled sideways.
        for narrower in (width, width * 3 // 5, 320):
            page.set_viewport_size({"width": narrower, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth") <= narrower


def test_sums_of_days_and_months_are_the_ledgers(site):
    sums = site.api("usage")
    total = site.usage("month")["total"]
    assert sums["this_month"]["requests"] + sums["last_month"]["requests"] == total["requests"]
    with site.open() as page:
        lines = page.get_by_role("table", name="Sums out of the ledger").get_by_role("row")
        expect(lines).to_have_count(5)
        figures = lines.nth(3).get_by_role("cell").all_inner_texts()
        assert whole(figures[0]) == sums["this_month"]["requests"]
        assert shown_money(figures[2], Decimal(sums["this_month"]["cost_usd"]))
        for name, first in (("Tenants this month", "tenant-a"), ("Models this month", "canary")):
            expect(page.get_by_role("table", name=name)).to_contain_text(first)
        expect(page.get_by_role("table", name="Callers today")).to_contain_text(HOSTILE_SUBJECT)


def test_keys_have_their_last_use_and_what_they_spent(site):
    (tenant,) = site.api("tenants?search=tenant-a")["tenants"]
    spent = {row["key"]: row["cost_usd"] for row in site.usage("tenant,key")["rows"] if row["tenant"] == "tenant-a"}
    used = [key for key in tenant["keys"] if key["last_used"]]
    assert {key["key_id"] for key in used} >= {"hostile"} and len(used) < len(tenant["keys"])
    for key in used:
        assert Decimal(key["this_month_usd"] or 0) == (spent.get(key["key_id"]) or 0)
    metrics = harness.httpx.get(f"{site.base}/metrics", timeout=30).text
    assert 'ai_gateway_key_last_used_timestamp_seconds{tenant="tenant-a",key_id="hostile"} 1' in metrics
    with site.open() as page:
        line = page.locator("#tenants tr.tenant-limits").first
        line.get_by_text(f"{len(tenant['keys'])} keys, last used").click()
        expect(line.get_by_role("listitem").filter(has_text="hostile")).to_contain_text("this month")
        expect(line.get_by_role("listitem").filter(has_text="never used").first).to_be_visible()


def test_a_refusal_leads_to_everything_on_record_about_it(site):
    view = site.open()
    with view as page:
        table = page.get_by_role("table", name="Recent refusals")
        link = table.get_by_role("row").filter(has_text="model_not_found").get_by_role("link")
        request_id = link.get_attribute("title")
        link.click()
        story = page.get_by_role("region", name="One request")
        expect(story).to_contain_text("1 record in the ledger")
        expect(story).to_contain_text("admission: deny")
        expect(story).to_contain_text("model_not_found")
        assert page.evaluate("document.activeElement.id") == "request-section"
        page.get_by_role("button", name="Close").click()
        expect(story).to_be_hidden()
        # Any request's id can be looked up, Envoy's too; what is none is said.
        completion = [r for r in site.stack.ledger.records() if r["type"] == "completion"][0]
        admission = site.stack.ledger.admission(completion["request_id"])
        for id in (completion["request_id"], admission["envoy_request_id"]):
            page.get_by_label("Request id").fill(id)
            page.get_by_role("button", name="Look up").click()
            expect(story).to_contain_text("2 records in the ledger")
            expect(story).to_contain_text("completion: complete")
        page.get_by_label("Request id").fill(request_id[:-1] + ("0" if request_id[-1] != "0" else "1"))
        page.keyboard.press("Enter")
        expect(story).to_contain_text("No record has this id")
        # A browser tells its console of a 404; the page has said it in words.
        view.problems = [text for text in view.problems if "Not Found" not in text]


def test_a_hidden_page_asks_nothing(site):
    with site.open() as page:
        page.evaluate(
            "Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
        page.wait_for_load_state("networkidle")
        before = page.evaluate(READINGS)
        # Longer than two polls; the clock of the page's age goes on.
        expect(page.locator("#age")).to_have_text(re.compile(r"data [6-9] s old"))
        assert page.evaluate(READINGS) == before
        page.evaluate(
            "Object.defineProperty(document, 'hidden', { value: false });"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
        poll("it asks again", lambda: page.evaluate(READINGS) > before)


def test_a_lost_connection_is_said_and_gets_over(plain):
    view = plain.open()
    with view as page:
        plain.stack.tollgate.expected_dead = True
        plain.stack.tollgate.process.signal(signal.SIGKILL)
        plain.stack.tollgate.process.wait(30)
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("Connection lost")
        expect(page.locator("#state-text")).to_have_text("Connection lost")
        expect(page.locator("#age")).to_have_class(re.compile("is-old"))
        # Announced once: a screen reader would read out an alert that counts seconds every second.
        said = alert.inner_text()
        age = page.locator("#age").inner_text()
        expect(page.locator("#age")).not_to_have_text(age)
        assert alert.inner_text() == said
        plain.stack.tollgate.start()
        expect(page.locator("#state-text")).to_have_text("Ready")
        expect(page.locator("#lost")).to_be_hidden()
        # The browser itself tells its console of connections that failed.
        view.problems = [text for text in view.problems if "ERR_CONNECTION" not in text]


def test_a_refused_reload_is_shown_with_its_problems(plain):
    stack = plain.stack
    with plain.open() as page:
        good = stack.policy_path.read_text()
        # A list without items has a name all the same: it must not be there while all is well.
        told = page.get_by_role("list", name=re.compile("was refused"))
        expect(told).to_have_count(0)
        # The policy has a key that has expired.
        warnings = page.get_by_role("list", name="Warnings").get_by_role("listitem")
        expect(warnings.filter(has_text="expired")).to_have_count(1)
        stack.write_policy(good.replace('"requests": 1000', '"requets": 1000'))
        stack.tollgate.reload()
        notice = page.get_by_role("status").filter(has_text="refused")
        expect(notice).to_contain_text("stays in force")
        problem = told.get_by_role("listitem")
        expect(problem.filter(has_text="requets").first).to_be_visible()
        assert plain.api("status")["policy"]["refused"] == 1
        stack.write_policy(good)
        stack.tollgate.reload()
        expect(notice).to_have_count(0)
        expect(told).to_have_count(0)


def test_a_target_that_is_down_shows_its_lag(browser):
    target = f"tcp://127.0.0.1:{harness.free_port()}"
    options = StackOptions(envoy=None, tollgate_arguments=("--ship", target))
    with Stack(options) as stack:
        site = Site(stack, browser)
        with site.open() as page:
            ledger = page.get_by_role("region", name="Ledger and shipping")
            expect(ledger).to_contain_text(target)
            expect(ledger).to_contain_text("backing off")
            expect(ledger.locator("dt:text('Behind') + dd")).to_contain_text(re.compile("[1-9]"))
            expect(ledger).to_contain_text("Last error")
        assert site.api("status")["ship"][0]["target"] == target
