"""The made-up models of a calibration as files: written when they are first asked for, gone when the calibration is over."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from engine.errors import RuntimeUnavailable
from engine.measuring.synthetic_model import SyntheticModel, write_synthetic
from engine.vocabulary.model import ModelFacts


class ProbeFiles:
    """A temporary folder of them, to be used with ``with``; nothing is written before the first one is asked for."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._written: dict[str, ModelFacts] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def facts(self, model: SyntheticModel) -> ModelFacts:
        """Its facts, with the path of its file. Raises ``RuntimeUnavailable`` when it cannot be written."""
        if model.name not in self._written:
            try:
                if self._folder is None:
                    self._folder = tempfile.TemporaryDirectory(prefix=f"crossply-calibration-{os.getpid()}-")
                self._written[model.name] = write_synthetic(model, Path(self._folder.name))
            except OSError as error:
                raise RuntimeUnavailable(
                    f"The test model {model.file_name} cannot be written: {error.strerror}.",
                    advice="Free 500 MB in the folder for temporary files.",
                ) from error
        return self._written[model.name]
