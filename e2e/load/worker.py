"""One process that makes load: `python -m e2e.load.worker URL HOST RATE REQUESTS START`.

Requests are sent when they are due, by the clock, and their time counts from then on: a server
(or a machine) that stalls shows in the latencies instead of slowing the load down. Each sample
goes to standard output as a line. It ends by itself, early on SIGTERM or when nobody reads.
"""

import asyncio
import contextlib
import resource
import signal
import sys
import time

import aiohttp

from e2e.load.plan import Plan
from e2e.load.result import Sample

_MOST_IN_FLIGHT = 5000
_TIMEOUT_SECONDS = 20.0
_FLUSH_SECONDS = 0.1


class Worker:
    """Sends the requests of one process."""

    def __init__(self, plan: Plan, start: float) -> None:
        self._plan = plan
        self._start = start
        self._stopped = asyncio.Event()
        self._in_flight: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """Send no more; what is on its way is still awaited."""
        self._stopped.set()

    async def run(self) -> None:
        """Send everything, and return when all of it is answered."""
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            flushing = asyncio.create_task(self._flush())
            await self._send_all(session)
            await asyncio.gather(*self._in_flight)
            flushing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await flushing
        sys.stdout.flush()

    async def _send_all(self, session: aiohttp.ClientSession) -> None:
        for number in range(self._plan.requests):
            due = self._start + number / self._plan.rate
            await self._until(due)
            if self._stopped.is_set():
                return
            if len(self._in_flight) >= _MOST_IN_FLIGHT:
                self._write(Sample(due, 0.0, 0, "", "", "not sent: too many are unanswered"))
                continue
            task = asyncio.create_task(self._send(session, due))
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)

    async def _until(self, due: float) -> None:
        wait = due - time.time()
        if wait > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), wait)
        else:
            await asyncio.sleep(0)

    async def _send(self, session: aiohttp.ClientSession, due: float) -> None:
        version = pod = error = ""
        status = 0
        try:
            async with session.get(
                self._plan.url, headers={"Host": self._plan.host}, allow_redirects=False
            ) as answer:
                version = answer.headers.get("X-Version", "")
                pod = answer.headers.get("X-Pod", "")
                body = await answer.read()
                status = answer.status
                if status >= 400:
                    error = f"status {status}: {body[:80].decode(errors='replace')}"
        except (aiohttp.ClientError, TimeoutError, OSError) as failure:
            error = f"{type(failure).__name__}: {failure}"
        self._write(Sample(due, time.time() - due, status, version, pod, error))

    def _write(self, sample: Sample) -> None:
        sys.stdout.write(sample.line())

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            try:
                sys.stdout.flush()
            except BrokenPipeError:
                self.stop()
                return


async def _main(url: str, host: str, rate: str, requests: str, start: str) -> None:
    # Every request on its way has a connection, and may have been given few files.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    plan = Plan(url, host, float(rate), int(requests) / float(rate))
    worker = Worker(plan, float(start))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    await worker.run()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
