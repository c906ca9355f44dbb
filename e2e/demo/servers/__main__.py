"""Command line of the image: `python -m servers postgres|redis|s3|openai`."""

import argparse
import runpy
from collections.abc import Callable

from . import postgres, redis, s3


def _openai() -> None:
    runpy.run_module("openai_stub", run_name="__main__")


SERVERS: dict[str, Callable[[], None]] = {
    "postgres": postgres.serve,
    "redis": redis.serve,
    "s3": s3.serve,
    "openai": _openai,
}


def main() -> None:
    """Become the server that the command line names."""
    parser = argparse.ArgumentParser(prog="servers", description=__doc__)
    parser.add_argument("server", choices=list(SERVERS))
    SERVERS[parser.parse_args().server]()


if __name__ == "__main__":
    main()
