"""PostgreSQL on a writable folder: the cluster is made at the first start, then the server runs."""

import os
import shutil
import subprocess
from pathlib import Path

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
DATA = Path("/data/postgres")
NETWORK_RULES = """
host all all 0.0.0.0/0 scram-sha-256
host all all ::/0 scram-sha-256
"""
SETTINGS = """
listen_addresses = '*'
unix_socket_directories = '/data'
dynamic_shared_memory_type = mmap
shared_buffers = 32MB
jit = off
fsync = off
"""


def serve() -> None:
    """Make the cluster if there is none, and become the server."""
    if not DATA.exists():
        _initialise(os.environ["POSTGRES_USER"], os.environ["POSTGRES_PASSWORD"])
    program = str(PROGRAMS / "postgres")
    os.execv(program, [program, "-D", str(DATA)])


def _initialise(user: str, password: str) -> None:
    """Make the cluster beside its place, so that what is in its place is always complete."""
    unfinished = DATA.with_name("unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    password_file = DATA.with_name("password")
    password_file.write_text(password)
    options: list[str | Path] = ["--username", user, "--pwfile", password_file]
    options += ["--auth", "scram-sha-256"]
    _run("initdb", "--pgdata", unfinished, "--encoding", "UTF8", "--no-sync", *options)
    password_file.unlink()
    _append(unfinished / "postgresql.conf", SETTINGS)
    _append(unfinished / "pg_hba.conf", NETWORK_RULES)
    create = f'CREATE DATABASE "{os.environ["POSTGRES_DB"]}"\n'
    _run("postgres", "--single", "-D", unfinished, "postgres", stdin=create)
    unfinished.rename(DATA)


def _run(program: str, *arguments: str | Path, stdin: str = "") -> None:
    subprocess.run([PROGRAMS / program, *arguments], input=stdin, text=True, check=True)


def _append(file: Path, text: str) -> None:
    with file.open("a") as handle:
        handle.write(text)
