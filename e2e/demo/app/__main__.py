"""Runs the application: `python -m inventario` in its image, `python -m e2e.demo.app` here."""

import logging

from aiohttp import web

from .flags import OncePerMinute
from .settings import Settings
from .web import create_app


def main() -> None:
    """Serve until stopped."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("openfeature.contrib").addFilter(OncePerMinute())
    settings = Settings.from_environment()
    web.run_app(create_app(settings), port=settings.port, access_log=None)


if __name__ == "__main__":
    main()
