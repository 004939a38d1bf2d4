"""A mapping whose versions share what they have in common."""

from collections.abc import Iterator, Mapping
from typing import Final, Self, TypeVar
from zlib import crc32

K = TypeVar("K", bound=str)
V = TypeVar("V")

_BUCKETS: Final = 64


class PersistentMap(Mapping[K, V]):
    """An immutable mapping from strings.

    A changed copy, and the difference of two versions, cost a small part of the mapping. The order
    of iteration means nothing.
    """

    __slots__ = ("_buckets",)

    def __init__(self, buckets: tuple[dict[K, V], ...] = ({},) * _BUCKETS) -> None:
        self._buckets = buckets

    def __getitem__(self, key: K) -> V:
        return self._buckets[_bucket(key)][key]

    def __iter__(self) -> Iterator[K]:
        for bucket in self._buckets:
            yield from bucket

    def __len__(self) -> int:
        return sum(map(len, self._buckets))

    def with_item(self, key: K, value: V) -> Self:
        """Return a copy in which `key` is `value`."""
        return self._with_bucket(key, {**self._buckets[_bucket(key)], key: value})

    def without(self, key: K) -> Self:
        """Return a copy that does not have `key`."""
        bucket = self._buckets[_bucket(key)]
        return self._with_bucket(key, {k: v for k, v in bucket.items() if k != key})

    def _with_bucket(self, key: K, bucket: dict[K, V]) -> Self:
        index = _bucket(key)
        return type(self)((*self._buckets[:index], bucket, *self._buckets[index + 1 :]))

    def differing(self, other: Self) -> list[K]:
        """Return the keys, sorted, whose values are not the same objects in both."""
        keys: set[K] = set()
        for ours, theirs in zip(self._buckets, other._buckets, strict=True):
            if ours is not theirs:
                keys |= {key for key in ours.keys() | theirs.keys() if _changed(ours, theirs, key)}
        return sorted(keys)


def _bucket(key: str) -> int:
    return crc32(key.encode()) % _BUCKETS


def _changed(ours: dict[K, V], theirs: dict[K, V], key: K) -> bool:
    return key not in ours or key not in theirs or ours[key] is not theirs[key]
