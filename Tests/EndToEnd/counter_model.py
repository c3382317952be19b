"""What counters must be: token buckets whose level is scaled by their period, calendar budgets, slots.

Written from the description of the limits alone, in exact integers.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

PERIODS = {"second": 1_000, "minute": 60_000, "hour": 3_600_000}
UNITS = {"day": 0, "week": 1, "month": 2}
KINDS = ("requests", "tokens", "prompt_tokens", "completion_tokens", "usd", "concurrent")


class Wrong(AssertionError):
    """The hash chain holds, but records contradict each other."""


def window(unit: str, zone: ZoneInfo, now: int) -> tuple[int, int]:
    """Start and end, in Unix milliseconds, of the day, week or month that `now` is in."""
    local = datetime.fromtimestamp(now / 1000, zone)
    day = local.date()
    if unit == "day":
        start, end = day, day + timedelta(days=1)
    elif unit == "week":
        start = day - timedelta(days=day.weekday())
        end = start + timedelta(days=7)
    else:
        start = day.replace(day=1)
        end = (start + timedelta(days=32)).replace(day=1)

    def instant(date) -> int:
        return int(datetime(date.year, date.month, date.day, tzinfo=zone).timestamp() * 1000)

    return instant(start), instant(end)


@dataclass
class Limit:
    """A policy's limit as it counts."""

    kind: str
    amount: int
    per: str | None
    capacity: int


def _limit(entry: dict) -> Limit:
    (kind,) = (name for name in KINDS if name in entry)
    factor = 1_000_000_000 if kind == "usd" else 1
    amount = int(Decimal(str(entry[kind])) * factor)
    burst = int(Decimal(str(entry["burst"])) * factor) if "burst" in entry else amount
    return Limit(kind, amount, entry.get("per"), burst)


def limits(policy: dict) -> dict[str, Limit]:
    """Every limit of a policy by the first part of its counters' names."""
    result = {f"global/{entry['name']}": _limit(entry) for entry in policy.get("limits", [])}
    for group, rules in policy.get("groups", {}).items():
        for entry in rules.get("limits", []):
            result[f"group/{group}/{entry['name']}"] = _limit(entry)
    for tenant, rules in policy["tenants"].items():
        plan = policy.get("plans", {}).get(rules.get("plan"), {})
        # A tenant's own limit replaces the plan's of the same name.
        for entry in plan.get("limits", []) + rules.get("limits", []):
            result[f"tenant/{tenant}/{entry['name']}"] = _limit(entry)
        if most := rules.get("max_admissions_per_second"):
            name = f"tenant/{tenant}/max_admissions_per_second"
            result[name] = Limit("requests", most, "second", most)
        for key in rules.get("keys", []):
            for entry in key.get("limits", []):
                result[f"key/{tenant}/{key['id']}/{entry['name']}"] = _limit(entry)
    for name, entry in policy.get("classes", {}).items():
        if "max_concurrent" in entry:
            most = entry["max_concurrent"]
            result[f"class/{name}/max_concurrent"] = Limit("concurrent", most, None, most)
    return result


@dataclass
class Bucket:
    amount: int
    capacity: int
    period: int
    scaled: int
    time: int
    open: int = 0

    def advance(self, now: int, _: int) -> None:
        if now > self.time:
            gained = self.amount * (now - self.time)
            self.scaled = min(self.capacity * self.period, self.scaled + gained)
            self.time = now

    def step(self, to: int) -> None:
        self.time = to

    def reserve(self, amount: int, _: int | None) -> None:
        self.scaled -= amount * self.period

    def settle(self, reserved: int, final: int, _: int | None) -> None:
        self.scaled = min(
            self.capacity * self.period, self.scaled - (final - reserved) * self.period
        )

    @property
    def is_idle(self) -> bool:
        return self.open == 0 and self.scaled == self.capacity * self.period

    def state(self) -> dict:
        level, fraction = divmod(self.scaled, self.period)
        return {"amount": self.amount, "capacity": self.capacity, "period": self.period,
                "level": level, "fraction": fraction, "time": self.time, "open": self.open}  # fmt: skip


