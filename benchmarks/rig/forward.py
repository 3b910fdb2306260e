"""``python -m benchmarks.rig.forward HOST:PORT BACKEND...``: passes connections on.

What stands in front of several hosts, as nginx does: the backends in turn, the next one where one
does not answer within a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sys

CONNECT_S = 1.0
CHUNK = 65536


class Forwarder:
    """One listening address and those behind it."""

    def __init__(self, backends: list[str]) -> None:
        self._backends = [backend.rsplit(":", 1) for backend in backends]
        self._turn = itertools.count()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = next(self._turn)
        for place in range(len(self._backends)):
            host, port = self._backends[(first + place) % len(self._backends)]
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_S):
                    back_reader, back_writer = await asyncio.open_connection(host, int(port))
                await asyncio.gather(_pass(reader, back_writer), _pass(back_reader, writer))
                return
        writer.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


async def _main(listen: str, backends: list[str]) -> None:
    host, port = listen.rsplit(":", 1)
    server = await asyncio.start_server(Forwarder(backends).serve, host, int(port))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2:]))
