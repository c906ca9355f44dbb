"""Command line of the image: `python -m servers postgres|redis|s3|openai`."""

import argparse
import runpy

from . import postgres, redis, s3

SERVERS = {
    "postgres": postgres.serve,
    "redis": redis.serve,
    "s3": s3.serve,
    "openai": lambda: runpy.run_module("openai_stub", run_name="__main__"),
}


def main() -> None:
    """Become the server that the command line names."""
    parser = argparse.ArgumentParser(prog="servers", description=__doc__)
    parser.add_argument("server", choices=list(SERVERS))
    SERVERS[parser.parse_args().server]()


if __name__ == "__main__":
    main()
