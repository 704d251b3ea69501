"""Puts the peers into `benchmarks/.peers`, and nothing anywhere else on the machine."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.servers import PARSER, PEERS, with_peers

MODULES: Final = PEERS / "node_modules"
MOTO: Final = PEERS / "moto"
_NGINX: Final = PEERS / "nginx"
_WANTED: Final = {
    "@stoplight/prism-cli": "@stoplight/prism-cli@5",
    "azurite": "azurite@3",
    "s3rver": "s3rver@3",
}


def npm(package: str) -> str | None:
    """Make sure that a package of npm is there; why not, if it cannot be."""
    if not shutil.which("node"):
        return "node is not installed"
    if (MODULES / package / "package.json").exists():
        return None
    if not shutil.which("npm"):
        return "npm is not installed"
    PEERS.mkdir(exist_ok=True)
    install = ["npm", "install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund"]
    there = [name for name in _WANTED if (MODULES / name).exists()]  # npm would take them away
    words = [*install, "--prefix", str(PEERS), *(_WANTED[name] for name in [*there, package])]
    return _run(words, package)


def npm_version(package: str) -> str:
    """The version that is installed."""
    version: str = json.loads((MODULES / package / "package.json").read_text())["version"]
    return version


def form_parser() -> str | None:
    """Make sure that the parser behind `request.form()` is there; why not, if it cannot be."""
    check = [sys.executable, "-c", "import python_multipart"]
    if subprocess.run(check, env=with_peers({}), capture_output=True, check=False).returncode:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(PARSER)]
        return _run([*pip, "python-multipart"], "python-multipart")
    return None


def moto() -> str | None:
    """Make sure that moto's server is there, in an environment of its own."""
    if (MOTO / "bin" / "moto_server").exists():
        return None
    PEERS.mkdir(exist_ok=True)
    why = _run([sys.executable, "-m", "venv", str(MOTO)], "an environment for moto")
    wanted = ("moto[s3]", "flask", "flask-cors")
    return why or _run([str(MOTO / "bin" / "pip"), "install", "--quiet", *wanted], "moto")


def moto_version() -> str:
    """The version that is installed."""
    words = [str(MOTO / "bin" / "python"), "-c", "import moto; print(moto.__version__)"]
    return subprocess.check_output(words, text=True).strip()


def nginx() -> str | None:
    """Make sure of an nginx that takes PUT: the system's, or Debian's package unpacked here."""
    if nginx_program() is not None:
        return None
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        return "nginx with WebDAV is not installed, and there is no apt-get to fetch it"
    _NGINX.mkdir(parents=True, exist_ok=True)
    why = _run(["apt-get", "download", "nginx"], "Debian's package nginx", folder=_NGINX)
    if why is None:
        for package in _NGINX.glob("*.deb"):
            why = _run(["dpkg", "--extract", str(package), str(_NGINX)], "Debian's package nginx")
    if why is None and nginx_program() is None:
        return "Debian's package nginx does not run here, or takes no PUT"
    return why


def nginx_program() -> str | None:
    """An nginx with the module for WebDAV."""
    for found in (str(_NGINX / "usr/sbin/nginx"), shutil.which("nginx"), "/usr/sbin/nginx"):
        if found and Path(found).exists() and "http_dav_module" in _nginx_told(found):
            return found
    return None


def nginx_version() -> str:
    """The version that is used."""
    found = re.search(r"nginx/(\S+)", _nginx_told(nginx_program() or ""))
    return found[1] if found else "of unknown version"


def _nginx_told(program: str) -> str:
    try:
        done = subprocess.run([program, "-V"], capture_output=True, text=True, check=False)
    except OSError:  # of another machine's kind
        return ""
    return done.stderr


def _run(command: Sequence[str], what: str, folder: Path | None = None) -> str | None:
    print(f"installing {what} into benchmarks/.peers ...", file=sys.stderr)
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    if not done.returncode:
        return None
    said = (done.stderr.strip() or done.stdout.strip() or "nothing was said").splitlines()[-1]
    return f"{Path(command[0]).name} could not install {what}: {said[:200]}"
