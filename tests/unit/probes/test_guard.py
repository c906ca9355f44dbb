"""Which addresses may be dialled, by tables and by properties."""

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience_operator.api.v1alpha1.policy_status import FailureReason
from resilience_operator.core.model import Verdict
from resilience_operator.probes.guard import AddressGuard, AddressRefused

REFUSED = [
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("::1", "loopback"),
    ("0.0.0.0", "unspecified"),
    ("0.1.2.3", "unspecified"),
    ("::", "unspecified"),
    ("169.254.1.1", "link-local"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", "link-local"),
    ("224.0.0.251", "multicast"),
    ("ff02::1", "multicast"),
    ("255.255.255.255", "broadcast"),
    ("169.254.169.254", "metadata service"),
    ("169.254.170.2", "metadata service"),
    ("100.100.100.200", "metadata service"),
    ("fd00:ec2::254", "metadata service"),
    ("fd00:ec2::254%eth0", "metadata service"),
    ("::ffff:127.0.0.1", "loopback"),
    ("::ffff:169.254.169.254", "metadata service"),
    ("::ffff:0:127.0.0.1", "loopback"),
    ("::127.0.0.1", "loopback"),
    ("64:ff9b::169.254.169.254", "metadata service"),
    ("64:ff9b:1::169.254.169.254", "metadata service"),
    ("64:ff9b:1:a9fe:a9:fe00::", "metadata service"),
    ("2002:7f00:1::", "loopback"),
    ("2001:0:7f00:1::", "loopback"),
    ("2001:db8::5efe:127.0.0.1", "loopback"),
    ("10.96.0.1", "API server"),
    ("::ffff:10.96.0.1", "API server"),
    ("fd00:10::1", "API server"),
]
OPEN = [
    "8.8.8.8",
    "10.0.0.7",
    "192.168.1.1",
    "100.64.0.1",
    "2606:4700::1",
    "fd00::7",
    "64:ff9b::8.8.8.8",
]

guard = AddressGuard(api_server=["10.96.0.1", "fd00:10::1"])
v4 = st.integers(0, 2**32 - 1).map(IPv4Address)
v6 = st.integers(0, 2**128 - 1).map(IPv6Address)


@pytest.mark.parametrize(("address", "kind"), REFUSED)
def test_refused(address: str, kind: str) -> None:
    assert guard.refusal(address) == kind
    with pytest.raises(AddressRefused) as caught:
        guard.check(address)
    assert caught.value.reason is FailureReason.ADDRESS_REFUSED
    assert caught.value.verdict is Verdict.UNKNOWN
    assert kind in caught.value.message


@pytest.mark.parametrize("address", OPEN)
def test_open(address: str) -> None:
    guard.check(address)


def test_an_allowed_network_opens_all_but_the_protected_addresses() -> None:
    wide = AddressGuard(allow=["0.0.0.0/0", "::/0"], api_server=["10.96.0.1"])
    assert wide.refusal("127.0.0.1") is None
    assert wide.refusal("::1") is None
    assert wide.refusal("169.254.169.254") == "metadata service"
    assert wide.refusal("::ffff:10.96.0.1") == "API server"


def test_an_address_allowed_by_itself_is_open() -> None:
    named = AddressGuard(allow=["169.254.169.254", "10.96.0.1/32"], api_server=["10.96.0.1"])
    assert named.refusal("169.254.169.254") is None
    assert named.refusal("10.96.0.1") is None
    assert named.refusal("169.254.170.2") == "metadata service"


def test_deny_comes_first() -> None:
    both = AddressGuard(allow=["10.1.0.0/16", "10.1.2.3"], deny=["10.1.2.0/24"])
    assert both.refusal("10.1.2.3") == "denied"
    assert both.refusal("2002:a01:203::") == "denied"
    assert both.refusal("10.1.3.3") is None


@pytest.mark.parametrize("entry", ["10.0.0.1/8", "localhost", "", "300.1.1.1"])
def test_settings_that_are_no_networks(entry: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the standard library's
        AddressGuard(allow=[entry])


def carriers(address: IPv4Address) -> list[IPv6Address]:
    value = int(address)
    high, low = value >> 16, value & 0xFFFF
    return [
        IPv6Address(f"::ffff:{address}"),
        IPv6Address(f"::ffff:0:{address}"),
        IPv6Address(f"64:ff9b::{address}"),
        IPv6Address(f"2002:{high:x}:{low:x}::1"),
        IPv6Address((0x20010000 << 96) | (value << 64) | 0xFFFFFFFF),
        IPv6Address((0x20010000 << 96) | (0x08080808 << 64) | (value ^ 0xFFFFFFFF)),
    ]


@given(v4)
def test_a_refused_address_is_refused_in_every_form(address: IPv4Address) -> None:
    if guard.refusal(str(address)) is not None:
        for carrier in carriers(address):
            assert guard.refusal(str(carrier)) is not None, carrier


@given(v4)
def test_what_the_library_calls_special_is_refused(address: IPv4Address) -> None:
    special = (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
    )
    assert not special or guard.refusal(str(address)) is not None


@given(v6)
def test_the_same_for_ipv6(address: IPv6Address) -> None:
    special = (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
    )
    assert not special or guard.refusal(str(address)) is not None


@given(st.one_of(v4, v6), st.integers(0, 32))
def test_a_denied_network_is_closed_whatever_is_allowed(
    address: IPv4Address | IPv6Address, prefix: int
) -> None:
    network = ip_network(f"{address}/{prefix}", strict=False)
    closed = AddressGuard(
        allow=["0.0.0.0/0", "::/0", str(address)],
        deny=[str(network)],
    )
    assert closed.refusal(str(address)) == "denied"
