"""The operator as a real process: started, read from /proc and /metrics, ended."""

import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from e2e.cluster import ports
from e2e.cluster.processes import ProcessTable

NAME = "operator"
_TICKS = os.sysconf("SC_CLK_TCK")
_MIB = 1024.0  # in the kilobytes of /proc


@dataclass(frozen=True)
class Memory:
    """Megabytes (2**20) in use: all that is resident, and that with shared pages split up."""

    rss: float
    pss: float


class Scrape:
    """The counters and histograms of one look at /metrics."""

    def __init__(self, text: str) -> None:
        self._samples: dict[str, list[tuple[dict[str, str], float]]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self._samples.setdefault(sample.name, []).append((sample.labels, sample.value))

    def total(self, name: str, **labels: str) -> float:
        """The sum of the series that have these labels."""
        return sum(
            value
            for found, value in self._samples.get(name, ())
            if all(found.get(label) == wanted for label, wanted in labels.items())
        )

    def by_label(self, name: str, *labels: str) -> dict[str, float]:
        """The series' values, by these labels of theirs."""
        result: dict[str, float] = {}
        for found, value in self._samples.get(name, ()):
            key = " ".join(found[label] for label in labels)
            result[key] = result.get(key, 0.0) + value
        return result

    def quantile_since(self, earlier: "Scrape", name: str, q: float) -> float:
        """The bucket bound below which a share `q` of what came since `earlier` lies."""
        before = earlier.by_label(f"{name}_bucket", "le")
        grown = sorted(
            (float(bound), count - before.get(bound, 0.0))
            for bound, count in self.by_label(f"{name}_bucket", "le").items()
        )
        wanted = q * grown[-1][1]
        return next(bound for bound, count in grown if count >= wanted)


class Operator:
    """One start of it. Use `stop` at the end."""

    def __init__(
        self, processes: ProcessTable, kubeconfig: Path, settings: Mapping[str, str]
    ) -> None:
        self._processes = processes
        [self._port] = ports.free(1)
        environment = {
            "RESILIENCE_KUBECONFIG": str(kubeconfig),
            "RESILIENCE_HTTP_HOST": "127.0.0.1",
            "RESILIENCE_HTTP_PORT": str(self._port),
            "RESILIENCE_GUARD_ALLOW": "127.0.0.0/8",
            "RESILIENCE_LOG_LEVEL": "WARNING",
            **settings,
        }
        self.started = time.monotonic()
        processes.start(NAME, [sys.executable, "-m", "resilience_operator.main"], environment)
        self._proc = Path("/proc") / str(processes.recorded()[NAME].pid)

    def stop(self) -> None:
        """Ask it to end, and wait."""
        self._processes.stop(NAME, grace_seconds=20.0)

    def elapsed(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self.started

    def answers(self) -> bool:
        """Whether /metrics does; raises when the process has ended."""
        self._processes.check(NAME)
        try:
            self.scrape()
        except (urllib.error.URLError, OSError):
            return False
        return True

    def scrape(self) -> Scrape:
        """Look at /metrics. With many policies that costs the operator some CPU time."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=30) as got:
            return Scrape(got.read().decode())

    def memory(self) -> Memory:
        """What it uses now."""
        rss = _field(self._proc / "status", "VmRSS:")
        return Memory(rss / _MIB, _field(self._proc / "smaps_rollup", "Pss:") / _MIB)

    def peak(self) -> float:
        """The most that has been resident, in megabytes."""
        return _field(self._proc / "status", "VmHWM:") / _MIB

    def cpu_seconds(self) -> float:
        """CPU time since its start, of all its threads."""
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


def wait_until(check: Callable[[], bool], seconds: float, pause: float = 0.05) -> None:
    """Poll, and raise TimeoutError when it takes too long."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so within {seconds:.0f} s")
        time.sleep(pause)


def _field(file: Path, name: str) -> int:
    for line in file.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise LookupError(f"{file} has no {name}")
