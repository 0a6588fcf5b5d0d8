"""What the names in a pickle come to: data alone, code of known packages, or harm. Pure."""

from __future__ import annotations

import io
import logging
import sys
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Mapping

from picklescan.scanner import SafetyLevel, scan_pickle_bytes

from gateway.pickles.inert import Name

# Loading these makes plain values: tensors, arrays, numbers, texts and collections of them.
_TORCH_TYPES = (
    "float16 float32 float64 bfloat16 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool complex32 complex64 "
    "complex128 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu Size device "
    "BFloat16Storage BoolStorage ByteStorage CharStorage ComplexDoubleStorage ComplexFloatStorage DoubleStorage "
    "FloatStorage HalfStorage IntStorage LongStorage QInt32Storage QInt8Storage QUInt2x4Storage QUInt4x2Storage "
    "QUInt8Storage ShortStorage"
)
_ARRAYS = "_reconstruct scalar"
DATA: Mapping[str, frozenset[str]] = {
    module: frozenset(names.split())
    for module, names in {
        "_codecs": "encode",
        "builtins": "bool bytearray bytes complex dict float frozenset int list object range set slice str tuple",
        "collections": "Counter OrderedDict defaultdict deque",
        "copyreg": "_reconstructor",
        "datetime": "date datetime time timedelta timezone",
        "decimal": "Decimal",
        "fractions": "Fraction",
        "pathlib": "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath",
        "types": "SimpleNamespace",
        "typing": "Any Dict List Optional Tuple Union",
        "argparse": "Namespace",
        "joblib.numpy_pickle": "NumpyArrayWrapper",
        "numpy": "dtype ndarray bool_ float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64",
        "numpy.core.multiarray": _ARRAYS,
        "numpy._core.multiarray": _ARRAYS,
        "numpy.core.numeric": "_frombuffer",
        "numpy._core.numeric": "_frombuffer",
        "torch": _TORCH_TYPES,
        "torch._utils": "_rebuild_parameter _rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3",
        "torch.nn.parameter": "Parameter",
        "torch.serialization": "_get_layout",
        "torch.storage": "TypedStorage UntypedStorage _TypedStorage _UntypedStorage",
        "torch.torch_version": "TorchVersion",
    }.items()
}
_STANDARD = sys.stdlib_module_names | {"__builtin__", "commands", "copy_reg", "cPickle", "httplib", "urllib2"}

logging.getLogger("picklescan").addHandler(logging.NullHandler())
logging.getLogger("picklescan").propagate = False


def today(name: Name) -> Name:
    """What Python 3 imports in its place: in old pickles its library has Python 2's names."""
    known = NAME_MAPPING.get((name.module, name.name), (IMPORT_MAPPING.get(name.module, name.module), name.name))
    return Name(*known)


def is_data(name: Name) -> bool:
    """Loading it gives a plain value and runs no code of anybody's choice."""
    module, last = today(name)
    return last in DATA.get(module, ())


def is_harmful(name: Name) -> bool:
    """No model needs it, and who has it can run anything."""
    return not is_data(name) and any(_is_harmful(each) for each in {name, today(name)})


def _is_harmful(name: Name) -> bool:
    """picklescan's list knows many ways by name. To it comes a rule: nothing of Python's own library but what is data,
    and no name that reaches through a module or an object, as `torch.serialization.os.system` does."""
    *through, last = name.name.split(".")
    return (
        name.module.partition(".")[0] in _STANDARD
        or last in _STANDARD
        or not all(part[0].isupper() for part in through)
        or _picklescan_warns(name)
    )


def _picklescan_warns(name: Name) -> bool:
    said = scan_pickle_bytes(io.BytesIO(f"c{name.module}\n{name.name}\n.".encode()), "")
    return any(found.safety is SafetyLevel.Dangerous for found in said.globals)
