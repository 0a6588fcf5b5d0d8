"""MegEngine's own Python files without its compiled parts: run in a client's environment, before `megengine.hub`.

The compiled engine is made for Pythons up to 3.10. Its hub and its data sets are plain Python around an HTTP client:
those files run here, as the package has them. What is left out of them has a stand-in: the start of its packages,
`megengine.distributed` (one process alone), and `megengine.serialization`, whose `load` is `pickle.load`.
"""

import pickle
import sys
import types
from pathlib import Path

PACKAGES = (
    "megengine",
    "megengine.utils",
    "megengine.data",
    "megengine.data.dataset",
    "megengine.data.dataset.vision",
)


def put(root):
    """Let `import megengine.hub` and `megengine.data.dataset.vision.mnist` find the files below `root`."""
    root = Path(root)
    version = {}
    exec((root / "megengine" / "version.py").read_text(), version)
    for name in PACKAGES:
        package = types.ModuleType(name)
        package.__path__ = [str(root.joinpath(*name.split(".")))]
        sys.modules[name] = package
    sys.modules["megengine"].__version__ = version["__version__"]

    distributed = types.ModuleType("megengine.distributed")
    distributed.is_distributed = lambda: False
    distributed.synchronized = lambda function: function
    sys.modules["megengine.distributed"] = sys.modules["megengine.distributed.group"] = distributed

    serialization = types.ModuleType("megengine.serialization")

    def load(path):
        with open(path, "rb") as file:
            return pickle.load(file)

    serialization.load = load
    sys.modules["megengine.serialization"] = serialization
