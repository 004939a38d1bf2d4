"""The time of an event."""

from datetime import UTC, datetime


def now() -> str:
    """Return the time as ISO 8601 UTC with milliseconds."""
    return _spelled(datetime.now(UTC))


def spelled(time: datetime) -> str:
    """Return a time, which must have a zone, as `now` spells it: such texts sort like times."""
    return _spelled(time.astimezone(UTC))


def _spelled(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
