"""A load that runs in processes of its own while the caller does something else.

with LoadRun(Plan(url, host, rate=500, seconds=60)) as load:
    …                       # load.so_far() is what came of it until now
    load.stop()             # or let it run to its end
    result = load.wait()
"""

import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from e2e.load.plan import Plan
from e2e.load.result import LoadResult, Sample

_ROOT = Path(__file__).resolve().parents[2]
# The workers import what they need before the first request is due.
_LEAD_SECONDS = 1.5
_PATIENCE_SECONDS = 30.0


class LoadRun:
    """The worker processes of one plan; none of them outlives the `with`."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._samples: list[Sample] = []
        self._workers: list[subprocess.Popen[str]] = []
        self._readers: list[threading.Thread] = []
        self.started = 0.0

    def __enter__(self) -> Self:
        self.started = time.time() + _LEAD_SECONDS
        plan, count = self._plan, self._plan.workers
        for number in range(count):
            # Worker k sends the requests k, k + count, k + 2 * count …
            requests = len(range(number, plan.requests, count))
            if not requests:
                continue
            rate, start = plan.rate / count, self.started + number / plan.rate
            self._start_worker(rate, requests, start)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._workers:
            worker.kill()
            worker.wait()
        for reader in self._readers:
            reader.join()

    def so_far(self) -> LoadResult:
        """What has come of it until now."""
        return LoadResult(list(self._samples))

    def stop(self) -> None:
        """Send no more; what is on its way is still awaited."""
        for worker in self._workers:
            worker.terminate()

    def wait(self) -> LoadResult:
        """The result, once the last request is answered."""
        patience = max(self.started + self._plan.seconds - time.time(), 0) + _PATIENCE_SECONDS
        deadline = time.monotonic() + patience
        for worker in self._workers:
            code = worker.wait(timeout=max(deadline - time.monotonic(), 0.1))
            if code != 0:
                raise RuntimeError(f"a worker of the load ended with code {code}")
        for reader in self._readers:
            reader.join()
        return LoadResult(self._samples)

    def _start_worker(self, rate: float, requests: int, start: float) -> None:
        arguments = (self._plan.url, self._plan.host, str(rate), str(requests), str(start))
        worker = subprocess.Popen(
            [sys.executable, "-m", "e2e.load.worker", *arguments],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._workers.append(worker)
        reader = threading.Thread(target=self._read, args=(worker,), daemon=True)
        reader.start()
        self._readers.append(reader)

    def _read(self, worker: "subprocess.Popen[str]") -> None:
        assert worker.stdout is not None
        with worker.stdout as lines:
            for line in lines:
                # A killed worker leaves half a line.
                if line.endswith("\n"):
                    self._samples.append(Sample.from_line(line))
