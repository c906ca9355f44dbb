"""A load is bounded and of this machine on itself, and every request of it is accounted for."""

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from e2e.load.plan import Plan, PlanError
from e2e.load.result import LoadResult, Sample
from e2e.load.run import LoadRun

HOST = "inventario.example"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080/",
        "http://127.1.2.3/",
        "http://[::1]:8080/",
    ],
)
def test_loopback_may_be_loaded(url: str) -> None:
    assert Plan(url, HOST, rate=10, seconds=1).requests == 10


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/",
        "http://0.0.0.0:8080/",
        "http://localhost:8080/",  # a name may mean anything
        "http://shop.example/",
        "http://127.0.0.1.shop.example/",
        "http://127.0.0.1@shop.example/",
        "https://127.0.0.1/",
        "file:///etc/hosts",
        "",
    ],
)
def test_nothing_else_may(url: str) -> None:
    with pytest.raises(PlanError):
        Plan(url, HOST, rate=10, seconds=1)


@pytest.mark.parametrize(
    ("rate", "seconds"), [(0, 1), (-1, 1), (5001, 1), (1, 0), (1, 3601), (5000, 3600), (0.1, 1)]
)
def test_a_load_has_an_end(rate: float, seconds: float) -> None:
    with pytest.raises(PlanError):
        Plan("http://127.0.0.1/", HOST, rate, seconds)


def sample(at: float, version: str = "v1", seconds: float = 0.01, status: int = 200) -> Sample:
    return Sample(at, seconds, status, version, f"pod-{version}")


def test_shares_are_of_the_answers() -> None:
    result = LoadResult([sample(1), sample(2), sample(3, "v2", status=500), sample(4, "", 0, 0)])
    assert result.versions == {"v1": 2, "v2": 1}
    assert result.share("v2") == pytest.approx(100 / 3)
    assert result.share("v3") == 0
    assert result.failures == 2
    assert result.reasons() == {"status 500": 1, "status 0": 1}


def test_percentiles_are_latencies_that_occurred() -> None:
    result = LoadResult([sample(n, seconds=n / 1000) for n in range(1, 101)])
    assert [result.percentile(p) for p in (0, 50, 95, 99, 100)] == [0.001, 0.05, 0.095, 0.099, 0.1]


def test_a_part_of_it_is_by_the_time_that_requests_were_due() -> None:
    result = LoadResult([sample(3, "v2"), sample(1), sample(2)])
    assert [one.at for one in result.between(1, 3).samples] == [1, 2]
    assert len(result.between(2)) == 2


def test_no_requests_are_no_division_by_zero() -> None:
    assert "requests: 0" in LoadResult([]).summary()


def test_a_sample_is_one_line_whatever_the_server_said() -> None:
    before = Sample(1.5, 0.25, 503, "v\t1", "a\npod", "status 503:\n\tno way")
    assert before.line().count("\n") == 1
    assert Sample.from_line(before.line()) == Sample(
        1.5, 0.25, 503, "v 1", "a pod", "status 503: no way"
    )


class Shop(BaseHTTPRequestHandler):
    """Fails for /broken, and answers everything else."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(500 if self.path == "/broken" else 200)
        self.send_header("X-Version", self.headers["Host"])
        self.send_header("X-Pod", "pod-1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def shop() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_sends_as_many_requests_as_planned(shop: str, workers: int) -> None:
    with LoadRun(Plan(shop, HOST, rate=50, seconds=0.5, workers=workers)) as load:
        result = load.wait()
    assert len(result) == 25
    assert result.versions == {HOST: 25}
    assert result.failures == 0
    assert result.samples[-1].at - result.samples[0].at == pytest.approx(0.48, abs=0.001)


def test_failures_are_results(shop: str) -> None:
    with LoadRun(Plan(f"{shop}/broken", HOST, rate=10, seconds=0.5)) as load:
        result = load.wait()
    assert result.failures == 5


def test_nobody_there_is_a_failure_of_each_request() -> None:
    with LoadRun(Plan("http://127.0.0.1:1/", HOST, rate=10, seconds=0.3)) as load:
        result = load.wait()
    assert result.failures == len(result) == 3
    assert all(one.status == 0 for one in result.samples)


def test_a_run_can_be_watched_and_stopped(shop: str) -> None:
    with LoadRun(Plan(shop, HOST, rate=100, seconds=60)) as load:
        deadline = time.monotonic() + 20
        while not len(load.so_far()) and time.monotonic() < deadline:
            time.sleep(0.05)
        load.stop()
        result = load.wait()
    assert 0 < len(result) < 3000
    assert result.failures == 0
