"""Runs the stub: `OPENAI_API_KEY=… python -m e2e.demo.openai_stub`."""

import os

from aiohttp import web

from .server import DEFAULT_SLOW_SECONDS, create_app


def main() -> None:
    """Serve until stopped."""
    slow_seconds = float(os.environ.get("SLOW_SECONDS", DEFAULT_SLOW_SECONDS))
    app = create_app(os.environ["OPENAI_API_KEY"], slow_seconds)
    web.run_app(app, port=int(os.environ.get("PORT", "8080")), access_log=None)


if __name__ == "__main__":
    main()
