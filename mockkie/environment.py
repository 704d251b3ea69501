"""What programs are told to have them use a proxy and trust an authority. Knows no sockets.

Each variable stands there for somebody who reads it: docs/run.md says who.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from mockkie.certificates import java_store, public_roots

LOOPBACK: Final = "localhost,127.0.0.1,::1"
_PROXY: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_BUNDLE: Final = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def program_environment(
    before: Mapping[str, str], proxy: str, certificate: bytes, folder: Path
) -> dict[str, str]:
    """The variables that change; the files that they name are written to the folder.

    What trusted the public roots (or those that `before` names) still does. Exceptions of `before`
    from its proxy are dropped: through them, a hard-coded host would be reached.
    """
    ca, bundle = folder / "ca.pem", folder / "bundle.pem"
    extra, store = folder / "node-extra.pem", folder / "java.p12"
    ca.write_bytes(certificate)
    roots = certificate + b"\n" + public_roots(before)
    bundle.write_bytes(roots)
    extra.write_bytes(certificate + b"\n" + _read(before.get("NODE_EXTRA_CA_CERTS")))
    store.write_bytes(java_store(roots))
    names = [*_PROXY, *(name.lower() for name in _PROXY)]
    return {
        **dict.fromkeys(names, proxy),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), LOOPBACK),
        **dict.fromkeys(_BUNDLE, str(bundle)),
        "MOCKKIE_PROXY": proxy,
        "MOCKKIE_CA": str(ca),
        "NODE_EXTRA_CA_CERTS": str(extra),
        "NODE_USE_ENV_PROXY": "1",
        "NODE_OPTIONS": _joined(before.get("NODE_OPTIONS"), f"--require {_node_script()}"),
        "JAVA_TOOL_OPTIONS": _joined(before.get("JAVA_TOOL_OPTIONS"), _java_options(proxy, store)),
    }


def _node_script() -> str:
    path = str(files("mockkie") / "node_proxy.cjs").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{path}"'


def _java_options(proxy: str, store: Path) -> str:
    """System properties; those for hosts without a proxy are the loopback already."""
    parts = urlsplit(proxy)
    options = [f"-D{scheme}.proxyHost={parts.hostname}" for scheme in ("http", "https")]
    options += [f"-D{scheme}.proxyPort={parts.port}" for scheme in ("http", "https")]
    options += [f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStoreType=PKCS12"]
    return " ".join(map(shlex.quote, options))


def _joined(before: str | None, ours: str) -> str:
    return f"{before} {ours}" if before else ours


def _read(path: str | None) -> bytes:
    try:
        return Path(path).read_bytes() if path else b""
    except OSError:
        return b""
