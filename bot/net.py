"""The way to other hosts: never into private networks, unless an account's own address lies there."""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver
from yarl import URL

Origins = Callable[[], set[tuple[str, int]]]

# An IPv4 address inside an IPv6 one: RFC 6052 (NAT64) keeps it in the last four bytes.
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class PrivateAddress(OSError):
    """The address belongs to a private, local or otherwise special network."""


def origin(url: str) -> tuple[str, int]:
    """Host and port of an account's `api_url`, as `connector` wants them; nowhere for what is no address."""
    try:
        parsed = URL(url)
    except ValueError:
        return ("", 0)
    return (parsed.host or "", parsed.port or 0)


def is_public(address: str) -> bool:
    """Whether `address` is of the open internet: no private, loopback, link-local, shared or reserved one,
    in none of the disguises IPv6 knows. A name is not an address.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner = _inner(ip)
    return is_public(str(inner)) if inner is not None else ip.is_global and not ip.is_multicast


def _inner(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if isinstance(ip, ipaddress.IPv4Address):
        return None
    if ip in NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)


def connector(trusted: Origins, **options: Any) -> aiohttp.TCPConnector:
    """For every ClientSession that asks hosts named in messages. `trusted` gives host and port of each
    account's `api_url`; only they may be private.

    The check is made on the address that is connected to, so neither a redirect nor a name that changes its
    address between look-up and connection gets around it.
    """
    guard = _Guard(trusted)
    return aiohttp.TCPConnector(resolver=guard, socket_factory=guard.open_socket, **options)


class _Guard(AbstractResolver):
    def __init__(self, trusted: Origins) -> None:
        self._trusted = trusted
        self._names = DefaultResolver()
        self._known: dict[tuple[str, int], set[tuple[str, int]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._names.resolve(host, port, family)
        if (host, port) in self._trusted():
            self._known[(host, port)] = {(entry["host"], port) for entry in found}
        return found

    async def close(self) -> None:
        await self._names.close()

    def open_socket(self, info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, (host, port, *_) = info
        if not is_public(host) and not self._may_reach(host, port):
            raise PrivateAddress("The address lies in a private network.")
        return socket.socket(family, kind, protocol)

    def _may_reach(self, host: str, port: int) -> bool:
        trusted = self._trusted()
        return (host, port) in trusted or any(
            (host, port) in addresses for name, addresses in self._known.items() if name in trusted
        )
