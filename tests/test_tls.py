"""`mockkie serve --tls`: clients that trust its authority, and nobody else."""

from __future__ import annotations

import json
import ssl
import subprocess
from pathlib import Path

import httpx2
import pytest
import trustme

from mockkie.certificates import Authority, Tls, java_store, public_roots
from mockkie.problems import UsageError
from tests.clients import tool
from tests.test_cli import Serving, mockkie, refused, said, upload

KEYS = b"PRIVATE KEY"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def trusting(ca: str) -> httpx2.Client:
    return httpx2.Client(verify=ssl.create_default_context(cafile=ca), trust_env=False)


@pytest.mark.parametrize("workers", [1, 2])
def test_https_with_a_throw_away_authority(home: Path, workers: int) -> None:
    options = ["--data", "kept", "--workers", str(workers)]
    with Serving(home, "--tls", *options) as serving:
        ca, url = Path(serving.facts["ca"]), serving.url
        assert url.startswith("https://127.0.0.1:")
        with trusting(str(ca)) as client:
            answer = client.post(
                f"{url}/api/file-stream-upload",
                headers={"Authorization": "Bearer kie-mock-key"},
                files={"file": ("a.txt", b"hello")},
                data={"uploadPath": "a"},
            )
            link = answer.json()["data"]["downloadUrl"]
            assert link.startswith(url)
            assert client.get(link).content == b"hello"
            assert client.get(link.replace("127.0.0.1", "localhost")).content == b"hello"
        with pytest.raises(httpx2.ConnectError, match="certificate verify failed"):
            upload(url)
        assert f"of its throw-away authority: {ca}" in serving.output.replace("\n", "")
        moved = said(
            mockkie(home, "clock", "--url", url, "--advance", "P3D", env={"SSL_CERT_FILE": str(ca)})
        )
        assert "+259,200 s" in moved
        secrets = [path for path in ca.parent.iterdir() if KEYS in path.read_bytes()]
        assert [(path.name, path.stat().st_mode & 0o777) for path in secrets] == [
            ("server.pem", 0o600)
        ]
    assert not ca.parent.exists()


def test_the_curl_line_of_the_panel_works(home: Path) -> None:
    tool("curl")
    with Serving(home, "--tls", "--data", "memory:") as serving:
        line = serving.until(r"(echo hello \| curl .*)\n")[1]
        done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=True)
        assert json.loads(done.stdout)["data"]["fileSize"] == 6


def test_certificates_of_one_s_own(home: Path) -> None:
    ca = trustme.CA()
    leaf = ca.issue_cert("127.0.0.1")
    ca.cert_pem.write_to_path(home / "ca.pem")
    leaf.private_key_pem.write_to_path(home / "key.pem")
    leaf.private_key_and_cert_chain_pem.write_to_path(home / "both.pem")
    for blob in leaf.cert_chain_pems:
        blob.write_to_path(home / "chain.pem", append=True)
    for options in (
        ["--tls-cert", "chain.pem", "--tls-key", "key.pem", "--tls"],
        ["--tls-cert", "both.pem"],
    ):
        with Serving(home, "--data", "memory:", "--json", *options) as serving:
            assert "ca" not in serving.facts
            with trusting(str(home / "ca.pem")) as client:
                assert client.get(f"{serving.url}/livez").status_code == 200


def test_downloads_on_a_port_of_their_own_are_https_too(home: Path) -> None:
    with Serving(home, "--tls", "--data", "memory:", "--download-port", "0") as serving:
        facts = serving.facts
        assert facts["downloadOrigin"].startswith("https://")
        assert facts["downloadOrigin"] != facts["url"]


def test_options_that_cannot_be_meant(home: Path) -> None:
    (home / "plain.txt").write_text("hello")
    alone = refused(mockkie(home, "serve", "--tls-key", "plain.txt"))
    assert alone == "Error: --tls-key belongs to --tls-cert: give both, or --tls alone"
    for options in (["plain.txt"], ["gone.pem"], ["plain.txt", "--tls-key", "plain.txt"]):
        told = refused(mockkie(home, "serve", "--data", "memory:", "--tls-cert", *options))
        assert "cannot be used for TLS: " in told


def test_a_key_with_a_password_is_refused_without_asking(tmp_path: Path) -> None:
    tool("openssl")
    key = tmp_path / "key.pem"
    command = ["openssl", "genrsa", "-aes128", "-passout", "pass:secret", "-out", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    authority = Authority()
    chain = authority.server_files(["localhost"], tmp_path).chain
    with pytest.raises(UsageError, match="cannot be used for TLS"):
        Tls(chain, key).context()


def test_roots_that_are_kept(tmp_path: Path) -> None:
    named, odd = tmp_path / "roots.pem", tmp_path / "gone.pem"
    named.write_bytes(b"mine")
    assert public_roots({"CURL_CA_BUNDLE": str(named), "SSL_CERT_FILE": str(odd)}) == b"mine"
    known = ssl.create_default_context().get_ca_certs()
    assert public_roots({"SSL_CERT_FILE": ""}).count(b"BEGIN CERTIFICATE") >= bool(known)


def test_a_store_for_java_skips_what_it_cannot_read() -> None:
    ours = Authority().certificate
    odd = b"-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n"
    assert len(java_store(ours + odd + ours)) > len(java_store(ours))
    assert java_store(ours + odd) != b""
