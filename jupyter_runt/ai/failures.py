"""Why a provider did not answer, for people, and without its secrets."""

import json
from collections.abc import Collection
from typing import Any, Final

HIDDEN: Final = "[key]"
_LONGEST: Final = 500


class ProviderFailure(Exception):
    """A provider cannot go on; the message is a sentence for people and holds no secret."""


def redacted(text: str, secrets: Collection[str]) -> str:
    """Return a text without secrets."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, HIDDEN)
    return text


def failure(
    error: BaseException, provider: str, secrets: Collection[str], *, begun: bool
) -> ProviderFailure:
    """Return what an error of the client library says to people.

    It does not chain the error, whose text and headers may hold the key.

    Args:
        begun: whether some of the answer had arrived.
    """
    if isinstance(error, ProviderFailure):
        return ProviderFailure(redacted(str(error), secrets))
    return ProviderFailure(redacted(_sentence(error, provider, begun), secrets))


def _sentence(error: BaseException, provider: str, begun: bool) -> str:
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return _refused(error, provider, status)
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & {"APITimeoutError", "TimeoutException", "TimeoutError"}:
        return f"{provider} did not answer in time."
    if names & {"APIConnectionError", "TransportError"} or isinstance(error, OSError):
        if begun:
            return f"The connection to {provider} was cut in the middle of the answer."
        return f"{provider} cannot be reached."
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | TypeError | AttributeError):
        return f"{provider} sent something that cannot be read."
    if "APIError" in names:
        return f"{provider} failed: {_said(error)}"
    return f"{provider} sent something that was not expected ({type(error).__name__})."


def _refused(error: BaseException, provider: str, status: int) -> str:
    said = _said(error)
    match status:
        case 401:
            return f"{provider} does not take the key (401): {said}"
        case 403:
            return f"{provider} does not allow it (403): {said}"
        case 404:
            return f"{provider} does not know the model or the address (404): {said}"
        case 429:
            return f"{provider} wants fewer requests, or the quota is used up (429): {said}"
        case _ if status >= 500:
            return f"{provider} has a fault ({status}): {said}"
        case _:
            return f"{provider} refused the request ({status}): {said}"


def _said(error: Any) -> str:
    """Return what a provider says in an error of the client library."""
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else body
    return message_of(inner or getattr(error, "message", ""))


def message_of(error: Any) -> str:
    """Return the message in a provider's own error, a text or an object."""
    message = error.get("message") if isinstance(error, dict) else error
    text = message if isinstance(message, str) else ""
    text = " ".join(text.split()) or "it gave no reason."
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
