"""The settings: one typed table, read once when a process starts.

Order of strength: default < hubgate.toml < environment (HUBGATE_…) < command line. An unknown key is an
error that names the nearest one. A secret may be given as NAME_FILE, the path of a file that holds it.
Nothing below gateway.app reads a setting: constructors take plain values.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

PREFIX = "HUBGATE_"
FILE_SUFFIX = "_file"
MODELS = "FACEGUARD_MODELS"  # what the command `faceguard` reads; here HUBGATE_MODELS is stronger
# Of the researcher's side, or read elsewhere: not settings of the server.
FOREIGN = frozenset({"HUBGATE_TOKEN", "HUBGATE_URL", "HUBGATE_HOME", "HUBGATE_CONFIG"})


class BadSetting(Exception):
    """A setting is unknown or cannot be read; says which and where it came from."""


def setting(default: Any, help_text: str, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"help": help_text, "secret": secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    data: Path = setting(Path("hubgate-data"), "Folder of this installation: database, keys, files.")
    host: str = setting("127.0.0.1", "Address to listen on.")
    port: int = setting(8000, "Port to listen on.")
    public_url: str = setting("", "Base of every absolute link; empty: http://HOST:PORT.")
    database_url: str = setting("", "Where the catalogue is kept; empty: sqlite:///DATA/catalog.db.")
    blobs: str = setting("files", "Where originals are kept: `files` (below DATA) or `s3`.")
    s3_endpoint: str = setting("", "S3: the endpoint's URL.")
    s3_region: str = setting("us-east-1", "S3: the region's name.")
    s3_bucket: str = setting("", "S3: the bucket.")
    s3_access_key: str = setting("", "S3: the access key.", secret=True)
    s3_secret_key: str = setting("", "S3: the secret key.", secret=True)
    largest_upload_mb: int = setting(50_000, "Largest file, in MB, that is taken from a client over HTTP.")
    disk_reserve_mb: int = setting(1000, "MB of disk that uploads leave free; those that would take more are refused.")
    trusted_proxies: str = setting("", "Addresses or networks whose X-Forwarded-For is believed, by commas.")
    contact: str = setting("", "Where a person can write to: shown on notices and refusals.")
    sign_up: bool = setting(True, "Whether visitors may open a researcher's account themselves.")
    previews_per_version: int = setting(100, "Most preview tiles of a version, chosen evenly.")
    preview_px: int = setting(512, "Long side of a preview, in pixels; 256 is the careful choice.")
    preview_workers: int = setting(2, "Processes that blur; each needs about 300 MB while it works.")
    preview_timeout_s: float = setting(20.0, "Seconds that one picture may take before it is refused.")
    models: str = setting("", "Folder of further detector weights; empty: FACEGUARD_MODELS, or else DATA/models.")
    max_streams_per_account: int = setting(512, "Running downloads of one account; those above wait.")
    max_streams_per_address: int = setting(1024, "Running downloads of one network address; those above wait.")
    idle_write_timeout_s: float = setting(30.0, "Seconds without an acknowledged byte before a download is dropped.")
    min_rate_kib_s: float = setting(16.0, "KiB a second that a download must reach on average after 60 s.")
    smtp_host: str = setting("", "Mail server that takes recall notices; empty: no mail is sent.")
    smtp_port: int = setting(587, "Its port.")
    smtp_security: str = setting("starttls", "`starttls`, `tls`, or `none` for a server on this very machine.")
    smtp_user: str = setting("", "User to sign in there as; empty: without signing in.")
    smtp_password: str = setting("", "That user's password.", secret=True)
    mail_from: str = setting("", "Address that mail comes from; empty: `contact`.")
    log_level: str = setting("info", "debug, info, warning or error.")

    @property
    def base_url(self) -> str:
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"

    @property
    def models_folder(self) -> Path:
        return Path(self.models) if self.models else self.data / "models"

    @property
    def mail_sender(self) -> str:
        return self.mail_from or self.contact

    @property
    def store_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data.absolute() / 'catalog.db'}"


FIELDS: Mapping[str, Field[Any]] = {f.name: f for f in fields(Settings)}


def load(
    overrides: Mapping[str, object], *, environ: Mapping[str, str] | None = None, config: Path | None = None
) -> Settings:
    """Read every source in order. `config` is the TOML file; without one, DATA/hubgate.toml when it exists.

    Raises BadSetting.
    """
    environ = os.environ if environ is None else environ
    from_environ = dict(_from_environ(environ))
    data = Path(str(overrides.get("data") or from_environ.get("data") or FIELDS["data"].default))
    file = config or (Path(environ["HUBGATE_CONFIG"]) if "HUBGATE_CONFIG" in environ else data / "hubgate.toml")
    if config is None and "HUBGATE_CONFIG" not in environ and not file.exists():
        from_file: dict[str, object] = {}
    else:
        from_file = _from_toml(file)
    values: dict[str, object] = {}
    for origin, source in ((str(file), from_file), ("the environment", from_environ), ("the command line", overrides)):
        for name, value in source.items():
            values[name] = _read(name, value, origin)
    return Settings(**values)  # type: ignore[arg-type]  # every value went through _read


def masked(settings: Settings) -> dict[str, str]:
    """Every setting as text, secrets hidden."""
    shown = {}
    for name, f in FIELDS.items():
        value = getattr(settings, name)
        shown[name] = "***" if f.metadata["secret"] and value else str(value)
    return shown


def reference() -> str:
    """The reference page, in Markdown."""
    lines = [
        "# Settings",
        "",
        "Made from the table in `gateway/settings.py`; `hubgate check` prints the values in force.",
        "Each can stand in `DATA/hubgate.toml`, in the environment as `HUBGATE_` and the name in capitals, or, where a",
        "command offers it, on the command line. Secrets can be given as `NAME_file`: the path of a file.",
        "",
        "| setting | default | meaning |",
        "|---|---|---|",
    ]
    for name, f in FIELDS.items():
        default = f"`{f.default}`" if str(f.default) else "empty"
        lines.append(f"| `{name}` | {default} | {f.metadata['help']} |")
    return "\n".join(lines) + "\n"


def _from_environ(environ: Mapping[str, str]) -> Iterator[tuple[str, object]]:
    if environ.get(MODELS):
        yield "models", environ[MODELS]
    for key, value in environ.items():
        if key.startswith(PREFIX) and key not in FOREIGN:
            yield _expand(key.removeprefix(PREFIX).lower(), value, "the environment")


def _from_toml(file: Path) -> dict[str, object]:
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadSetting(f"{file}: {error}") from error
    return dict(_expand(name, value, str(file)) for name, value in raw.items())


def _expand(name: str, value: object, origin: str) -> tuple[str, object]:
    """`NAME_file` → the secret that the file holds."""
    plain = name.removesuffix(FILE_SUFFIX)
    if name not in FIELDS and plain in FIELDS and FIELDS[plain].metadata["secret"]:
        try:
            return plain, Path(str(value)).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise BadSetting(f"{name} in {origin}: {error}") from error
    return name, value


def _read(name: str, value: object, origin: str) -> object:
    if name not in FIELDS:
        near = difflib.get_close_matches(name, FIELDS, n=1)
        raise BadSetting(f"unknown setting {name!r} in {origin}" + (f": did you mean {near[0]!r}?" if near else ""))
    kind: Any = type(FIELDS[name].default)
    try:
        if kind is bool:
            words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
            return words[str(value).lower()]
        return Path(str(value)) if issubclass(kind, Path) else kind(value)
    except (ValueError, KeyError, TypeError) as error:
        raise BadSetting(f"{name} in {origin}: {value!r} is not {kind.__name__}") from error
