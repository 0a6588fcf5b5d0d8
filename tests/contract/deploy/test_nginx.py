"""The reverse proxy's configuration, by the real nginx."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

CONFIGURATION = Path(__file__).parents[3] / "deploy" / "nginx.conf"


@pytest.mark.needs("nginx", "openssl")
def test_nginx_takes_the_configuration(tmp_path: Path) -> None:
    certificate, key = tmp_path / "fullchain.pem", tmp_path / "privkey.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=test"]
    subprocess.run([*request, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    text = CONFIGURATION.read_text(encoding="utf-8")
    for name in ("fullchain.pem", "privkey.pem"):
        text = text.replace(f"/etc/hubgate/tls/{name}", str(tmp_path / name))
    file = tmp_path / "nginx.conf"
    file.write_text(f"pid {tmp_path}/nginx.pid;\nerror_log stderr;\n{text}", encoding="utf-8")
    checked = subprocess.run(["nginx", "-t", "-c", file, "-p", tmp_path], capture_output=True, text=True, check=False)
    assert "test is successful" in checked.stderr, checked.stderr


def test_nothing_of_an_asset_is_kept_by_the_proxy() -> None:
    text = CONFIGURATION.read_text(encoding="utf-8")
    assert {"proxy_buffering off;", "proxy_cache off;", "gzip off;"} <= {line.strip() for line in text.splitlines()}
