"""Imported before all else: has redis, which pybreaker loads, come without OpenTelemetry.

Where OpenTelemetry is installed, redis loads its metrics to be ready for whoever switches them on:
three megabytes in every process, for what nobody does here.
"""

import sys
from typing import Any

_modules: dict[str, Any] = sys.modules

if "opentelemetry" not in _modules:
    _modules["opentelemetry"] = None  # as if it were not installed
    try:
        import redis  # noqa: F401
    finally:
        del _modules["opentelemetry"]
