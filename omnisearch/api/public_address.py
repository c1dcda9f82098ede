"""Public addresses: the internet addresses that `serve` may connect to at the request of a client.

`ipaddress.is_global` is not used: it differs between versions of Python, and it counts several forms that lead to
private IPv4 addresses (6to4, NAT64, IPv4-compatible) as public.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# IANA's special-purpose registry, multicast and reserved space, and one public address of a cloud's own services.
_PRIVATE_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "168.63.129.16/32",  # Azure's host
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
        ),
    )
)
# Global unicast. All other addresses are loopback, mapped, NAT64, link-local, unique local, multicast or unassigned.
_GLOBAL_V6 = IPv6Network("2000::/3")
_PRIVATE_V6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments, including Teredo
            "2001:db8::/32",
            "2002::/16",  # 6to4
            "2620:4f:8000::/48",
            "3ffe::/16",
            "3fff::/20",
            "5f00::/16",
        ),
    )
)


def is_public(address: str) -> bool:
    """Return whether an address, as the resolver writes it, is one of the public internet."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return not _within(parsed, _PRIVATE_V4)
    return parsed.scope_id is None and parsed in _GLOBAL_V6 and not _within(parsed, _PRIVATE_V6)


def _within(address: IPv4Address | IPv6Address, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(address in network for network in networks)
