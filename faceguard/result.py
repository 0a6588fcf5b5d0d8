"""What a picture can become: a blurred preview, or a refusal with a named reason; there is no third thing."""

from dataclasses import dataclass
from enum import StrEnum


class Why(StrEnum):
    """The closed list of reasons for which a picture is shown to nobody. Sentences for people: faceguard.words."""

    UNREADABLE = "unreadable"
    UNSUPPORTED_FORMAT = "unsupported_format"
    NOT_INSTALLED = "not_installed"
    MEDICAL_SCAN = "medical_scan"
    DOCUMENT = "document"
    CAMERA_RAW = "camera_raw"
    ENCRYPTED = "encrypted"
    NESTED_ARCHIVE = "nested_archive"
    UNSAFE_NAME = "unsafe_name"
    DAMAGED_ARCHIVE = "damaged_archive"
    UNSUPPORTED_PACKING = "unsupported_packing"
    NO_PICTURES = "no_pictures"
    UNREADABLE_FILM = "unreadable_film"
    UNSUPPORTED_PIXELS = "unsupported_pixels"
    TRUNCATED = "truncated"
    TOO_LARGE = "too_large"
    TOO_MANY_PIXELS = "too_many_pixels"
    MOSTLY_COVERED = "mostly_covered"
    VERIFY_FAILED = "verify_failed"
    NO_DETECTOR = "no_detector"
    UNCONFINED = "unconfined"
    TIME_OUT = "time_out"
    OUT_OF_MEMORY = "out_of_memory"
    CRASHED = "crashed"
    CLASS_MINOR = "class_minor"


NOT_THE_PICTURE = frozenset(
    {Why.NOT_INSTALLED, Why.NO_DETECTOR, Why.UNCONFINED, Why.TIME_OUT, Why.OUT_OF_MEMORY, Why.CRASHED}
)
"""Reasons that may lie in the machine rather than in the picture: the same picture may fare better another time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one picture may cost; whatever goes beyond is refused.

    preview_px: long side of the preview in pixels; a smaller picture is not enlarged.
    max_bytes, max_pixels: of the picture as it came, checked before it is decoded.
    wall_s: seconds until a worker is killed; its CPU time is bounded by the same number.
    memory_bytes: address space of one worker process, fixed when the worker starts.
    """

    preview_px: int = 512
    max_bytes: int = 64 * 2**20
    max_pixels: int = 64_000_000
    wall_s: float = 20.0
    memory_bytes: int = 2 * 2**30

    def __post_init__(self) -> None:
        if not 64 <= self.preview_px <= 2048:
            raise ValueError(f"preview_px must be from 64 to 2048, not {self.preview_px}")
        if min(self.max_bytes, self.max_pixels, self.memory_bytes, self.wall_s) <= 0:
            raise ValueError("every limit must be above zero")


@dataclass(frozen=True, slots=True, kw_only=True)
class Blurred:
    """A preview that may be shown: a bare JPEG (one frame, no metadata) in which every face found is covered.

    width, height: of the preview in pixels. faces: shapes that were covered (faces that touch are one shape).
    covered: share of the preview under a cover, 0 to 1. alarms: places that only the second look took for a face.
    """

    jpeg: bytes
    width: int
    height: int
    faces: int
    covered: float
    alarms: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """No preview, and why."""

    why: Why
