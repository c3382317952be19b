"""Which alerts of envoy/observability would fire: promtool evaluates the rules on two scrapes of Tollgate."""

import json
import re
import subprocess
from pathlib import Path

RULES = Path(__file__).resolve().parents[1] / "observability" / "rules.yaml"
# So many minutes the first scrape holds, and so many the second: less than the shortest window.
BEFORE_MINUTES, AFTER_MINUTES = 10, 3
# The alerts that say who is to blame.
BLAMING = 'count by (alertname, origin, model_route) (ALERTS{alertstate="firing", origin!=""})'


def requests(page: str) -> dict[str, int]:
    """The counters of requests on Tollgate's metrics page, by their labels."""
    pattern = r"^ai_gateway_requests_total(\{.*\}) (\d+)$"
    return {labels: int(value) for labels, value in re.findall(pattern, page, re.MULTILINE)}


def firing(run: Path, before: dict[str, int], after: dict[str, int]) -> list[str]:
    """The blaming alerts that fire when the second scrape follows the first, as `name of origin route`."""
    series = [
        {"series": f"ai_gateway_requests_total{labels}",
         "values": f"{before.get(labels, 0)}x{BEFORE_MINUTES} {value}x{AFTER_MINUTES}"}
        for labels, value in after.items()
    ]  # fmt: skip
    question = {"expr": BLAMING, "eval_time": f"{BEFORE_MINUTES + AFTER_MINUTES}m", "exp_samples": []}
    test = run / "alerts_test.yaml"
    # JSON is YAML. Nothing is expected to fire, so promtool names what does.
    test.write_text(json.dumps({
        "rule_files": [str(RULES)], "evaluation_interval": "1m",
        "group_eval_order": ["ai-gateway", "ai-gateway-error-budget"],
        "tests": [{"interval": "1m", "input_series": series, "promql_expr_test": [question]}],
    }))  # fmt: skip
    answer = subprocess.run(
        ["promtool", "test", "rules", str(test)], capture_output=True, text=True, timeout=60, check=False
    )  # fmt: skip
    said = answer.stdout + answer.stderr
    if "got:" not in said:
        if answer.returncode != 0:
            raise ValueError(f"promtool: {said.strip()[-300:]}")
        return []
    found = re.findall(r'\{alertname="(\w+)"(?:, model_route="([^"]*)")?, origin="(\w+)"\}', said)
    return sorted(f"{name} of {origin} {route}".rstrip() for name, route, origin in found)
