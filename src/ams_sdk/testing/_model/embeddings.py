"""Vectors of texts: ``POST /v1/embeddings`` of OpenAI's, and the same as an object.

A vector says which words and which parts of words a text has, by feature hashing (Weinberger et al., 2009): texts that
share them are near to each other, so that what an agent looks up in a vector store is what a test would expect. It is
the same on each machine, and what words mean it does not know.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
import struct
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from ams_sdk.testing._model.document import Refused, required_text
from ams_sdk.testing._model.usage import count_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Embedder", "EmbeddingRequest"]

_DIMENSIONS: Final = 1536
"""What a vector has where neither the request nor the model's name says it."""
_OF_MODELS: Final = {"text-embedding-3-large": 3072}
_MAX_DIMENSIONS: Final = 16_384
_MAX_INPUTS: Final = 2048
_WORD: Final = re.compile(r"\w+")
_WEIGHT_OF_A_PART: Final = 0.25
"""A word counts as much as four of its parts, which are there for ``otter`` and ``otters``."""

Tokens = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """What vectors were asked for.

    Attributes:
        model: the model that was asked for.
        texts: of these; of numbers of tokens, the numbers with a blank between them.
        dimensions: how long a vector is.
    """

    model: str
    texts: tuple[str, ...]
    dimensions: int


class Embedder:
    """Gives vectors, and remembers of what."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: list[EmbeddingRequest] = []

    @property
    def asked(self) -> list[EmbeddingRequest]:
        """Every request, in order."""
        with self._lock:
            return list(self._asked)

    def vectors(self, document: Mapping[str, object]) -> list[list[float]]:
        """A vector of length 1 for each input of a request.

        Raises:
            Refused: OpenAI would not take it.
        """
        return self._embedded(document)[1]

    def answer(self, document: Mapping[str, object]) -> dict[str, object]:
        """OpenAI's answer.

        Raises:
            Refused: OpenAI would not take it.
        """
        form = document.get("encoding_format", "float")
        if form not in ("float", "base64"):
            raise Refused("'encoding_format' must be 'float' or 'base64'.", param="encoding_format")
        asked, vectors = self._embedded(document)
        data = [
            {"object": "embedding", "index": index, "embedding": _base64(vector) if form == "base64" else vector}
            for index, vector in enumerate(vectors)
        ]
        tokens = sum(map(count_tokens, asked.texts))
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "data": data, "model": asked.model, "usage": usage}

    def _embedded(self, document: Mapping[str, object]) -> tuple[EmbeddingRequest, list[list[float]]]:
        model = required_text(document, "model")
        asked = EmbeddingRequest(model, _inputs(document.get("input")), _dimensions(document, model))
        with self._lock:
            self._asked.append(asked)
        return asked, [_vector(text, asked.dimensions) for text in asked.texts]


def _inputs(given: object) -> tuple[str, ...]:
    items = _list(given)
    inputs = [given] if items is None or _is_tokens(given) else items
    if not 0 < len(inputs) <= _MAX_INPUTS:
        raise Refused(f"'input' must have 1 to {_MAX_INPUTS} items, not {len(inputs)}.", param="input")
    found: list[str] = []
    for item in inputs:
        if isinstance(item, str) and item:
            found.append(item)
        elif _is_tokens(item):
            found.append(" ".join(map(str, cast("list[int]", item))))
        else:
            raise Refused(
                "'input' must be a text that is not empty, tokens as whole numbers, or a list of either.", param="input"
            )
    return tuple(found)


def _list(value: object) -> list[object] | None:
    return cast("list[object]", value) if isinstance(value, list) else None


def _is_tokens(value: object) -> bool:
    items = _list(value)
    return bool(items) and all(isinstance(item, int) and not isinstance(item, bool) for item in items or ())


def _dimensions(document: Mapping[str, object], model: str) -> int:
    given = document.get("dimensions")
    if given is None:
        return _OF_MODELS.get(model, _DIMENSIONS)
    if not isinstance(given, int) or isinstance(given, bool) or not 0 < given <= _MAX_DIMENSIONS:
        raise Refused(f"'dimensions' must be a whole number from 1 to {_MAX_DIMENSIONS}.", param="dimensions")
    return given


def _vector(text: str, dimensions: int) -> list[float]:
    found = [0.0] * dimensions
    for feature, weight in _features(text):
        hashed = hashlib.blake2b(feature.encode("utf-8", "surrogatepass"), digest_size=8)
        digest = int.from_bytes(hashed.digest(), "big")
        found[(digest >> 1) % dimensions] += weight if digest & 1 else -weight
    length = math.sqrt(math.fsum(value * value for value in found))
    if not length:  # what is in it took itself away
        found[0] = length = 1.0
    # As precise as they are on the wire, so that both encodings say the same.
    return list(struct.unpack(f"<{dimensions}f", struct.pack(f"<{dimensions}f", *(value / length for value in found))))


def _features(text: str) -> Iterator[tuple[str, float]]:
    words = _WORD.findall(text.casefold())
    for word in words or [text]:
        yield word, 1.0
        framed = f"^{word}$"
        for start in range(len(framed) - 2):
            yield framed[start : start + 3], _WEIGHT_OF_A_PART


def _base64(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")
