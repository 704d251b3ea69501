"""A throw-away certificate authority, and files by which programs trust it. Knows no HTTP.

The authority's key is never written down: it ends with the process. A server's key is in a file
that only its owner can read, as long as somebody has to load it.
"""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mockkie.problems import UsageError

if TYPE_CHECKING:
    import trustme
    from cryptography import x509

_ROOTS_NAMED_BY: Final = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_ROOTS_KNOWN: Final = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Arch, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora
    "/etc/ssl/cert.pem",  # macOS, the BSDs
)
_END: Final = b"-----END CERTIFICATE-----"


class Authority:
    """A certificate authority that lives in memory."""

    def __init__(self) -> None:
        import trustme  # noqa: PLC0415 - whoever serves plain HTTP does not pay for it

        self._ca = trustme.CA(organization_name="mockkie", organization_unit_name="throw-away CA")

    @property
    def certificate(self) -> bytes:
        """Its own certificate, PEM."""
        return self._ca.cert_pem.bytes()

    def server_context(self, names: Sequence[str], folder: Path) -> ssl.SSLContext:
        """What a server needs to be these hosts (names and addresses); HTTP/1.1 only."""
        with self._issue(names).private_key_and_cert_chain_pem.tempfile(dir=str(folder)) as path:
            return Tls(Path(path)).context()

    def server_files(self, names: Sequence[str], folder: Path) -> Tls:
        """The same as a file in the folder, for servers that share it."""
        path = folder / "server.pem"
        path.touch(mode=0o600)
        self._issue(names).private_key_and_cert_chain_pem.write_to_path(path)
        return Tls(path)

    def _issue(self, names: Sequence[str]) -> trustme.LeafCert:
        return self._ca.issue_cert(*names)


@dataclass(frozen=True, slots=True)
class Tls:
    """A certificate chain and its key, PEM files; the key may be in the same one."""

    chain: Path
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """What a server needs, HTTP/1.1 only; `UsageError` tells what is wrong."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(self.chain, self.key, password="")  # else OpenSSL asks for one
        except (OSError, ValueError) as error:
            files = f"{self.chain} and {self.key}" if self.key else str(self.chain)
            raise UsageError(f"{files} cannot be used for TLS: {error}") from error
        return context


def public_roots(environment: Mapping[str, str]) -> bytes:
    """The certificates that programs trust already, PEM: of the environment, or of the system."""
    named = [environment[name] for name in _ROOTS_NAMED_BY if environment.get(name)]
    default = ssl.get_default_verify_paths().cafile
    for path in (*named, *([default] if default else []), *_ROOTS_KNOWN):
        try:
            return Path(path).read_bytes()
        except OSError:
            continue
    known = ssl.create_default_context().get_ca_certs(binary_form=True)
    return "".join(map(ssl.DER_cert_to_PEM_cert, known)).encode()


def java_store(bundle: bytes) -> bytes:
    """The certificates of a bundle as a PKCS #12 store that the JVM trusts; without a password."""
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - slow to import
        NoEncryption,
        pkcs12,
    )

    known = [pkcs12.PKCS12Certificate(found, None) for found in _certificates(bundle)]
    return pkcs12.serialize_java_truststore(known, NoEncryption())


def _certificates(bundle: bytes) -> Iterator[x509.Certificate]:
    """Those that can be read: one odd root among many is not worth a failure."""
    from cryptography import x509  # noqa: PLC0415 - as above

    for text in bundle.split(_END)[:-1]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                yield x509.load_pem_x509_certificate(text + _END)
            except ValueError:
                continue
