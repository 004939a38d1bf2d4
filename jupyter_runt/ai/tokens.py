"""How long a text is to a model, without knowing the model: rather too long than too short."""

from typing import Final

PER_MESSAGE: Final = 8
"""What a message costs beside its text."""

PER_IMAGE: Final = 1_100
"""What a picture costs that `images.fitted` has made small enough."""

_BYTES: Final = 3
"""UTF-8 bytes of a token: code and English have about four."""


def tokens(text: str) -> int:
    """Return how many tokens a text has at most, in nearly every language and model."""
    return -(-len(text.encode(errors="surrogatepass")) // _BYTES)


def middle_out(text: str, limit: int, note: str = "left out") -> str:
    """Return the beginning and the end of a text, so that it has at most `limit` tokens."""
    if tokens(text) <= limit:
        return text
    gap = f"\n[… {len(text):,} characters in all, the middle is {note} …]\n"
    room = limit * _BYTES - len(gap.encode())
    if room <= 0:
        return ""
    raw = text.encode(errors="replace")
    head, tail = raw[: room * 2 // 3], raw[len(raw) - room // 3 :]
    return head.decode(errors="ignore") + gap + tail.decode(errors="ignore")
