"""Which addresses are public: where a service in a cloud could fetch from. No input or output.

Anything else is somebody's own machine or network, which a URL from outside may not reach
through the mock. Written out rather than asked of `ipaddress.is_global` alone, whose answers
changed between the Python releases that mockkie supports.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from mockkie.urls import not_fetched

# Name and network, the more telling name first. IANA's special-purpose registries, and RFC 7526
# for the 6to4 relays.
_V4: Final = tuple(
    (name, IPv4Network(network))
    for name, network in (
        ("unspecified", "0.0.0.0/8"),
        ("loopback", "127.0.0.0/8"),
        ("cloud metadata", "169.254.169.254/32"),
        ("link-local", "169.254.0.0/16"),
        ("private", "10.0.0.0/8"),
        ("private", "172.16.0.0/12"),
        ("private", "192.168.0.0/16"),
        ("carrier-grade NAT", "100.64.0.0/10"),
        ("protocol assignment", "192.0.0.0/24"),
        ("documentation", "192.0.2.0/24"),
        ("documentation", "198.51.100.0/24"),
        ("documentation", "203.0.113.0/24"),
        ("6to4 relay", "192.88.99.0/24"),
        ("benchmarking", "198.18.0.0/15"),
        ("multicast", "224.0.0.0/4"),
        ("reserved", "240.0.0.0/4"),
    )
)
_V6: Final = tuple(
    (name, IPv6Network(network))
    for name, network in (
        ("unspecified", "::/128"),
        ("loopback", "::1/128"),
        ("link-local", "fe80::/10"),
        ("private", "fc00::/7"),
        ("multicast", "ff00::/8"),
        ("Teredo", "2001::/32"),
        ("protocol assignment", "2001::/23"),
        ("documentation", "2001:db8::/32"),
        ("documentation", "3fff::/20"),
        ("6to4", "2002::/16"),
    )
)
_NAT64: Final = IPv6Network("64:ff9b::/96")
_GLOBAL: Final = IPv6Network("2000::/3")  # all that is given out of IPv6 for use on the internet


def why_not_public(address: str) -> str | None:
    """What kind of address it is when it is not a public one: `loopback`; None when it is.

    An IPv4 address inside an IPv6 one (mapped, NAT64) counts as the IPv4 address that is
    reached. `ValueError` for a text that is no address.
    """
    found = ip_address(address)
    if isinstance(found, IPv4Address):
        return next((name for name, network in _V4 if found in network), None)
    if found.ipv4_mapped is not None:
        return why_not_public(str(found.ipv4_mapped))
    if found in _NAT64:
        return why_not_public(str(IPv4Address(int(found) & 0xFFFFFFFF)))
    return _why_not_public_v6(found)


def _why_not_public_v6(address: IPv6Address) -> str | None:
    for name, network in _V6:
        if address in network:
            return name
    return None if address in _GLOBAL else "reserved"


def refuse_private(host: str, address: str) -> None:
    """`Problem` unless the address that the host has is public."""
    kind = why_not_public(address)
    if kind is not None:
        where = f"{host} is" if host == address else f"{host} is {address},"
        raise not_fetched(
            f"{where} a {kind} address that a service in a cloud could not reach; "
            "--url-upload-private allows such addresses"
        )


def literal_address(host: str) -> str | None:
    """The address that a host spells out, without asking anybody; None for a name.

    IPv6 with or without brackets, and IPv4 in every form that resolvers take: `127.1`,
    `0x7f000001`, `2130706433`, `0177.0.0.1`. `localhost` and all below it are loopback.
    """
    host = host.strip("[]").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return "127.0.0.1"
    try:
        return str(ip_address(host))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None
