"""Originals in a bucket of any S3 store, under keys made of their digests: ``<prefix>ab/cd/ef…``.

Nothing is kept on disk except while a content comes in: its digest, and so its key, is known only at the end.
boto3 is synchronous; threads carry it, each only while a piece is read.
"""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from gateway.blobs.base import CHUNK, BlobMissing, BlobsUnavailable, Source, Stored, checked
from gateway.blobs.digests import DigestingReader
from gateway.blobs.room import room_needed

MEMORY_MAX = 8 * 1024 * 1024
# A content up to this size goes in one conditional request; S3 itself allows 5 GiB.
ONE_PUT_MAX = 64 * 1024 * 1024
POOL = 64
_GONE = frozenset({"404", "NoSuchKey", "NotFound"})
_EXISTS = frozenset({"412", "PreconditionFailed"})


class S3Blob:
    """One object. There is no descriptor; bytes come by ranged requests of this very content."""

    def __init__(self, client: Any, bucket: str, key: str, size: int) -> None:
        self._client = client
        self._where = {"Bucket": bucket, "Key": key}
        self.size = size

    def fileno(self) -> None:
        return None

    def read(self, start: int, stop: int) -> bytes:
        if start >= stop:
            return b""
        with _translated(self._where["Key"]):
            body = self._client.get_object(**self._where, Range=f"bytes={start}-{stop - 1}")["Body"]
            with contextlib.closing(body):
                data: bytes = body.read()
        if len(data) != stop - start:
            raise BlobsUnavailable(f"{stop - start - len(data)} bytes are missing at {start + len(data)}")
        return data

    async def chunks(self, start: int, stop: int) -> AsyncIterator[bytes]:
        for at in range(start, stop, CHUNK):
            yield await asyncio.to_thread(self.read, at, min(at + CHUNK, stop))

    def close(self) -> None:
        return None


class S3Originals:
    """A bucket, or the part of it under a prefix. The bucket must exist."""

    opens_at_once = False

    def __init__(self, client: Any, bucket: str, prefix: str = "") -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    def put(
        self,
        source: Source,
        size: int,
        on_bytes: Callable[[int], None] | None = None,
        *,
        sha256: str | None = None,
    ) -> Stored:
        reader = DigestingReader(source, size, on_bytes)
        with room_needed(), tempfile.SpooledTemporaryFile(MEMORY_MAX) as content:
            for piece in reader:
                content.write(piece)
            stored = reader.stored(sha256)
            content.seek(0)
            if not self.exists(stored.sha256):
                with _translated(stored.sha256):
                    self._upload(content, size, self._key(stored.sha256))
        return stored

    def open(self, sha256: str) -> S3Blob:
        key = self._key(checked(sha256))
        with _translated(sha256):
            head = self._client.head_object(Bucket=self._bucket, Key=key)
        return S3Blob(self._client, self._bucket, key, int(head["ContentLength"]))

    def exists(self, sha256: str) -> bool:
        try:
            self.open(sha256)
        except BlobMissing:
            return False
        return True

    def delete(self, sha256: str) -> None:
        with contextlib.suppress(BlobMissing), _translated(sha256):
            self._client.delete_object(Bucket=self._bucket, Key=self._key(checked(sha256)))

    def digests(self) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        with _translated(self._prefix):
            for page in pages:
                for entry in page.get("Contents", ()):
                    digest = entry["Key"].removeprefix(self._prefix).replace("/", "")
                    with contextlib.suppress(BlobMissing):
                        yield checked(digest)

    def _upload(self, content: Any, size: int, key: str) -> None:
        if size > ONE_PUT_MAX:
            # The name says the content, so whoever writes it twice at once writes the same bytes.
            self._client.upload_fileobj(content, self._bucket, key, Config=TransferConfig(use_threads=True))
            return
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=content, ContentLength=size, IfNoneMatch="*")
        except ClientError as error:
            if _code(error) not in _EXISTS:
                raise

    def _key(self, sha256: str) -> str:
        return f"{self._prefix}{sha256[:2]}/{sha256[2:4]}/{sha256[4:]}"


def connect(
    *, endpoint: str | None = None, region: str = "us-east-1", access_key: str | None = None, secret: str | None = None
) -> Any:
    """A client for S3Originals that may be shared by threads. Without keys, boto3's own ways to find them are used."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret,
        config=Config(
            max_pool_connections=POOL,
            connect_timeout=5,
            read_timeout=30,
            retries={"mode": "standard", "total_max_attempts": 3},
            # A range has no checksum of its own, and whole contents are checked by their digests.
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"},
        ),
    )


@contextlib.contextmanager
def _translated(key: str) -> Iterator[None]:
    """boto's errors in the words of the store's contract."""
    try:
        yield
    except ClientError as error:
        if _code(error) in _GONE:
            raise BlobMissing(key) from error
        raise BlobsUnavailable(str(error)) from error
    except BotoCoreError as error:
        raise BlobsUnavailable(str(error)) from error


def _code(error: ClientError) -> str:
    code: str = error.response.get("Error", {}).get("Code", "")
    return code
