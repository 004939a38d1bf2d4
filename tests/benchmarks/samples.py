"""What is said of measured times: medians, tails and ratios."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


def summary(seconds: Sequence[float]) -> dict[str, float]:
    """Return the usual figures of some times, in milliseconds."""
    ordered = sorted(seconds)
    return {
        "n": len(ordered),
        "min_ms": _ms(ordered[0]),
        "median_ms": _ms(statistics.median(ordered)),
        "p99_ms": _ms(percentile(ordered, 0.99)),
        "max_ms": _ms(ordered[-1]),
    }


def percentile(ordered: Sequence[float], part: float) -> float:
    """Return the value that `part` of the sorted values do not exceed."""
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


@dataclass
class Contest:
    """Times of one task by several contenders, in rounds of one after the other."""

    rounds: dict[str, list[list[float]]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)
    """Processor seconds that the server took in each round: they tell more than times on a machine
    that others use too."""

    def add(self, contender: str, seconds: Sequence[float], cpu: float | None = None) -> None:
        """Take in the times of one round."""
        self.rounds.setdefault(contender, []).append(list(seconds))
        if cpu is not None:
            self.cpu.setdefault(contender, []).append(cpu)

    def report(self, ours: str = "ours") -> dict[str, Any]:
        """Return a summary of each contender, and ours as a multiple of every other one's."""
        report: dict[str, Any] = {}
        for name, rounds in self.rounds.items():
            report[name] = summary([one for times in rounds for one in times])
            report[name]["round_medians_ms"] = [_ms(statistics.median(each)) for each in rounds]
            if name in self.cpu:
                report[name]["server_cpu_ms_per_round"] = [_ms(each) for each in self.cpu[name]]
        if ours in report:
            report["ratios"] = {
                other: self._ratios(ours, other, report) for other in self.rounds if other != ours
            }
        return report

    def _ratios(self, ours: str, other: str, report: dict[str, Any]) -> dict[str, Any]:
        pairs = zip(self.rounds[ours], self.rounds[other], strict=False)
        each = [statistics.median(mine) / statistics.median(theirs) for mine, theirs in pairs]
        ratios: dict[str, Any] = {
            "median": round(report[ours]["median_ms"] / report[other]["median_ms"], 2),
            "p99": round(report[ours]["p99_ms"] / report[other]["p99_ms"], 2),
            "median_of_rounds": round(statistics.median(each), 2),
            "rounds": [round(ratio, 2) for ratio in each],
        }
        if ours in self.cpu and other in self.cpu:
            mine, theirs = statistics.median(self.cpu[ours]), statistics.median(self.cpu[other])
            ratios["server_cpu"] = round(mine / theirs, 2) if theirs else None
        return ratios


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 3)
