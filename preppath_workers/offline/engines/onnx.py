"""ONNX models on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime


def session(model: Path, threads: int) -> Any:
    """Load a model and return its `InferenceSession`, which uses this many threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Idle threads would otherwise spin for a while, at the other engines' cost.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # The arena keeps the memory of the largest request forever.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3  # errors only
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
