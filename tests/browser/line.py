"""The line between a browser and the site, which a test can cut and mend."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from bot.tasks import spawn


class Line:
    """Passes bytes on as they are. While it is cut, everybody who comes is turned away at once."""

    def __init__(self, site: str) -> None:
        self._site = urlsplit(site)
        self._open: set[asyncio.StreamWriter] = set()
        self._is_cut = False
        self.address = ""

    def cut(self) -> None:
        self._is_cut = True
        for writer in tuple(self._open):
            writer.transport.abort()

    def mend(self) -> None:
        self._is_cut = False

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection(self._site.hostname, self._site.port)
        self._open |= {writer, back}
        up = spawn(_pass_on(reader, back), name="line up")
        await _pass_on(there, writer)
        await up
        self._open -= {writer, back}

    @asynccontextmanager
    async def serve(self) -> AsyncIterator["Line"]:
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            self.cut()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
