"""TLS in front of a gateway, with a certificate of an authority of its own: what an operator's nginx would be."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BLOCK = 64 * 1024
START_S = 30.0


@dataclass(frozen=True, slots=True)
class Authority:
    """PEM files: the certificate that clients must trust, and the server's chain with its key."""

    trusted: Path
    server: Path


def authority(folder: Path, address: str) -> Authority:
    """A new authority, and a certificate of it for this IP address."""
    now = datetime.datetime.now(datetime.UTC)  # noqa: TID251  a certificate is of today

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def certificate(subject: str, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        made = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name("Test authority"))
        made = made.public_key(public).serial_number(x509.random_serial_number())
        day = datetime.timedelta(days=1)
        return made.not_valid_before(now - day).not_valid_after(now + day)

    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    root = (
        certificate("Test authority", root_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(root_key, hashes.SHA256())
    )
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    own = certificate(address, key.public_key()).add_extension(names, critical=False).sign(root_key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    trusted, server = folder / "authority.pem", folder / "server.pem"
    trusted.write_bytes(root.public_bytes(pem))
    plain = serialization.NoEncryption()
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    server.write_bytes(own.public_bytes(pem) + secret)
    return Authority(trusted, server)


@contextlib.contextmanager
def fronting(address: str, port: int, behind: int, certificate: Path) -> Iterator[None]:
    """TLS at `address`:`port`, passed on to a port of this machine. Raises OSError where the port cannot be had."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    loop = asyncio.new_event_loop()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while block := await reader.read(BLOCK):
                writer.write(block)
                await writer.drain()
            writer.close()
        except OSError:
            writer.transport.abort()  # a connection that was cut is cut on the other side too

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", behind)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(pass_on(reader, behind_writer), pass_on(behind_reader, writer))

    async def start() -> asyncio.Server:
        return await asyncio.start_server(serve, address, port, ssl=context)

    server = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield
    finally:
        server.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(START_S)
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.01))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
