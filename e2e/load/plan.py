"""What load to make, within bounds: of this machine on itself, and of an end."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

HIGHEST_RATE = 5000
LONGEST_SECONDS = 3600
MOST_REQUESTS = 2_000_000


class PlanError(ValueError):
    """A load that may not be made."""


@dataclass(frozen=True)
class Plan:
    """So many requests a second, whether or not the earlier ones have been answered."""

    url: str
    host: str
    rate: float
    seconds: float
    workers: int = 1

    def __post_init__(self) -> None:
        """Refuse every target but loopback, and loads without bounds."""
        parts = urlsplit(self.url)
        if parts.scheme != "http" or not _is_loopback(parts.hostname or ""):
            raise PlanError(f"{self.url}: only http URLs with a loopback address are allowed")
        if not 0 < self.rate <= HIGHEST_RATE or not 0 < self.seconds <= LONGEST_SECONDS:
            raise PlanError(f"up to {HIGHEST_RATE} requests a second for {LONGEST_SECONDS} s")
        if not 1 <= self.requests <= MOST_REQUESTS:
            raise PlanError(f"from 1 to {MOST_REQUESTS} requests")
        if not 1 <= self.workers <= 16:
            raise PlanError("from 1 to 16 worker processes")

    @property
    def requests(self) -> int:
        """How many requests it is in all."""
        return round(self.rate * self.seconds)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
