"""A PostgreSQL primary with TLS and passwords, and a streaming replica of it."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import trustme

from tests.integration.probes.processes import (
    as_user,
    binary,
    folder_of,
    free_port,
    running,
    wait_for_port,
    wait_until,
)

USER = "postgres"
PACKAGE = "postgresql"
PASSWORD = "canary-postgres-password"

HBA = """
local all all trust
host all postgres 127.0.0.1/32 trust
host replication postgres 127.0.0.1/32 trust
host all unwelcome 127.0.0.1/32 reject
host all all 127.0.0.1/32 scram-sha-256
"""
ROLES = f"""
CREATE ROLE probe LOGIN PASSWORD '{PASSWORD}';
CREATE ROLE unwelcome LOGIN PASSWORD '{PASSWORD}';
CREATE ROLE limited LOGIN PASSWORD '{PASSWORD}' CONNECTION LIMIT 0;
CREATE ROLE readonly LOGIN PASSWORD '{PASSWORD}';
ALTER ROLE readonly SET default_transaction_read_only = on;
CREATE TABLE stock (item int);
GRANT SELECT, INSERT ON stock TO probe;
"""


@dataclass(frozen=True)
class PostgresServers:
    """Ports of a primary and its replica."""

    primary: int
    replica: int

    def dsn(self, user: str = "probe", *, port: int | None = None, more: str = "") -> str:
        return (
            f"host=127.0.0.1 port={port or self.primary} dbname=postgres "
            f"user={user} password={PASSWORD} {more}"
        )

    def admin(self, port: int | None = None) -> psycopg.Connection[tuple[object, ...]]:
        """A superuser's session."""
        return psycopg.connect(
            f"host=127.0.0.1 port={port or self.primary} user=postgres dbname=postgres",
            autocommit=True,
        )


@contextmanager
def postgres_servers() -> Iterator[PostgresServers]:
    with folder_of(USER) as folder, ExitStack() as stack:
        primary, replica = free_port(), free_port()
        _init(folder)
        stack.enter_context(_server(folder / "primary", primary))
        servers = PostgresServers(primary, replica)
        with servers.admin() as admin:
            admin.execute(ROLES)
        _run(
            "pg_basebackup", "-h", "127.0.0.1", "-p", str(primary), "-U", "postgres",
            "-D", str(folder / "replica"), "-R", "-X", "stream", "-c", "fast",
        )  # fmt: skip
        stack.enter_context(_server(folder / "replica", replica))
        with servers.admin(replica) as standby:
            wait_until(
                lambda: bool(standby.execute("SELECT 1 FROM pg_stat_wal_receiver").fetchone()),
                "streaming",
            )
        yield servers


def _init(folder: Path) -> None:
    data = folder / "primary"
    _run("initdb", "-D", str(data), "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8")
    (data / "pg_hba.conf").write_text(HBA)
    certificate = trustme.CA().issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(str(data / "server.key"))
    certificate.cert_chain_pems[0].write_to_path(str(data / "server.crt"))
    (data / "server.key").chmod(0o600)
    if os.geteuid() == 0:
        shutil.chown(data / "server.key", USER, USER)
        shutil.chown(data / "server.crt", USER, USER)


def _run(program: str, *arguments: str) -> None:
    command = as_user(USER, [binary(program, PACKAGE), *arguments])
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{program} failed: {done.stderr}")


@contextmanager
def _server(data: Path, port: int) -> Iterator[None]:
    settings = {
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "fsync": "off",
        "ssl": "on",
        "max_connections": 30,
        "shared_buffers": "16MB",
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    command = as_user(USER, [binary("postgres", PACKAGE), "-D", str(data), *options])
    log = data.parent / f"{data.name}.log"
    with running(command, log, stop=signal.SIGINT) as process:
        wait_for_port(process, port, log)
        wait_until(lambda: _answers(port), "a session")
        yield


def _answers(port: int) -> bool:
    try:
        psycopg.connect(f"host=127.0.0.1 port={port} user=postgres dbname=postgres").close()
    except psycopg.OperationalError:
        return False
    return True
