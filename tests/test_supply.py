"""What watches the supply chain can see what it looks for."""

from __future__ import annotations

import json
import os
import random
import socket
import struct
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from reliability import advisories, building, lowest, quiet


def chances(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - to be had again


def around(folder: Path) -> building.Surroundings:
    (found,) = building.surroundings(chances(1), folder, [None])
    return found


def test_surroundings_have_little_in_common(tmp_path: Path) -> None:
    many = [*building.surroundings(chances(2), tmp_path, [None, 5] * 20)]
    assert {one.epoch for one in many} == {None, 5}
    assert len({one.folder for one in many}) == len({one.touched for one in many}) == 40
    for name in ("mask", "locale", "zone"):
        assert len({getattr(one, name) for one in many}) > 2, name


def test_a_copy_has_the_sources_and_clutter(tmp_path: Path) -> None:
    here = around(tmp_path)
    names = building.sources()
    assert {"mockkie/gate.py", "pyproject.toml", ".ci/run"} <= set(names)
    assert not any("__pycache__" in name for name in names)
    place = building.copy(["mockkie/gate.py", "openapi.yaml"], here, chances(3))
    assert (place / "openapi.yaml").stat().st_mtime == here.touched
    assert (place / "contract_tests" / ".env").is_file()
    assert (place / "mockkie" / "gate.py~").is_file()


@pytest.mark.parametrize("what", ["clutter", "root", "host"])
def test_what_tells_of_a_machine_is_found(tmp_path: Path, what: str) -> None:
    here = around(tmp_path)
    place = building.copy(["openapi.yaml"], here, chances(3))
    planted = {
        "clutter": (place / "mockkie" / ".env").read_bytes(),
        "root": f"# made in {building.ROOT}/mockkie".encode(),
        "host": os.uname().nodename.encode(),
    }[what]
    files = {"mockkie/a.py": b"import os\n", "mockkie/b.py": planted}
    told = [*building.told_of(files, here)]
    if what == "host" and len(planted) <= len("/root"):
        assert told == []  # too short a name to be told from words
    else:
        assert {one.partition(":")[0] for one in told} == {"mockkie/b.py"}


def test_a_wheel_has_the_package_and_the_suite() -> None:
    names = ["mockkie/a.py", "contract_tests/b.py", "tests/c.py", "openapi.yaml", "jobs.yaml"]
    found = building.expected(names)
    assert {"mockkie/a.py", "mockkie/contract_tests/b.py", "mockkie/jobs.yaml"} < found
    assert "tests/c.py" not in found


@pytest.mark.parametrize(
    ("told", "found"),
    [
        (b"", None),
        (b"[]", None),
        (b'{"dependencies": []}', None),
        (b'{"dependencies": [{"name": "a", "skip_reason": "not found"}]}', None),
        (
            b'{"dependencies": [{"skip_reason": "x"}, {"name": "b", "version": "1", "vulns": []}]}',
            advisories.Audit(1, 1),
        ),
    ],
)
def test_an_audit_that_looked_up_nothing_is_none(
    told: bytes, found: advisories.Audit | None
) -> None:
    assert advisories.read(told) == found


def test_holes_are_told() -> None:
    holes = [{"id": "CVE-1", "fix_versions": ["1.1", "2.0"]}, {"id": "CVE-2", "fix_versions": []}]
    told = {"dependencies": [{"name": "a", "version": "1.0", "vulns": holes}]}
    audit = advisories.read(json.dumps(told).encode())
    assert audit is not None
    assert audit.vulnerable == [
        "a 1.0: CVE-1, mended in 1.1, 2.0",
        "a 1.0: CVE-2, mended in no release yet",
    ]


def test_the_lowest_versions_are_those_that_are_written() -> None:
    asked = {
        "mockkie": [Requirement("a>=1.2,<3"), Requirement("b>=1; sys_platform == 'nowhere'")],
        "mockkie[c]": [Requirement("c[d]==4.5"), Requirement("a>=1.2,<3")],
    }
    assert lowest.lowest(asked) == ["a==1.2", "c==4.5"]


def test_every_file_of_tests_for_the_lowest_versions_is_there() -> None:
    files = [Path(__file__).with_name(f"test_{name}.py") for name in lowest.TESTS]
    assert [file.name for file in files if not file.exists()] == []


def ip_packet(host: str, protocol: int, inside: bytes) -> bytes:
    if ":" in host:
        return struct.pack("!IHBB16s16s", 6 << 28, len(inside), protocol, 64, b"", address(host))
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, protocol, 0, b"", address(host))
    return head + inside


def address(host: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)


@pytest.mark.parametrize(
    ("packet", "place"),
    [
        (ip_packet("198.51.100.1", 6, struct.pack("!HH", 9, 443)), "198.51.100.1:443 by TCP"),
        (ip_packet("198.51.100.1", 1, b""), "198.51.100.1 by protocol 1"),
        (
            ip_packet("2001:db8::1", 17, b"") + struct.pack("!HHHH", 9, 80, 8, 0),
            "[2001:db8::1]:80 by UDP",
        ),
        (
            ip_packet("9.9.9.9", 17, struct.pack("!HHHH12s", 9, 53, 0, 0, b"") + b"\1a\3b!c\0\0"),
            "9.9.9.9:53 by UDP, who is a.b?c",
        ),
    ],
)
def test_where_a_packet_goes(packet: bytes, place: str) -> None:
    assert quiet.destination(packet) == place


def test_what_leaves_is_seen_and_what_stays_is_not(tmp_path: Path) -> None:
    if lacking := quiet.lacking():
        pytest.skip(lacking)
    program = (
        "import socket\n"
        "here = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(here.getsockname())\n"
        "if {leaves}:\n"
        "    way = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "    way.sendto(b'x', ('198.51.100.7', 9))\n"
        "raise SystemExit(3)\n"
    )
    env = {"PYTHONPATH": str(building.ROOT)}
    for leaves, left in ((True, ["198.51.100.7:9 by UDP"]), (False, [])):
        seen = quiet.watch([sys.executable, "-c", program.format(leaves=leaves)], tmp_path, env)
        assert (seen.code, seen.left) == (3, left), seen.said
