"""A real Redis whose password can be changed while it runs."""

import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from tests.integration.probes.processes import binary, free_port, running, wait_for_port


class RedisServer:
    """One server on this machine."""

    def __init__(self, port: int, password: str) -> None:
        self.port = port
        self.password = password

    @property
    def url(self) -> str:
        """As a Secret holds it."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}"

    def change_password(self, password: str) -> None:
        """From now on only the new one opens a session, and old sessions are over."""
        with redis.Redis(port=self.port, password=self.password) as admin:
            admin.config_set("requirepass", password)
            admin.client_kill_filter(_type="normal", skipme=True)
        self.password = password


@contextmanager
def redis_server(password: str) -> Iterator[RedisServer]:
    """A Redis without persistence, in a folder of its own."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        command = [
            binary("redis-server", "redis-server"), "--bind", "127.0.0.1", "--port", str(port),
            "--save", "", "--dir", folder, "--requirepass", password,
        ]  # fmt: skip
        with running(command, log, stop=signal.SIGKILL) as process:
            wait_for_port(process, port, log)
            yield RedisServer(port, password)
