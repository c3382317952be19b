"""A calendar window ends under load, by the store's clock, for all replicas at once."""

from fleet_windows import end_day

AMOUNT = 400


def test_each_window_has_its_own_budget_and_no_request_is_of_two(tmp_path):
    days = end_day(tmp_path, AMOUNT)
    assert max(days.peaks) <= AMOUNT
    assert days.used[1] == AMOUNT
