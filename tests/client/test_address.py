"""URLs of sockets: both forms, their options, and one clear line for every mistake."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.client.address import (
    UNIX_PATH_MAX,
    Address,
    AddressError,
    TcpAddress,
    UnixAddress,
    parse,
)


@pytest.mark.parametrize(
    ("url", "address", "options"),
    [
        ("unix:/run/hive.sock", UnixAddress("/run/hive.sock"), {}),
        ("unix:///run/hive.sock", UnixAddress("/run/hive.sock"), {}),
        ("unix:run/hive.sock", UnixAddress("run/hive.sock"), {}),
        ("unix:/a%3Fb%25c?profile=linux", UnixAddress("/a?b%c"), {"profile": "linux"}),
        ("tcp://127.0.0.1:5640", TcpAddress("127.0.0.1", 5640), {}),
        ("tcp://hive.example:0", TcpAddress("hive.example", 0), {}),
        ("tcp://[::1]:5640", TcpAddress("::1", 5640), {}),
        ("tcp://[fe80::1%eth0]:5640", TcpAddress("fe80::1%eth0", 5640), {}),
        (
            "tcp://127.0.0.1:5640?profile=linux&sessions=64",
            TcpAddress("127.0.0.1", 5640),
            {"profile": "linux", "sessions": "64"},
        ),
        ("tcp://h:1?a=b%26c&empty=", TcpAddress("h", 1), {"a": "b&c", "empty": ""}),
        ("tcp://h:1?", TcpAddress("h", 1), {}),
    ],
)
def test_a_url_is_an_address_and_options(url: str, address: Address, options: dict[str, str]) -> None:
    assert parse(url) == (address, options)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("", "not an address: ''; write unix:/path or tcp://host:port"),
        ("/run/hive.sock", "not an address"),
        ("udp://h:1", "not an address"),
        ("unix:", "without a path"),
        ("unix://host/path", "names a host"),
        ("unix:/a%00b", "NUL"),
        ("unix:/" + "x" * UNIX_PATH_MAX, "socket path of 108 bytes, over 107"),
        ("tcp:h:1", "no host and port"),
        ("tcp://h", "no host and port"),
        ("tcp://h:", "needs a port from 0 to 65535"),
        ("tcp://h:http", "needs a port from 0 to 65535"),
        ("tcp://h:٣", "needs a port from 0 to 65535"),
        ("tcp://h:1/path", "needs a port from 0 to 65535"),
        ("tcp://h:" + "9" * 5000, "needs a port from 0 to 65535"),
        ("tcp://h:65536", "port 65536 over 65535"),
        ("tcp://:5640", "has no host"),
        ("tcp://::1:5640", "put an IPv6 address in brackets"),
        ("tcp://[h]:5640", "'h' in 'tcp://[h]:5640' is not an IPv6 address"),
        ("tcp://user@h:5640", "host 'user@h' has '@' in it"),
        ("tcp://h:1?profile", "are not of the form"),
        ("tcp://h:1?a=%ff", "are not of the form"),
        ("tcp://h:1?=x", "an option of 'tcp://h:1' has no name"),
        ("tcp://h:1?a=1&a=2", "option 'a' of 'tcp://h:1' is given twice"),
    ],
)
def test_a_mistake_is_told_in_one_line(url: str, text: str) -> None:
    with pytest.raises(AddressError) as error:
        parse(url)

    assert text in str(error.value)
    assert "\n" not in str(error.value)


def test_no_error_repeats_the_value_of_an_option() -> None:
    for url in [
        "tcp://h:1?ticket=secret&ticket=secret",
        "tcp://h?ticket=secret",
        "x:?secret",
        "unix:?secret",
    ]:
        with pytest.raises(AddressError) as error:
            parse(url)
        assert "secret" not in str(error.value)


paths = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1).filter(
    lambda path: len(os.fsencode(path)) <= UNIX_PATH_MAX and not path.startswith("//")
)
hosts = st.sampled_from(["localhost", "10.0.0.1", "::1", "fe80::1%lo", "a-b.c_d"])


@given(st.one_of(st.builds(UnixAddress, paths), st.builds(TcpAddress, hosts, st.integers(0, 65535))))
def test_the_text_of_an_address_leads_back_to_it(address: Address) -> None:
    assert parse(str(address)) == (address, {})


@given(st.one_of(st.text(), st.text().map("unix:".__add__), st.text().map("tcp://".__add__)))
def test_any_text_is_an_address_or_a_line_that_says_why_not(url: str) -> None:
    try:
        text = str(parse(url)[0])
    except AddressError as error:
        text = repr(error)

    assert text
