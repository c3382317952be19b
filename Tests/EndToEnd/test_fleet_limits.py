"""Eight replicas that share a store behind one Envoy: limits are those of one process, with leases and
without; and what that costs the store."""

import pytest

from fleet import Fleet, FleetOptions
from fleet_bench import Bench, together
from fleet_limits import crowd_out, crowd_slots, decide, draw, refuse, spend, spend_all
from fleet_policy import fleet_policy
from harness import SANITIZER
from redis_servers import Standalone

BURST, PER_MINUTE = 30, 3000
TENANTS = {
    "requests": [{"name": "n", "requests": 1000, "per": "month"}],
    "tokens": [{"name": "n", "tokens": 20_000, "per": "month"}],
    "usd": [{"name": "n", "usd": 0.1, "per": "month"}],
    "even": [{"name": "n", "requests": 10_000, "per": "month"}],
    "slots": [{"name": "n", "concurrent": 5}],
    "busy": [{"name": "n", "requests": 1_000_000, "per": "month"}],
    "bucket": [{"name": "n", "requests": PER_MINUTE, "per": "minute", "burst": BURST}],
    "refunds": [{"name": "n", "tokens": 60_000, "per": "minute", "burst": 2000}],
    "spent": [{"name": "n", "requests": 5, "per": "month"}],
    "no-slot": [{"name": "n", "concurrent": 2}],
}
NANO = 1_000_000_000
MICRO = 1000


@pytest.fixture(scope="module", params=["on", "off"])
def bench(request, tmp_path_factory):
    with Standalone(tmp_path_factory.mktemp("store")) as store:
        options = FleetOptions(fleet_policy(TENANTS), store.url, lease=request.param == "on")
        with Fleet(options) as fleet:
            yield Bench(fleet, store)


def only_with_leases(bench):
    """Without them nothing is held that another could want; what is left is `Tests/Fleet/run`'s."""
    if not bench.fleet.options.lease:
        pytest.skip("with leases only")


def test_budgets_are_spent_to_the_last_and_never_beyond(bench):
    """Of requests; and of tokens and money, which are reserved for the most and settled for less."""
    amounts = {"requests": 1000, "tokens": 20_000, "usd": NANO // 10}
    # In the store money is in micro-dollars, rounded up once for each holder.
    rounding = {"requests": 0, "tokens": 0, "usd": 8 * MICRO}
    told, books, _ = spend_all(bench, amounts)
    for tenant, spent in told.items():
        assert spent.peak <= spent.amount, (tenant, spent)
        assert spent.amount - spent.used < spent.largest + rounding[tenant], (tenant, spent)
        assert bench.equals_store(books, tenant) == 0
    spent = told["requests"]
    assert (spent.peak, spent.at_end, spent.used) == (1000, 1000, 1000), spent
    assert spent.replicas == len(bench.fleet.replicas)


def test_with_even_load_nearly_all_of_a_budget_is_spent_before_the_first_refusal(bench):
    only_with_leases(bench)
    if SANITIZER:
        pytest.skip("too slow for so many requests a second")
    spent, _, _ = spend(bench, "even", 10_000, rate=1000)
    assert spent.at_refusal >= 9_700, spent
    assert (spent.peak, spent.at_end) == (10_000, 10_000), spent


def test_slots_and_buckets_give_what_they_have_and_no_more(bench):
    """A bucket of requests; and one of tokens, to which settlements give back."""
    seconds = 6
    slots, rate, refunds = together(
        lambda: crowd_slots(bench, "slots", 5, seconds),
        lambda: draw(bench, "bucket", PER_MINUTE, "minute", BURST, seconds),
        lambda: draw(bench, "refunds", 60_000, "minute", 2000, seconds, times=0.25),
    )  # fmt: skip
    assert slots.peak == 5, slots
    assert slots.left == 0, slots
    assert slots.refused > 0
    assert rate.asked > 1.5 * rate.had, f"the load was too small: {rate}"
    assert rate.peak <= BURST, rate
    assert rate.share >= 0.97, rate
    assert refunds.peak <= 2000, refunds
    assert refunds.admitted > 100, refunds
    for tenant in ("slots", "bucket", "refunds"):
        bench.holds_nothing(tenant)


def test_a_caller_over_its_limit_costs_the_store_ten_scripts_a_second_for_each_replica(bench):
    cost = refuse(bench, "spent", seconds=3, amount=5)
    assert cost.calls <= 10, cost
    assert cost.refusals > 10 * cost.calls, cost


def test_a_caller_without_a_free_slot_costs_the_store_forty_scripts_a_second_for_each_replica(bench):
    only_with_leases(bench)
    cost = crowd_out(bench, "no-slot", 2, seconds=3)
    assert cost.calls <= 40, cost


def test_where_replicas_are_busy_nearly_no_admission_waits_for_the_store(bench):
    only_with_leases(bench)
    decided = decide(bench, "busy", seconds=3, rate=30)
    assert decided.share >= 0.95, decided
