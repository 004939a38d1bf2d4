"""A server at the agent's door: it is told everything from a place on, at its own pace."""

import socket
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

from jupyter_runt.agent.journal import MAX_BUFFERS, Journal
from jupyter_runt.wire import BadFrame, Decoder, Kind

CHUNK: Final = 256 * 1024


class Client:
    """One connection. Nothing is kept in memory for it but the rest of what was being sent."""

    def __init__(self, connection: socket.socket, journal: Journal) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._journal = journal
        self._decoder = Decoder()
        self._unsent: deque[memoryview] = deque()
        self.next_seq: int | None = None
        """The place that it is to be told next; None until it is let in."""
        self.gone = False
        self.deaf = False
        """It is about to be gone, but what it said last is still to be read."""

    def fileno(self) -> int:
        """Return the descriptor to poll."""
        return self._connection.fileno()

    @property
    def behind(self) -> bool:
        """Whether something is to be sent when the connection takes it."""
        waits = self.next_seq is not None and self.next_seq < self._journal.next_seq
        return not self.gone and not self.deaf and (bool(self._unsent) or waits)

    def receive(self) -> list[tuple[Kind, memoryview]]:
        """Return the frames that came; it is `gone` at the end of them or where they are none."""
        try:
            data = self._connection.recv(CHUNK)
            frames = self._decoder.feed(data)
        except BlockingIOError:
            return []
        except (OSError, BadFrame):
            self.close()
            return []
        if not data:
            self.close()
        return frames

    def tell(self, frame: bytes) -> None:
        """Send a frame that is no record."""
        self._unsent.append(memoryview(frame))
        self.flush()

    def tell_record(self, seq: int, buffers: Sequence[bytes]) -> None:
        """Send a record that was just kept, if it is the next one and nothing waits."""
        if self.next_seq != seq or self._unsent or self.gone or self.deaf:
            return
        try:
            sent = self._connection.sendmsg(buffers[:MAX_BUFFERS])
        except BlockingIOError:
            return  # it is read from the journal later
        except OSError:
            self.deaf = True
            return
        self.next_seq += 1
        self._unsent.extend(_rest(buffers, sent))

    def flush(self) -> None:
        """Send what the connection takes now."""
        try:
            while self.behind:
                if not self._unsent and self.next_seq is not None:
                    data, self.next_seq = self._journal.read(self.next_seq, CHUNK)
                    self._unsent.append(memoryview(data))
                first = self._unsent[0]
                self._unsent[0] = first[self._connection.send(first) :]
                if not self._unsent[0]:
                    self._unsent.popleft()
        except BlockingIOError:
            pass
        except OSError:
            self.deaf = True

    def close(self) -> None:
        """Let it go."""
        self.gone = True
        self._unsent.clear()
        self._connection.close()


def _rest(buffers: Sequence[bytes], sent: int) -> Iterator[memoryview]:
    """Yield what is left of buffers of which so many bytes were sent; a large one is not copied."""
    for buffer in buffers:
        if sent < len(buffer):
            yield memoryview(buffer)[sent:]
        sent = max(sent - len(buffer), 0)
