"""Runs the application: `python -m inventario` in its image, `python -m e2e.demo.app` here."""

import logging

from aiohttp import web

from .flags import OncePerMinute
from .settings import Settings
from .web import create_app

# When all traffic moves here at once, every connection of it is new.
CONNECTIONS_IN_LINE = 2048


def main() -> None:
    """Serve until stopped."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("openfeature.contrib").addFilter(OncePerMinute())
    settings = Settings.from_environment()
    app = create_app(settings)
    web.run_app(app, port=settings.port, backlog=CONNECTIONS_IN_LINE, access_log=None)


if __name__ == "__main__":
    main()
