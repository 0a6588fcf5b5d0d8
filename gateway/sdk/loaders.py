"""Weights, loaded without running anything that a file says: docs/adr/0021-loaders.md.

Each loader gets a file whose digest was checked through this very descriptor, and closes it.
"""

import json
import pickle
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from gateway.sdk.errors import Misused, NotLoaded

SAFETENSORS = ".safetensors"
TORCH = (2, 6)
"""Before it, a file could run code although ``weights_only`` was asked for (CVE-2025-32434)."""


def load_torch(file: BinaryIO, path: Path, map_location: object) -> Any:
    """See `Asset.load_torch`; `path` is the published one and tells the format by its ending."""
    with file:
        torch = _module("torch")
        if tuple(int(part) for part in str(torch.__version__).split(".")[:2]) < TORCH:
            raise Misused("torch-old", version=torch.__version__, path=path)
        if path.suffix == SAFETENSORS:
            tensors = _safetensors("safetensors.torch", file, path)
            return {name: tensor.to(map_location) for name, tensor in tensors.items()}
        try:
            return torch.load(file, map_location=map_location, weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
            raise NotLoaded("not-loaded", path=path, why=_first_line(error)) from error


def load_megengine(file: BinaryIO, path: Path) -> Any:
    """See `Asset.load_megengine`."""
    with file:
        _module("numpy")
        if path.suffix == SAFETENSORS:
            return _safetensors("safetensors.numpy", file, path)
        from gateway.sdk.plain_pickle import NotPlain, load_plain  # it needs numpy, which was looked for first

        try:
            return load_plain(file)
        except NotPlain as error:
            raise NotLoaded("not-loaded", path=path, why=str(error)) from error


def _safetensors(module: str, file: BinaryIO, path: Path) -> dict[str, Any]:
    """The tensors of a file that can hold nothing else."""
    safetensors, own = _module(module), _module("safetensors")
    try:
        return dict(safetensors.load(file.read()))
    except (own.SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise NotLoaded("not-loaded", path=path, why=_first_line(error)) from error


def _module(name: str) -> Any:
    """A library that the researcher has, and hubgate need not have."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise Misused("no-library", library=name.partition(".")[0]) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
