"""Connection strings, URLs and keys out of Secrets: what may be in them, and what is said."""

import pytest

from resilience_operator.probes.dial import Endpoint, parse_host_port
from resilience_operator.probes.dsn import parse_dsn
from resilience_operator.probes.redis import parse_redis_url
from resilience_operator.probes.secrets import SecretInvalid
from resilience_operator.probes.sigv4 import signer_of


@pytest.mark.parametrize(
    ("text", "endpoints"),
    [
        ("host=db user=u", [("db", 5432)]),
        ("host=db port=6432 user=u password='a b'", [("db", 6432)]),
        ("postgresql://u:p@db/app?sslmode=require", [("db", 5432)]),
        ("postgres://u@[fd00::1]:5433/app", [("fd00::1", 5433)]),
        ("postgres://u@a:1,b,c:3/app", [("a", 1), ("b", 5432), ("c", 3)]),
        ("host=a,b port=7 user=u", [("a", 7), ("b", 7)]),
    ],
)
def test_dsn(text: str, endpoints: list[tuple[str, int]]) -> None:
    assert parse_dsn(text).endpoints == tuple(Endpoint(*one) for one in endpoints)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("canary", "cannot be parsed"),
        ("postgres://u:canary@db:port/app", "port"),
        ("host=db user=u canary=1", "cannot be parsed"),
        ("host=db password=canary", "names no user"),
        ("user=u password=canary", "must name a host"),
        ("host=/var/run/postgresql user=u", "no socket folder"),
        ("host=@canary user=u", "no socket folder"),
        ("host=a,,b user=u", "must name a host"),
        ("host=a,b port=1,2,3 user=u", "as many ports as hosts"),
        ("host=a,b,c,d,e,f,g,h,i user=u", "at most 8"),
        ("host=db port=65536 user=u", "from 1 to 65535"),
        ("host=db port=12345678901234567890 user=u", "from 1 to 65535"),
        ("host=db hostaddr=127.0.0.1 user=u", "may not set hostaddr"),
        *(
            (f"host=db user=u {key}=/canary", f"may not set {key}")
            for key in ("sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir", "passfile")
        ),
        ("host=db user=u service=canary", "may not set service"),
        ("host=db user=u requirepeer=canary", "may not set requirepeer"),
        ("host=db user=u krbsrvname=canary", "may not set krbsrvname"),
    ],
)
def test_a_dsn_that_is_refused(text: str, said: str) -> None:
    with pytest.raises(SecretInvalid, match=said) as caught:
        parse_dsn(text)
    assert "canary" not in caught.value.message
    assert caught.value.__cause__ is None


def test_a_dsn_reads_no_file_of_the_operators() -> None:
    parameters = parse_dsn("host=db user=u sslmode=require").parameters
    assert parameters["passfile"].startswith("/nonexistent/")
    assert parameters["sslcertmode"] == "disable"
    assert "sslrootcert" not in parameters
    assert parse_dsn("host=db user=u sslmode=verify-full").parameters["sslrootcert"]
    assert "secret" not in repr(parse_dsn("host=db user=u password=secret"))


@pytest.mark.parametrize(
    ("text", "endpoint", "user", "password", "database"),
    [
        ("redis://db", ("db", 6379), "", "", 0),
        ("redis://:p%40ss@db:6380/2", ("db", 6380), "", "p@ss", 2),
        ("rediss://u:canary@[fd00::1]/?db=3", ("fd00::1", 6379), "u", "canary", 3),
    ],
)
def test_redis_url(
    text: str, endpoint: tuple[str, int], user: str, password: str, database: int
) -> None:
    url = parse_redis_url(text)
    assert url.endpoint == Endpoint(*endpoint)
    assert (url.username, url.password, url.database) == (user, password, database)
    assert url.encrypted is text.startswith("rediss")
    assert not password or password not in repr(url)


@pytest.mark.parametrize(
    "text",
    [
        "canary",
        "unix:///canary.sock",
        "http://db",
        "redis://",
        "redis://db:canary",
        "redis://db:99999",
        "redis://[canary/",
        "redis://db/canary",
        "redis://db?ssl_ca_certs=/canary",
        "redis://db?canary",
    ],
)
def test_a_redis_url_that_is_refused(text: str) -> None:
    with pytest.raises(SecretInvalid) as caught:
        parse_redis_url(text)
    assert "canary" not in caught.value.message


@pytest.mark.parametrize(
    ("address", "endpoint"),
    [("db:80", ("db", 80)), ("[::1]:443", ("::1", 443)), ("10.0.0.1:1", ("10.0.0.1", 1))],
)
def test_host_and_port(address: str, endpoint: tuple[str, int]) -> None:
    assert parse_host_port(address) == Endpoint(*endpoint)


def test_signer() -> None:
    data = {"access-key-id": b"AK\n", "AWS_SECRET_ACCESS_KEY": b"SK", "session-token": b"T"}
    signer = signer_of("s3", data, "eu-west-1")
    headers = signer.headers("PUT", "https://bucket.s3.example/key", b"body")
    assert "Credential=AK/" in headers["Authorization"]
    assert "/eu-west-1/s3/aws4_request" in headers["Authorization"]
    assert headers["X-Amz-Security-Token"] == "T"
    assert signer.temporary
    assert "SK" not in repr(signer)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"access-key-id": b"a"},
        {"secret-access-key": b"a"},
        {"access-key-id": b"\xff", "secret-access-key": b"a"},
        {"access-key-id": b"a\r\nX: b", "secret-access-key": b"a"},
    ],
)
def test_keys_that_are_none(data: dict[str, bytes]) -> None:
    with pytest.raises(SecretInvalid, match="'s3'"):
        signer_of("s3", data, "us-east-1")
