"""The client for programs on trio: `async with connect(url) as client`. Only this part of it imports trio."""

from ninedoor.client.aio.channel import TrioChannel
from ninedoor.client.aio.client import AsyncClient, AsyncFile, connect
from ninedoor.client.aio.driver import AsyncChannel, InProcess
from ninedoor.client.aio.resuming import ResumingTrioChannel, open_channel

__all__ = [
    "AsyncChannel",
    "AsyncClient",
    "AsyncFile",
    "InProcess",
    "ResumingTrioChannel",
    "TrioChannel",
    "connect",
    "open_channel",
]
