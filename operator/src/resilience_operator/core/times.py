"""Times on the wire: epoch seconds to RFC 3339 and back.

Kubernetes carries whole seconds in UTC but for its MicroTime; people and other tools write offsets
and fractions, and a mistyped time must become "no time", never an exception in the middle of a
decision.
"""

import math
from datetime import UTC, datetime


def to_rfc3339(epoch: float) -> str:
    """`1795498680.7` as `2026-11-24T05:38:00Z`: whole seconds, rounded down, in UTC."""
    return datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def to_rfc3339_fine(epoch: float) -> str:
    """`1795498680.7001` as `2026-11-24T05:38:00.701Z`: milliseconds, rounded up, in UTC."""
    milliseconds = math.ceil(round(epoch * 1000, 3))
    whole = to_rfc3339(milliseconds // 1000).removesuffix("Z")
    return f"{whole}.{milliseconds % 1000:03d}Z"


def from_rfc3339(text: str | None) -> float | None:
    """Seconds since the epoch, or None if `text` is not a time. Without an offset it is UTC."""
    try:
        parsed = datetime.fromisoformat(text or "")
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
