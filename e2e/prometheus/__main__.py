"""Entry point of `python -m e2e.prometheus`."""

import sys

from e2e.prometheus.cli import main

if __name__ == "__main__":
    sys.exit(main())
