"""What came of the requests: shares, latencies, failures."""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Sample:
    """One request: when it was due (epoch), how long it took from then, and what it got."""

    at: float
    seconds: float
    status: int  # 0: no answer
    version: str
    pod: str
    error: str = ""

    @property
    def failed(self) -> bool:
        """Whether a user would have noticed: no answer, or none that is one."""
        return not 200 <= self.status < 400

    def line(self) -> str:
        """The sample as a line of text."""
        fields = (f"{self.at:.6f}", f"{self.seconds:.6f}", str(self.status))
        texts = (self.version, self.pod, self.error)
        return "\t".join((*fields, *(" ".join(text.split()) for text in texts))) + "\n"

    @classmethod
    def from_line(cls, line: str) -> Self:
        """What `line` wrote."""
        at, seconds, status, version, pod, error = line.rstrip("\n").split("\t")
        return cls(float(at), float(seconds), int(status), version, pod, error)


class LoadResult:
    """All samples of a run, or those of a part of it."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self.samples = sorted(samples, key=lambda sample: sample.at)

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def failures(self) -> int:
        """How many requests failed."""
        return sum(sample.failed for sample in self.samples)

    @property
    def versions(self) -> dict[str, int]:
        """How many answers each version gave, failed ones included."""
        return dict(Counter(sample.version for sample in self.samples if sample.version))

    def share(self, version: str) -> float:
        """Percent of the answers that the version gave; 0 when there are none."""
        versions = self.versions
        return 100 * versions.get(version, 0) / max(sum(versions.values()), 1)

    def percentile(self, percent: float) -> float:
        """The latency in seconds that so many percent stayed within; no answer counts as well."""
        latencies = sorted(sample.seconds for sample in self.samples)
        if not latencies:
            return math.nan
        return latencies[max(math.ceil(len(latencies) * percent / 100), 1) - 1]

    def where(self, holds: Callable[[Sample], bool]) -> "LoadResult":
        """The part of it for which that holds."""
        return LoadResult(filter(holds, self.samples))

    def between(self, start: float, end: float = math.inf) -> "LoadResult":
        """The part of it that was due in a span of time (epoch)."""
        return self.where(lambda sample: start <= sample.at < end)

    def reasons(self) -> dict[str, int]:
        """Why requests failed, and how many for each reason."""
        failed = (sample for sample in self.samples if sample.failed)
        return dict(Counter(one.error or f"status {one.status}" for one in failed).most_common())

    def summary(self) -> str:
        """The figures in a few lines, for a person."""
        shares = ", ".join(
            f"{version} {self.share(version):.2f} % ({count})"
            for version, count in sorted(self.versions.items())
        )
        latencies = ", ".join(
            f"p{percent} {1000 * self.percentile(percent):.1f} ms" for percent in (50, 95, 99)
        )
        lines = [f"requests: {len(self)}", f"shares: {shares}", f"latency: {latencies}"]
        lines.append(f"failures: {self.failures}")
        lines += [f"  {reason}: {count}" for reason, count in self.reasons().items()]
        return "\n".join(lines)
