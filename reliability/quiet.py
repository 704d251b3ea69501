"""Runs a command where there is no network, and tells what would have left this machine.

As a program (`python -m reliability.quiet COMMAND ...`) it is the one that runs inside a network
namespace of its own: all that is not for the loopback goes into a tunnel that this program reads.
It prints `{"code": ..., "left": [...]}`. Knows no attack.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TUNNEL: Final = "out"
_SET_INTERFACE: Final = 0x400454CA  # TUNSETIFF of <linux/if_tun.h>
_FLAGS: Final = 0x0001 | 0x1000  # IFF_TUN, IFF_NO_PI
_MOST: Final = 65_536
_TCP, _UDP, _DNS = 6, 17, 53
_PATIENCE: Final = 300.0


@dataclass(frozen=True, slots=True)
class Watched:
    """How a command ended, what it said, and where it wanted to: `198.51.100.1:80 by TCP`."""

    code: int
    said: str
    left: Sequence[str]


def lacking() -> str:
    """Why nothing can be watched here; empty when it can."""
    if sys.platform != "linux":
        return "network namespaces are Linux's"
    if os.geteuid() != 0:
        return "only root makes a network namespace"
    if not Path("/dev/net/tun").exists() or not shutil.which("ip") or not shutil.which("unshare"):
        return "/dev/net/tun, ip and unshare are needed"
    probe = subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True)
    return "unshare --net is not allowed here" if probe.returncode else ""


def watch(words: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Watched:
    """Run a command in a network namespace of its own."""
    report = cwd / "left.json"
    me = (sys.executable, "-m", "reliability.quiet", str(report))
    done = subprocess.run(
        ["unshare", "--net", *me, *words],
        cwd=cwd,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    if not report.exists():
        raise OSError(f"the network namespace could not be made: {done.stdout}")
    told = json.loads(report.read_text())
    report.unlink()
    return Watched(told["code"], done.stdout, told["left"])


def main() -> int:
    """Inside of the namespace: make the tunnel, run the command, write what came through."""
    report, *words = sys.argv[1:]
    tunnel = _open_tunnel()
    done = subprocess.run(words, check=False, timeout=_PATIENCE)
    left: dict[str, None] = {}
    with contextlib.suppress(BlockingIOError):
        while packet := os.read(tunnel, _MOST):
            left[destination(packet)] = None
    Path(report).write_text(json.dumps({"code": done.returncode, "left": list(left)}))
    return done.returncode


def _open_tunnel() -> int:
    """The descriptor of the only way out, which leads to whoever reads it."""
    tunnel = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tunnel, _SET_INTERFACE, struct.pack("16sH", _TUNNEL.encode(), _FLAGS))
    # The system speaks IPv6 by itself (neighbours, groups): that is nobody's wish.
    for words in (
        "ip link set lo up",
        f"ip addr add 192.0.2.1/24 dev {_TUNNEL}",
        f"ip link set {_TUNNEL} addrgenmode none",
        f"ip link set {_TUNNEL} up",
        f"ip route add default dev {_TUNNEL}",
    ):
        subprocess.run(words.split(), check=True)
    with contextlib.suppress(subprocess.CalledProcessError):  # there may be no IPv6 here
        subprocess.run(
            ["ip", "-6", "route", "add", "default", "dev", _TUNNEL], check=True, capture_output=True
        )
    return tunnel


def destination(packet: bytes) -> str:
    """Where an IP packet goes, with the name that it asks for when it is for a name server."""
    version = packet[0] >> 4
    if version == 4:  # noqa: PLR2004 - of IP
        start, protocol = (packet[0] & 15) * 4, packet[9]
        host = socket.inet_ntop(socket.AF_INET, packet[16:20])
    else:
        start, protocol = 40, packet[6]
        host = f"[{socket.inet_ntop(socket.AF_INET6, packet[24:40])}]"
    if protocol not in (_TCP, _UDP):
        return f"{host} by protocol {protocol}"
    (port,) = struct.unpack_from("!H", packet, start + 2)
    way = "TCP" if protocol == _TCP else "UDP"
    asked = _name(packet[start + 8 + 12 :]) if port == _DNS and way == "UDP" else ""
    return f"{host}:{port} by {way}" + (f", who is {asked}" if asked else "")


def _name(question: bytes) -> str:
    """The name in the first question of a DNS message, of which it is the rest."""
    labels = []
    while question and 0 < question[0] < len(question):
        labels.append(question[1 : 1 + question[0]].decode("latin-1"))
        question = question[1 + question[0] :]
    return re.sub(r"[^\w.-]", "?", ".".join(labels))


if __name__ == "__main__":
    sys.exit(main())
