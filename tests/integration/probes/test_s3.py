"""The s3 probe against moto's server, and against stubs for what that does not do."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web

from resilience_operator.api.v1alpha1.base import SecretRef
from resilience_operator.api.v1alpha1.policy_status import FailureReason as Reason
from resilience_operator.api.v1alpha1.probes import S3Mode, S3Probe
from resilience_operator.core.model import Verdict
from resilience_operator.probes.s3 import TIDY_SECONDS
from resilience_operator.runtime.elector import LeaseTiming
from tests.integration.probes.conftest import Bench
from tests.integration.probes.s3_server import BUCKET, S3Server
from tests.integration.probes.stubs import http_server, raw_server, silence

REF = SecretRef(name="s3")


def probe(endpoint: str, bucket: str = BUCKET, **fields: object) -> S3Probe:
    return S3Probe(endpoint=endpoint, bucket=bucket, credentials_secret_ref=REF, **fields)


def use(bench: Bench, access: str, secret: str, token: str | None = None) -> None:
    values = {"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret}
    if token is not None:
        values["AWS_SESSION_TOKEN"] = token
    bench.secrets.data["s3"] = {key: value.encode() for key, value in values.items()}


@pytest.mark.parametrize("mode", list(S3Mode))
async def test_healthy(bench: Bench, s3: S3Server, mode: S3Mode) -> None:
    bench.secrets.put("s3", access_key_id=s3.access, secret_access_key=s3.secret)
    for path_style in (True, False):
        result = await bench.ask(probe(s3.endpoint, mode=mode, path_style=path_style), 10)
        assert (result.verdict, result.reason) == (Verdict.HEALTHY, None), result
    assert s3.client().list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


@pytest.mark.parametrize("mode", list(S3Mode))
async def test_failures(bench: Bench, s3: S3Server, mode: S3Mode) -> None:
    use(bench, s3.access, s3.secret)
    absent = await bench.ask(probe(s3.endpoint, "absent", mode=mode))
    assert (absent.verdict, absent.reason) == (Verdict.UNHEALTHY, Reason.NOT_FOUND), absent
    use(bench, s3.access, "wrong")
    bench.prober.invalidate("retail", "s3")
    refused = await bench.ask(probe(s3.endpoint, mode=mode))
    assert (refused.verdict, refused.reason) == (Verdict.UNHEALTHY, Reason.AUTH), refused
    use(bench, s3.access, s3.secret)
    bench.advance(2)
    assert (await bench.ask(probe(s3.endpoint, mode=mode))).verdict is Verdict.HEALTHY


@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
async def test_credentials_that_are_none(bench: Bench, missing: str) -> None:
    spec = probe("http://127.0.0.1:1")
    assert (await bench.ask(spec)).reason is Reason.SECRET_MISSING
    use(bench, "canary", "canary")
    del bench.secrets.data["s3"][missing]
    bench.advance(6)
    result = await bench.ask(spec)
    assert (result.verdict, result.reason) == (Verdict.UNKNOWN, Reason.SECRET_INVALID)
    assert missing in result.message
    assert "canary" not in result.message


class Bucket:
    """A stand-in that keeps objects and fails as told, by method."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.failing: dict[str, int] = {}
        self.headers: dict[str, str] = {}
        self.corrupt = False
        self.requests: list[web.BaseRequest] = []

    async def __call__(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        status = self.failing.get(request.method)
        if status is not None:
            return web.Response(status=status, headers=self.headers)
        if request.method == "PUT":
            self.objects[request.path] = await request.read()
        if request.method == "DELETE":
            self.objects.pop(request.path, None)
            return web.Response(status=204)
        body = self.objects.get(request.path, b"")
        return web.Response(body=b"other" if self.corrupt else body)


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
async def endpoint(bucket: Bucket, bench: Bench) -> AsyncIterator[str]:
    use(bench, "access", "secret", token="canary-token")
    async with http_server(bucket) as port:
        yield f"http://localhost:{port}"


async def test_a_canary_object(bench: Bench, bucket: Bucket, endpoint: str) -> None:
    spec = probe(endpoint, mode=S3Mode.CANARY_OBJECT, path_style=True)
    for _ in range(2):
        assert (await bench.ask(spec)).verdict is Verdict.HEALTHY
    assert [r.method for r in bucket.requests] == ["PUT", "GET", "DELETE"] * 2
    assert {r.path.rpartition("/")[0] for r in bucket.requests} == {
        f"/{BUCKET}/.resilience-operator"
    }
    assert all(r.headers["X-Amz-Security-Token"] == "canary-token" for r in bucket.requests)


@pytest.mark.parametrize(
    ("failing", "corrupt", "reason"),
    [
        ({"PUT": 403}, False, Reason.AUTH),
        ({"PUT": 503}, False, Reason.BAD_STATUS),
        ({"PUT": 429}, False, Reason.RATE_LIMITED),
        ({"GET": 500}, False, Reason.BAD_STATUS),
        ({"GET": 404}, False, Reason.NOT_FOUND),
        ({"DELETE": 403}, False, Reason.AUTH),
        ({}, True, Reason.BAD_BODY),
        ({"PUT": 400}, False, Reason.AUTH),
        ({"PUT": 301}, False, Reason.BAD_STATUS),
    ],
)
async def test_a_canary_object_that_fails(
    bench: Bench,
    bucket: Bucket,
    endpoint: str,
    failing: dict[str, int],
    corrupt: bool,
    reason: Reason,
) -> None:
    bucket.failing, bucket.corrupt = failing, corrupt
    spec = probe(endpoint, mode=S3Mode.CANARY_OBJECT, path_style=True)
    result = await bench.ask(spec)
    assert (result.verdict, result.reason) == (Verdict.UNHEALTHY, reason), result
    await bench.prober.forget("retail", spec)  # waits for what is being tidied up
    if "DELETE" not in failing:
        assert not bucket.objects


async def test_a_timeout_leaves_nothing_behind(bench: Bench, bucket: Bucket, endpoint: str) -> None:

    class Slow(Bucket):
        async def __call__(self, request: web.Request) -> web.Response:
            answer = await super().__call__(request)
            if request.method == "GET":
                await asyncio.Event().wait()
            return answer

    slow = Slow()
    async with http_server(slow) as port:
        spec = probe(f"http://localhost:{port}", mode=S3Mode.CANARY_OBJECT, path_style=True)
        assert (await bench.ask(spec, 0.5)).reason is Reason.TIMEOUT
        await bench.prober.forget("retail", spec)
        assert [r.method for r in slow.requests] == ["PUT", "GET", "DELETE"]
        assert not slow.objects


def test_tidying_up_leaves_a_leader_time_to_give_its_lease_back() -> None:
    timing = LeaseTiming()
    assert timing.lease - timing.renew_deadline - 1 >= TIDY_SECONDS


async def test_a_virtual_host_is_resolved_and_checked(bench: Bench) -> None:
    use(bench, "access", "secret")
    assert (await bench.ask(probe("http://no-such-host.invalid"))).reason is Reason.DNS
    refused = probe("http://169.254.169.254")
    assert (await bench.ask(refused)).reason is Reason.ADDRESS_REFUSED
    async with raw_server(silence) as port:
        slow = probe(f"http://127.0.0.1:{port}")
        assert (await bench.ask(slow, 0.3)).reason is Reason.TIMEOUT


async def test_a_wrong_clock_is_not_the_services_failure(
    bench: Bench, bucket: Bucket, endpoint: str
) -> None:
    bucket.failing = {"HEAD": 403}
    bucket.headers = {"Date": format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)}
    result = await bench.ask(probe(endpoint, path_style=True))
    assert (result.verdict, result.reason) == (Verdict.UNKNOWN, Reason.INTERNAL), result
    assert not bench.faults
