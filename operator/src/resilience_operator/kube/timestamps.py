"""Times as Kubernetes writes them."""

from datetime import UTC, datetime


def micro_time(at: float) -> str:
    """A MicroTime; the API server refuses any other number of decimals."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_micro_time(text: str | None) -> float:
    """Seconds since the epoch; 0 for none."""
    return 0.0 if text is None else datetime.fromisoformat(text).timestamp()
