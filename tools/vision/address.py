"""Where a vision server stands, and whether pixels may go there."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from tools.errors import UserError

# Never given out in public DNS: mDNS (and Kubernetes), ICANN's reserve, RFC 8375, and by custom.
_PRIVATE_SUFFIXES = (".local", ".internal", ".home.arpa", ".lan")


def check_address(base_url: str, *, pixels_may_leave: bool) -> bool:
    """Whether the server is on this machine.

    A name is judged as it is written and not looked up: what it leads to may change.

    Raises:
        UserError: When the address is none, when pixels must not leave, or when they would go
            over the open internet unencrypted.
    """
    try:
        parts = urlsplit(base_url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    if not host or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise UserError(
            "the vision server's address is no http or https address; set "
            'HOOFBEAT_VISION_BASE_URL to one with its path, as in "http://127.0.0.1:8000/v1"'
        )
    if parts.username is not None:
        raise UserError(
            "HOOFBEAT_VISION_BASE_URL holds a user name or password; leave it out and set "
            "HOOFBEAT_VISION_API_KEY"
        )
    is_here, is_private = _reach(host)
    if is_here:
        return True
    if not pixels_may_leave:
        raise UserError(
            f"the vision server {parts.netloc} is not on this machine, and pixels may not leave "
            "it; set HOOFBEAT_PIXELS_MAY_LEAVE=true to send it the images of the case, "
            "de-identified but still the patient's, or run the server on this machine"
        )
    if parts.scheme == "http" and not is_private:
        raise UserError(
            f"images would travel to {parts.netloc} unencrypted; set HOOFBEAT_VISION_BASE_URL to "
            "its https address (plain http is accepted for private networks only)"
        )
    return False


def _reach(host: str) -> tuple[bool, bool]:
    """Whether a host is this machine, and whether it is on a private network."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        is_here = host == "localhost" or host.endswith(".localhost")
        return is_here, "." not in host or host.endswith(_PRIVATE_SUFFIXES)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_loopback, not address.is_global
