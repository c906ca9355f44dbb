"""Redis servers: a master with users, its replica, a replica cut off, and one with TLS."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis
import trustme

from tests.integration.probes.processes import (
    binary,
    free_port,
    running,
    wait_for_port,
    wait_until,
)

PACKAGE = "redis-server"
PASSWORD = "canary-redis-password"


@dataclass(frozen=True)
class RedisServers:
    """Ports by role."""

    master: int
    replica: int
    orphan: int
    tls: int
    ca: trustme.CA

    def url(self, port: int | None = None, user: str = "", path: str = "") -> str:
        return f"redis://{user}:{PASSWORD}@127.0.0.1:{port or self.master}{path}"

    def admin(self, port: int | None = None) -> "redis.Redis":
        return redis.Redis(port=port or self.master, password=PASSWORD, decode_responses=True)


@contextmanager
def redis_servers(folder: Path) -> Iterator[RedisServers]:
    ca = trustme.CA()
    servers = RedisServers(*(free_port() for _ in range(4)), ca=ca)
    common = ["--requirepass", PASSWORD, "--masterauth", PASSWORD]
    with ExitStack() as stack:
        certificate = ca.issue_cert("localhost", "127.0.0.1")
        certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
        certificate.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
        ca.cert_pem.write_to_path(str(folder / "ca.pem"))
        for name, port, more in (
            ("master", servers.master, ["--user", "pinger", "on", f">{PASSWORD}", "+ping"]),
            ("replica", servers.replica, ["--replicaof", "127.0.0.1", str(servers.master)]),
            ("orphan", servers.orphan, ["--replicaof", "127.0.0.1", str(free_port())]),
            ("tls", 0, _tls(folder, servers.tls)),
        ):
            stack.enter_context(_server(folder, name, port or servers.tls, [
                "--port", str(port), *common, *more,
            ]))  # fmt: skip
        replica = stack.enter_context(servers.admin(servers.replica))
        wait_until(lambda: replica.info("replication")["master_link_status"] == "up", "replication")
        yield servers


def _tls(folder: Path, port: int) -> list[str]:
    return [
        "--tls-port", str(port),
        "--tls-cert-file", str(folder / "cert.pem"),
        "--tls-key-file", str(folder / "key.pem"),
        "--tls-ca-cert-file", str(folder / "ca.pem"),
        "--tls-auth-clients", "optional",
    ]  # fmt: skip


@contextmanager
def _server(folder: Path, name: str, port: int, arguments: list[str]) -> Iterator[None]:
    log = folder / f"{name}.log"
    data = folder / name
    data.mkdir()
    command = [
        binary("redis-server", PACKAGE), "--bind", "127.0.0.1", "--save", "", "--dir", str(data),
        "--repl-diskless-sync-delay", "0", *arguments,
    ]  # fmt: skip
    with running(command, log, stop=signal.SIGKILL) as process:
        wait_for_port(process, port, log)
        yield
