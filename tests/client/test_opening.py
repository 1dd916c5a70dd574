"""From a URL to a client."""

import pytest

from ninedoor.client.address import AddressError, UnixAddress
from ninedoor.client.opening import address_of, connect
from tests.client.servers import HiveServer
from tests.session.fakes import BOOT


def test_an_address_is_taken_as_text_or_as_it_is() -> None:
    assert address_of("unix:/run/hive") == address_of(UnixAddress("/run/hive")) == UnixAddress("/run/hive")


def test_options_are_not_for_clients() -> None:
    with pytest.raises(AddressError) as error:
        address_of("tcp://h:1?profile=linux&ticket=secret")

    assert str(error.value) == "tcp://h:1: options are for listeners; leave out 'profile', 'ticket'"


@pytest.mark.parametrize("resume", [True, False])
def test_a_url_leads_to_a_client(server: HiveServer, resume: bool) -> None:
    with connect(server.url, resume=resume, timeout_s=30) as client:
        assert client.read("/proc/boot") == BOOT
