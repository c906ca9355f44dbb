"""Which addresses may be dialled at all.

Policies are written by tenants and the operator stands inside the cluster's network, so a URL in
a policy must not reach what only the operator can: its own loopback, a node's metadata service,
the API server. The guard judges the final address, after resolution and at every dial, and sees
through the IPv6 forms that carry an IPv4 address in them.

In this order: `deny` refuses; an `allow` entry that is exactly one address opens it; metadata
addresses and the API server's are refused; a wider `allow` entry opens; loopback, link-local,
unspecified, multicast and broadcast addresses are refused; the rest is open.
"""

from collections.abc import Iterable, Iterator
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from resilience_operator.api.v1alpha1.policy_status import FailureReason
from resilience_operator.probes.base import Unknowable

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_METADATA = frozenset(
    ip_address(address)
    for address in (
        "169.254.169.254",  # most clouds
        "169.254.170.2",  # container credentials
        "169.254.170.23",  # pod identity
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
    )
)
_REFUSED: tuple[tuple[Network, str], ...] = (
    (ip_network("127.0.0.0/8"), "loopback"),
    (ip_network("::1/128"), "loopback"),
    (ip_network("0.0.0.0/8"), "unspecified"),
    (ip_network("::/128"), "unspecified"),
    (ip_network("169.254.0.0/16"), "link-local"),
    (ip_network("fe80::/10"), "link-local"),
    (ip_network("224.0.0.0/4"), "multicast"),
    (ip_network("ff00::/8"), "multicast"),
    (ip_network("255.255.255.255/32"), "broadcast"),
)

# Prefixes (as integers of their first 96 bits) whose last 32 bits are an IPv4 address:
# mapped, translated, NAT64, and the older "compatible" form.
_IPV4_IN_LAST_32 = frozenset(
    int(IPv6Address(prefix)) >> 32 for prefix in ("::ffff:0:0", "::ffff:0:0:0", "64:ff9b::", "::")
)
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
_ISATAP = frozenset((0x00005EFE, 0x02005EFE))


class AddressRefused(Unknowable):
    """An address that must not be dialled."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            FailureReason.ADDRESS_REFUSED,
            f"The host's address must not be probed: {kind}. "
            "The operator's settings can allow or deny addresses.",
        )


class AddressGuard:
    """Says of an address whether it may be dialled."""

    def __init__(
        self,
        *,
        allow: Iterable[str] = (),
        deny: Iterable[str] = (),
        api_server: Iterable[str] = (),
    ) -> None:
        """Take networks (`10.0.0.0/8`) or single addresses; ValueError for anything else."""
        allowed = [ip_network(entry) for entry in allow]
        self._allow = tuple(net for net in allowed if net.num_addresses > 1)
        self._named = frozenset(n.network_address for n in allowed if n.num_addresses == 1)
        self._deny = tuple(ip_network(entry) for entry in deny)
        self.api_server_at(api_server)

    def api_server_at(self, addresses: Iterable[str]) -> None:
        """Know the API server by these addresses from now on."""
        self._api_server = frozenset(ip_address(entry) for entry in addresses)

    def check(self, address: str) -> None:
        """Raise `AddressRefused` unless `address` may be dialled."""
        kind = self.refusal(address)
        if kind is not None:
            raise AddressRefused(kind)

    def refusal(self, address: str) -> str | None:
        """Return what kind of address it is that is refused, or None when it may be dialled."""
        for form in forms(ip_address(address)):
            kind = self._refusal(form)
            if kind is not None:
                return kind
        return None

    def _refusal(self, address: Address) -> str | None:
        if any(address in network for network in self._deny):
            return "denied"
        if address in self._named:
            return None
        if address in _METADATA:
            return "metadata service"
        if address in self._api_server:
            return "API server"
        if any(address in network for network in self._allow):
            return None
        return next((kind for network, kind in _REFUSED if address in network), None)


def forms(address: Address) -> Iterator[Address]:
    """Yield `address` itself and every IPv4 address that it may be a form of."""
    if isinstance(address, IPv4Address):
        yield address
        return
    value = int(address)
    yield IPv6Address(value)  # without a zone, which would make it unequal to its network's
    low = IPv4Address(value & 0xFFFFFFFF)
    # :: and ::1 are addresses of their own, not forms of 0.0.0.0 and 0.0.0.1.
    if (value >> 32) in _IPV4_IN_LAST_32 and value > 0xFFFF:
        yield low
    if address in _LOCAL_NAT64:
        # By the length of the prefix in use; what is zero is the other layout's padding.
        split = ((value >> 64) & 0xFFFF) << 16 | ((value >> 40) & 0xFFFF)
        yield from (IPv4Address(part) for part in (value & 0xFFFFFFFF, split) if part)
    if ((value >> 32) & 0xFFFFFFFF) in _ISATAP:
        yield low
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
