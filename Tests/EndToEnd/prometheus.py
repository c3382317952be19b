"""A real Prometheus that scrapes one tollgate and evaluates the rules that are shipped."""

import re
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import httpx
import yaml

from harness import REPOSITORY, Process, free_port, poll

OBSERVABILITY = REPOSITORY / "envoy" / "observability"


def binary(name: str) -> str:
    """Debian's package `prometheus` has both; Tests/run provides it."""
    found = shutil.which(name)
    assert found, f"no {name}: install Debian's prometheus, or put it on the path"
    return found


def promtool(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess:
    return subprocess.run(
        [binary("promtool"), *arguments], cwd=OBSERVABILITY, input=text, capture_output=True,
        text=True, timeout=120,
    )  # fmt: skip


def rules() -> list[dict]:
    """Every rule of the shipped file."""
    groups = yaml.safe_load((OBSERVABILITY / "rules.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]

# These fire on a busy machine's processor or disk, so they are not judged here; `promtool test rules`
# tests them.
SPEED_ALERTS = {"TollgateSlow", "TollgateLedgerCommitSlow"}


class Prometheus:
    """Scrapes and evaluates each second; alerts fire as soon as their expression holds."""

    def __init__(self, folder: Path, target: str):
        self.folder = folder
        self.target = target
        self.port = free_port()
        self.process: Process | None = None
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", trust_env=False, timeout=30
        )

    def __enter__(self) -> "Prometheus":
        self.folder.mkdir(exist_ok=True)
        # As shipped, but without `for:`, so that an alert fires at once.
        text = (OBSERVABILITY / "rules.yaml").read_text()
        (self.folder / "rules.yaml").write_text(re.sub(r"\n +for: \w+(?=\n)", "", text))
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yaml"],
            "scrape_configs": [
                {"job_name": "tollgate", "static_configs": [{"targets": [self.target]}]}
            ],
        }
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        self.process = Process(
            "prometheus",
            [binary("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb",
             f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"],
            self.folder,
        )  # fmt: skip
        try:
            poll("prometheus is ready", self._is_ready)
        except BaseException:
            self.process.stop(5)
            raise
        return self

    def __exit__(self, *_) -> None:
        assert self.process
        self.client.close()
        self.process.stop(20)
        shutil.rmtree(self.folder / "tsdb", ignore_errors=True)

    def _is_ready(self) -> bool:
        assert self.process and self.process.is_running, self.process.log()[-3000:]
        try:
            return self.client.get("/-/ready").status_code == 200
        except httpx.HTTPError:
            return False

    def query(self, expr: str, at: float | None = None) -> list[dict]:
        """An instant vector: each sample with `metric` and `value`."""
        parameters = {"query": expr} | ({} if at is None else {"time": repr(at)})
        answer = self.client.post("/api/v1/query", data=parameters)
        body = answer.json()
        assert body["status"] == "success", f"{expr}: {body.get('error')}"
        result = body["data"]["result"]
        if body["data"]["resultType"] == "scalar":
            return [{"metric": {}, "value": result}]
        return result

    def value(self, expr: str, at: float | None = None) -> float | None:
        """The value of the one sample; None where there is none."""
        samples = self.query(expr, at)
        assert len(samples) < 2, f"{expr} has {len(samples)} samples: {samples[:3]}"
        return float(samples[0]["value"][1]) if samples else None

    def firing(self) -> set[str]:
        """The alerts that fire, without those about this machine's speed."""
        return {
            sample["metric"]["alertname"] for sample in self.query('ALERTS{alertstate="firing"}')
        } - SPEED_ALERTS

    def now(self) -> float:
        """Prometheus's own clock."""
        return float(self.query("time()")[0]["value"][0])

    def scraped_since(self, moment: float) -> bool:
        last = self.value('timestamp(up{job="tollgate"})')
        return last is not None and last > moment

    def evaluated_since(self, moment: float) -> bool:
        """Whether every group of rules has been evaluated."""
        groups = self.client.get("/api/v1/rules").json()["data"]["groups"]
        return all(seconds(group["lastEvaluation"]) > moment for group in groups)

    def settle(self) -> None:
        """Waits until every rule has been evaluated on what is true now."""
        moment = self.now()
        poll("it is scraped", lambda: self.scraped_since(moment))
        # Twice: groups are evaluated in no order, and alerts are made of another group's records.
        for _ in range(2):
            moment = self.now()
            poll("the rules are evaluated", lambda since=moment: self.evaluated_since(since))


def seconds(text: str) -> float:
    """Unix time of Go's RFC 3339, which has up to nanoseconds; 0 where nothing happened yet."""
    if text.startswith("0001-"):
        return 0
    # Python takes microseconds.
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text)).timestamp()