@dataclass
class Window:
    """A window of a budget that is not the current one, and what was taken in it."""

    start: int
    end: int
    used: int
    reserved: int


LEFT_MAX = 3


@dataclass
class Budget:
    """The current window, and others that something was taken in: the last three, so that one that a
    wrong clock left is found again."""

    unit: str
    zone: ZoneInfo
    amount: int
    start: int
    end: int
    used: int = 0
    reserved: int = 0
    open: int = 0
    left: list[Window] = field(default_factory=list)

    def advance(self, now: int, since: int) -> None:
        """`since`: when the clock last stepped. A window is kept for three times its length after that
        and after it ended; one that is to come was left by a step."""
        if not self.start <= now < self.end:
            if self.used or self.reserved:
                self.left.append(Window(self.start, self.end, self.used, self.reserved))
            found = next((old for old in self.left if old.start <= now < old.end), None)
            if found:
                self.left.remove(found)
                self.start, self.end = found.start, found.end
                self.used, self.reserved = found.used, found.reserved
            else:
                self.start, self.end = window(self.unit, self.zone, now)
                self.used = self.reserved = 0

        def is_over(old: Window) -> bool:
            kept = 3 * (old.end - old.start)
            return now - since >= kept and (now < old.start or now - old.end >= kept)

        self.left = [old for old in self.left if not is_over(old)]

    def step(self, to: int) -> None:
        pass

    def reserve(self, amount: int, start: int | None) -> None:
        if start != self.start:
            raise Wrong(f"reserved in the window of {start}, which is that of {self.start}")
        self.reserved += amount
        self._bound()

    def settle(self, reserved: int, final: int, start: int | None) -> None:
        if start == self.start:
            self.reserved -= reserved
            self.used += final
            self._bound()
            return
        known = [old for old in self.left if old.start == start]
        for old in known:
            old.reserved -= reserved
            old.used += final
        if not known and final > 0 and start is not None:
            # Nothing was taken in it so far, so it was not kept.
            self.left.append(Window(start, window(self.unit, self.zone, start)[1], final, 0))
            self._bound()
        self.left = [old for old in self.left if old.used or old.reserved]

    def _bound(self) -> None:
        if (self.used or self.reserved) and len(self.left) > LEFT_MAX:
            self.left.remove(min(self.left, key=lambda old: (old.end, old.start)))

    @property
    def is_idle(self) -> bool:
        return self.open == 0 and self.used == 0 and self.reserved == 0 and not self.left

    def state(self) -> dict:
        state = {"amount": self.amount, "unit": UNITS[self.unit], "window": self.start,
                 "end": self.end, "used": self.used, "reserved": self.reserved}  # fmt: skip
        for number, old in enumerate(sorted(self.left, key=lambda old: old.start), start=1):
            state |= {f"window_{number}": old.start, f"end_{number}": old.end,
                      f"used_{number}": old.used, f"reserved_{number}": old.reserved}  # fmt: skip
        return state | {"open": self.open}


@dataclass
class Slots:
    amount: int
    held: int = 0
    open: int = 0

    def advance(self, _: int, __: int) -> None:
        pass

    def step(self, to: int) -> None:
        pass

    def reserve(self, amount: int, _: int | None) -> None:
        self.held += amount
        if self.held > self.amount:
            raise Wrong(f"{self.held} slots are taken of {self.amount}")

    def settle(self, reserved: int, final: int, _: int | None) -> None:
        if final != 0:
            raise Wrong(f"{final} slots stay taken")
        self.held -= reserved
        if self.held < 0:
            raise Wrong(f"{self.held} slots are taken")

    @property
    def is_idle(self) -> bool:
        return self.open == 0

    def state(self) -> dict:
        return {"amount": self.amount, "held": self.held, "open": self.open}
