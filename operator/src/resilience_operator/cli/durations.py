"""Lengths of time as people write and read them."""

import re
from math import floor

from resilience_operator.core.times import from_rfc3339

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_TOO_LONG = 3_650 * 86_400
_WRITTEN = re.compile(r"(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?")


def parse_duration(text: str) -> int | None:
    """`1h30m` as 5400; None for what is no length of time, for none and for ten years."""
    found = _WRITTEN.fullmatch(text.strip().lower())
    if found is None:
        return None
    parts = zip(found.groups(), _UNITS.values(), strict=True)
    seconds = sum(int(count) * unit for count, unit in parts if count)
    return seconds if 0 < seconds < _TOO_LONG else None


def spoken(seconds: float) -> str:
    """The two largest units that matter: 45s, 5m30s, 2h, 2h5m, 3d4h, 12d."""
    left = max(0, floor(seconds))
    if left < 120:
        return f"{left}s"
    if left < 600:
        return _pair(left, "m", "s")
    if left < 3_600:
        return f"{left // 60}m"
    if left < 172_800:
        return _pair(left, "h", "m")
    return _pair(left, "d", "h") if left < 691_200 else f"{left // 86_400}d"


def ago(timestamp: str | None, now: float) -> str:
    """How long ago that was; empty where there is no time."""
    then = from_rfc3339(timestamp)
    return "" if then is None else spoken(now - then)


def _pair(seconds: int, large: str, small: str) -> str:
    whole, rest = divmod(seconds, _UNITS[large])
    rest //= _UNITS[small]
    return f"{whole}{large}{rest}{small}" if rest else f"{whole}{large}"
