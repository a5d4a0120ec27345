"""Countries by a MaxMind DB. The file is written here, after the MaxMind DB File Format Specification 2.0."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from streamtally.errors import SettingsError
from streamtally.report.data import TopList
from tests.unit.cli.in_process import call_main

pytest.importorskip("maxminddb")
from streamtally.local.countries import Countries


def encoded(value: Any) -> bytes:
    """A value of the data section: a control byte with the type and size, then the value.

    Numbers have the types that the metadata has: uint64 for the time, uint32 for the nodes, uint16 for the others.
    """
    if isinstance(value, str):
        return _control(2, len(value.encode())) + value.encode()
    if isinstance(value, dict):
        return _control(7, len(value)) + b"".join(encoded(key) + encoded(member) for key, member in value.items())
    if isinstance(value, list):
        return _control(11, len(value)) + b"".join(map(encoded, value))
    data = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return _control(9 if value > 1 << 30 else 5 if value < 28 else 6, len(data)) + data


def _control(kind: int, size: int) -> bytes:
    extra = b"" if size < 29 else bytes([size - 29])
    size = min(size, 29)
    return (bytes([kind << 5 | size]) if kind < 8 else bytes([size, kind - 7])) + extra


def write_mmdb(path: Path, networks: dict[str, Any], kind: str = "Test-Country") -> None:
    """A file of IPv4 networks."""
    tree: list[list[Any]] = [[None, None]]
    data = b""
    for network, record in networks.items():
        at, data = len(data), data + encoded(record)
        parsed = ip_network(network)
        bits = f"{int(parsed.network_address):032b}"[: parsed.prefixlen]
        node = 0
        for bit in bits[:-1]:
            if tree[node][int(bit)] is None:
                tree.append([None, None])
                tree[node][int(bit)] = len(tree) - 1
            node = tree[node][int(bit)]
        tree[node][int(bits[-1])] = ("data", at)
    count = len(tree)
    records = [
        count if record is None else count + 16 + record[1] if isinstance(record, tuple) else record
        for node in tree
        for record in node
    ]
    metadata = {
        "node_count": count, "record_size": 24, "ip_version": 4, "database_type": kind, "languages": ["en"],
        "binary_format_major_version": 2, "binary_format_minor_version": 0, "build_epoch": 1_700_000_000,
        "description": {"en": "test"},
    }  # fmt: skip
    tree_bytes = b"".join(record.to_bytes(3, "big") for record in records)
    path.write_bytes(tree_bytes + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + encoded(metadata))


NETWORKS = {
    "192.0.2.0/25": {"country": {"iso_code": "FR", "names": {"en": "France", "de": "Frankreich"}}},
    "192.0.2.128/25": {"country": {"iso_code": "JP"}},
    "198.51.100.0/24": {"country": "Brazil", "country_code": "BR"},  # as IPinfo writes it
    "203.0.113.0/25": {"registered_country": {"iso_code": "US"}},  # who registered it says not where it is
    "203.0.113.128/25": {"country": "<script>"},
}


def test_countries(tmp_path: Path) -> None:
    write_mmdb(tmp_path / "c.mmdb", NETWORKS)
    hosts = [("192.0.2.1", 5), ("192.0.2.200", 4), ("198.51.100.9", 3), ("203.0.113.1", 2), ("203.0.113.200", 2)]
    hosts += [("host.example", 1), ("2001:db8::1", 1), ("10.0.0.1", 1), ("", 1), ("192.0.2.1%x", 1)]
    fields = Countries(tmp_path / "c.mmdb").fields(TopList(hosts, 30), 9)
    assert fields["countries"] == TopList([("France (FR)", 6), ("JP", 4), ("Brazil (BR)", 3), ("<script>", 2)], 15)
    assert fields["unknown_countries"] == 15


@pytest.mark.parametrize("content", [b"", b"text\n" * 999, b"\xab\xcd\xefMaxMind.com", b"x\xab\xcd\xefMaxMind.com\xe0"])
def test_no_database(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c.mmdb").write_bytes(content)
    with pytest.raises(SettingsError, match=r"c\.mmdb: not a MaxMind DB \(\.mmdb\) file"):
        Countries(tmp_path / "c.mmdb")


# A damaged file is one line, whatever is damaged, and rows still add up where it can be read.
def test_damaged(tmp_path: Path) -> None:
    write_mmdb(tmp_path / "c.mmdb", NETWORKS)
    whole = (tmp_path / "c.mmdb").read_bytes()
    for place in range(0, len(whole), 7):
        (tmp_path / "d.mmdb").write_bytes(whole[:place] + b"\xff" + whole[place + 1 :])
        try:
            fields = Countries(tmp_path / "d.mmdb").fields(TopList([("192.0.2.1", 5), ("192.0.2.200", 4)], 9), 9)
        except SettingsError:
            continue
        assert sum(rows for _, rows in fields["countries"].entries) + fields["unknown_countries"] == 9


def test_run(tmp_path: Path) -> None:
    write_mmdb(tmp_path / "c.mmdb", NETWORKS)
    (tmp_path / "a.log").write_text('192.0.2.7 - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 200 5 "-" "curl"\n')
    done = call_main("run", tmp_path / "a.log", "--out", tmp_path / "out", "--geoip", tmp_path / "c.mmdb", "--json")
    assert b'"countries": {"entries": [["France (FR)", 1]]' in done.stdout
    assert "France (FR)" in (tmp_path / "out" / "report.html").read_text()
    for name in ("a.log", "missing.mmdb"):
        done = call_main("run", tmp_path / "a.log", "--out", tmp_path / "two", "--geoip", tmp_path / name)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert not (tmp_path / "two").exists()
    done = call_main("run", tmp_path / "a.log", "--no-report", "--geoip", tmp_path / "c.mmdb")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
