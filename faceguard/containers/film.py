"""Frames of a film, evenly over its length: the pictures alone, never sound, subtitles, cover art or metadata.

FFmpeg, as it comes inside OpenCV's wheel, reads the file by ranges; it may open nothing else.
"""

import io
import os
from collections.abc import Iterator
from itertools import islice
from typing import Any

import cv2
import numpy as np

from faceguard.containers.base import Found, spots
from faceguard.errors import Unsafe
from faceguard.result import Limits, Why
from faceguard.source import Source

_LONG_SIDE = 1280  # a frame is reduced to this; finer than any preview needs
_MOST_PIXELS = Limits().max_pixels
_MOST_TOLD = 10**9  # frames; a film that tells more is not believed
_MOST_FRAMES = 20_000  # of a film that does not tell its length

# Formats whose parts all lie in the file itself: a playlist could name other files. And no other file is opened anyway.
_OPTIONS = "format_whitelist;mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg|protocol_whitelist;none"


def pictures(source: Source, limit: int, most: int) -> Iterator[Found]:
    """At most ``limit`` frames, each as a BMP in its upright position. Raises Unsafe(UNREADABLE_FILM)."""
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = _OPTIONS
    try:
        capture = _opened(_Stream(source))
    except cv2.error:
        raise Unsafe(Why.UNREADABLE_FILM) from None
    try:
        if not capture.isOpened() or min(_size(capture)) < 1:
            raise Unsafe(Why.UNREADABLE_FILM)
        if _size(capture)[0] * _size(capture)[1] > _MOST_PIXELS:
            raise Unsafe(Why.TOO_MANY_PIXELS)
        frames = _by_seeking(capture, limit)
        first = list(islice(frames, 2))
        if len(first) < 2:  # it is not as long as it says
            frames = _by_going_through(capture, limit)
            first = list(islice(frames, 2))
        if len(first) < min(2, limit):  # one picture alone is a cover, or the film is damaged
            raise Unsafe(Why.UNREADABLE_FILM)
        yield from first[:limit]
        yield from frames
    except cv2.error as error:
        raise Unsafe(Why.OUT_OF_MEMORY if error.code == cv2.Error.StsNoMem else Why.UNREADABLE_FILM) from None


class _Stream(io.BufferedIOBase):
    """A source as OpenCV wants it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._at = 0

    def read(self, size: int | None = -1, /) -> bytes:
        stop = self._source.size if size is None or size < 0 else min(self._at + size, self._source.size)
        start, self._at = self._at, max(self._at, stop)
        return self._source.read(start, stop) if start < stop else b""

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size}[whence]
        self._at = max(0, base + offset)
        return self._at


def _opened(stream: Any) -> cv2.VideoCapture:
    """Closed when the last reference goes, and only so: ``release`` would drop the stream without holding the GIL."""
    return cv2.VideoCapture(stream, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])


def _size(capture: cv2.VideoCapture) -> tuple[float, float]:
    return capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)


def _by_seeking(capture: cv2.VideoCapture, limit: int) -> Iterator[bytes]:
    """Frames at even places of the length that the film tells; those that cannot be read are left out."""
    count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    for place in spots(int(count) if 0 < count < _MOST_TOLD else 0, max(2, limit)):
        if capture.set(cv2.CAP_PROP_POS_FRAMES, place):
            done, frame = capture.read()
            if done and frame is not None:
                yield _bmp(frame)


def _by_going_through(capture: cv2.VideoCapture, limit: int) -> Iterator[bytes]:
    """Frames at even places of the length that the film has: once to count, once to take."""
    capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
    count = 0
    while count < _MOST_FRAMES and capture.grab():
        count += 1
    capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
    at = 0
    for place in spots(count, max(2, limit)):
        while at <= place and capture.grab():
            at += 1
        done, frame = capture.retrieve()
        if done and frame is not None:
            yield _bmp(frame)


def _bmp(frame: np.ndarray) -> bytes:
    long_side = max(frame.shape[:2])
    if long_side > _LONG_SIDE:
        scale = _LONG_SIDE / long_side
        frame = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".bmp", frame)
    if not done:
        raise Unsafe(Why.UNREADABLE_FILM)
    return bytes(data)


def rehearse() -> None:
    """Let OpenCV look for its ways to read films; of so few bytes none makes anything."""
    cv2.setNumThreads(1)
    _opened(io.BytesIO(b"nothing"))
