"""Entry point of `python -m e2e.gateway`."""

import sys

from e2e.gateway.cli import main

if __name__ == "__main__":
    sys.exit(main())
