"""HTTP/1.1 with little between us and the socket, so that the server is what is measured."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any, Self

from tests.benchmarks.servers import Address


class Connection:
    """One kept-alive connection that keeps its cookie; asyncio sets TCP_NODELAY on it."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._cookie = b""

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(
            self._address.host, self._address.port, limit=2**26
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def request(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON that the server answers with.

        Raises:
            RuntimeError: the status is not one of success.
        """
        status, length = await self._begin(method, path, body)
        content = await self._reader.readexactly(length or 0)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {content.decode(errors='replace')}")
        return json.loads(content) if content else None

    async def lines(self, path: str) -> AsyncGenerator[bytes, None]:
        """Yield what a chunked answer consists of, line by line."""
        status, _ = await self._begin("GET", path, None)
        if status != 200:
            raise RuntimeError(f"GET {path}: {status}")
        rest = b""
        while size := int(await self._reader.readline(), 16):
            *whole, rest = (rest + await self._reader.readexactly(size)).split(b"\n")
            await self._reader.readexactly(2)
            for line in whole:
                yield line

    async def _begin(self, method: str, path: str, body: Any) -> tuple[int, int | None]:
        content = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self._address.host}:{self._address.port}\r\n"
            f"Authorization: token {self._address.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        )
        self._writer.write(head.encode() + self._cookie + b"\r\n" + content)
        status = int((await self._reader.readline()).split()[1])
        length: int | None = None
        while (line := await self._reader.readline()) != b"\r\n":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            elif name.lower() == b"set-cookie":
                self._cookie = b"Cookie:" + value.partition(b";")[0] + b"\r\n"
        return status, length
