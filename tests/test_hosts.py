"""Which host is whose, and what a document says of hosts."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockkie.contract import Contract
from mockkie.hosts import Hosts, join_authority, plain_host, split_authority
from mockkie.problems import UsageError
from tests.inside import edited

NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z]{2,5}){0,2}", fullmatch=True)
ADDRESSES = st.ip_addresses().map(str)
PORTS = st.integers(0, 65_535)


@given(NAMES | ADDRESSES, PORTS)
def test_an_authority_comes_apart_as_it_was_put_together(host: str, port: int) -> None:
    host = host if ":" not in host else str(ipaddress.ip_address(host))
    assert split_authority(join_authority(host, port)) == (host, port)


@given(NAMES, PORTS, st.data())
def test_the_spelling_of_a_host_changes_nothing(host: str, port: int, data: st.DataObject) -> None:
    spelled = "".join(data.draw(st.sampled_from([each, each.upper()])) for each in host)
    assert split_authority(f"{spelled}.:{port}") == (host, port)


@given(st.text(max_size=30) | st.text(":[]@.%ab1", max_size=12))
@example("[::]@[:")
@example("me@a.test:80")
@example("[:]:80")
def test_whatever_is_no_authority_is_none(text: str) -> None:
    found = split_authority(text, 80)
    assert found is None or split_authority(join_authority(*found)) == found
    assert found is None or "@" not in text
    assert found is None or (found[0] == plain_host(found[0]) and 0 <= found[1] <= 65_535)


def test_an_origin_is_ours_by_https_and_by_http_unless_it_names_a_port() -> None:
    hosts = Hosts(
        ["https://a.test", "http://b.test", "https://c.test:8443"], ["http://127.0.0.1:9"]
    )
    ours = {
        ("a.test", 443): True,
        ("a.test", 80): False,
        ("b.test", 443): True,
        ("b.test", 80): False,
        ("c.test", 8443): True,
        ("127.0.0.1", 9): False,
    }
    assert {place: hosts.is_secure(*place) for place in ours} == ours
    assert {hosts.judge(*place) for place in ours} == {"ours"}
    for place in (("a.test", 8080), ("c.test", 443), ("127.0.0.1", 80), ("x.a.test", 443)):
        assert hosts.judge(*place) == "refused"
    assert hosts.names == ["a.test", "b.test", "c.test"]


@pytest.mark.parametrize(
    ("pattern", "passes", "refused"),
    [
        ("a.test", ["a.test"], ["b.a.test", "a.testb"]),
        ("A.Test.", ["a.test"], ["b.test"]),
        ("*.a.test", ["b.a.test", "c.b.a.test"], ["a.test", "ba.test"]),
        ("*", ["a.test", "::1", "127.0.0.1"], []),
        ("[::1]", ["::1"], ["::2"]),
    ],
)
def test_hosts_that_are_allowed(pattern: str, passes: list[str], refused: list[str]) -> None:
    hosts = Hosts(["https://ours.test"], allowed=[pattern])
    assert [hosts.judge(host, 443) for host in passes] == ["allowed"] * len(passes)
    assert [hosts.judge(host, 443) for host in refused] == ["refused"] * len(refused)


@pytest.mark.parametrize("pattern", ["", "https://a", "a:443", "a b", "me@a", "a?b", "a#b"])
def test_patterns_that_are_no_hosts(pattern: str) -> None:
    with pytest.raises(UsageError, match="is not the name of a host"):
        Hosts([], allowed=[pattern])


def test_one_host_is_no_list_of_hosts() -> None:
    with pytest.raises(UsageError, match=r"say \['a\.test'\], a list"):
        Hosts([], allowed="a.test")


def test_another_port_of_a_host_of_ours_is_not_to_be_allowed() -> None:
    hosts = Hosts(["https://a.test", "https://c.test:8443"], how="ask {host}")
    for (host, port), says in {
        ("a.test", 8443): "refuses a.test:8443: it stands in for this host at port 443 and 80 only",
        ("c.test", 443): "refuses c.test:443: it stands in for this host at port 8443 only",
        ("b.test", 443): "refuses b.test: ask b.test",
    }.items():
        assert hosts.refusal(host, port) == f"mockkie {says}"


def test_the_hosts_of_the_document() -> None:
    contract = Contract.read()
    assert contract.origins == [
        *("https://kieai.redpandaai.co", "https://tempfile.redpandaai.co", "https://api.kie.ai")
    ]
    assert contract.download_origin == "https://tempfile.redpandaai.co"
    assert Contract.read(profile="observed").settings.aliases == {"https://api.kie.ai": "missing"}


def test_another_document_has_other_hosts(tmp_path: Path) -> None:
    path = edited(tmp_path)
    text = path.read_text().replace("redpandaai.co", "test").replace("tempfile.", "files.")
    path.write_text(text.replace("https://api.kie.ai", "http://alias.test:81"))
    contract = Contract.read(path)
    assert contract.origins == [
        *("https://files.test", "https://kieai.test", "http://alias.test:81")
    ]
    assert contract.download_origin == "https://files.test"
