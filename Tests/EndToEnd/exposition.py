"""Reads Prometheus's text format strictly, with the standard library alone."""

import re
from dataclasses import dataclass

_SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([0-9.]+(?:e[+-]?[0-9]+)?)')
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)')
_SUFFIXES = ("_bucket", "_sum", "_count")


@dataclass
class Sample:
    name: str
    labels: dict[str, str]
    value: float


class Metrics:
    """One page. Every line must be understood, and every series be there once, under its own metric."""

    def __init__(self, text: str):
        self.samples: list[Sample] = []
        self.kinds: dict[str, str] = {}
        current, seen = "", set()
        assert text.endswith("\n")
        for line in text.splitlines():
            if line.startswith("# HELP "):
                current = line.split(" ", 3)[2]
                assert current not in self.kinds, f"{current} is there twice"
            elif line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                assert name == current, f"TYPE of {name} behind HELP of {current}"
                self.kinds[name] = kind
            else:
                sample = self._sample(line)
                base = sample.name
                if self.kinds[current] == "histogram":
                    base = next(base[: -len(s)] for s in _SUFFIXES if base.endswith(s))
                assert base == current, line
                key = (sample.name, *sorted(sample.labels.items()))
                assert key not in seen, f"twice: {line}"
                seen.add(key)
                self.samples.append(sample)

    @staticmethod
    def _sample(line: str) -> Sample:
        match = _SAMPLE.fullmatch(line)
        assert match, line
        name, inside, value = match.groups()
        labels, end = {}, 0
        while inside and end < len(inside):
            label = _LABEL.match(inside, end)
            assert label, line
            labels[label[1]] = re.sub(
                r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], label[2]
            )
            end = label.end()
        return Sample(name, labels, float(value))

    def of(self, name: str, **labels: str) -> list[Sample]:
        return [
            sample for sample in self.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]  # fmt: skip

    def sum(self, name: str, **labels: str) -> float:
        return sum(sample.value for sample in self.of(name, **labels))

    def value(self, name: str, **labels: str) -> float:
        found = self.of(name, **labels)
        assert len(found) == 1, f"{name} {labels}: {len(found)} series"
        return found[0].value

    def by(self, name: str, *labels: str) -> dict[tuple[str, ...], float]:
        """Sums by the values of some labels."""
        sums: dict[tuple[str, ...], float] = {}
        for sample in self.of(name):
            key = tuple(sample.labels[label] for label in labels)
            sums[key] = sums.get(key, 0) + sample.value
        return sums
