"""The time of an event."""

from datetime import UTC, datetime


def now() -> str:
    """Return the time as ISO 8601 UTC with milliseconds."""
    return spelled(datetime.now(UTC))


def spelled(time: datetime) -> str:
    """Return a time, which must have a zone, as `now` spells it: such texts sort like times."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
