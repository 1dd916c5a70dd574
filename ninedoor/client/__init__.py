"""Use a hive from Python: `connect` to a socket, or `Client(LocalChannel(...))` to a hive in this process.

Programs on trio take the same from `ninedoor.client.aio`. docs/CLIENT.md shows how.
"""

from ninedoor.client.address import Address, AddressError, TcpAddress, UnixAddress
from ninedoor.client.channel import Channel, FrameChannel, LocalChannel
from ninedoor.client.client import Client, File
from ninedoor.client.failures import ConnectError, ConnectionLost, PartialWrite, Unanswered
from ninedoor.client.opening import connect, open_channel
from ninedoor.client.resuming import ResumingChannel
from ninedoor.client.resumption import ChannelState
from ninedoor.client.sockets import SocketChannel
from ninedoor.client.tailing import Piece

__all__ = [
    "Address",
    "AddressError",
    "Channel",
    "ChannelState",
    "Client",
    "ConnectError",
    "ConnectionLost",
    "File",
    "FrameChannel",
    "LocalChannel",
    "PartialWrite",
    "Piece",
    "ResumingChannel",
    "SocketChannel",
    "TcpAddress",
    "Unanswered",
    "UnixAddress",
    "connect",
    "open_channel",
]
