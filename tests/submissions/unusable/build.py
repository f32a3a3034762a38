"""Wrote the files beside it: `python tests/submissions/unusable/build.py`. expected.toml says what each is refused for.

They are kept as files, so that a change of the writing side cannot hide a change of the reading side. None does harm:
whatever unpacks one gets at most 8 MB of zeros, and paths that lead out of the folder end in `evil.txt`.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = b'"""Noise and its sign."""\n' * 20


def main() -> None:
    write("slip", [("integration/data.py", WORK), ("integration/../../evil.txt", b"slipped out\n")])
    write("absolute", [("integration/data.py", WORK), ("/tmp/evil.txt", b"slipped out\n")])  # noqa: S108 - never written
    write("drive", [("integration/data.py", WORK), ("C:\\evil.txt", b"slipped out\n")])
    write(
        "link", [("integration/data.py", WORK), (member("integration/lstm.py", stat.S_IFLNK | 0o777), b"/etc/hostname")]
    )
    write("duplicate", [("integration/data.py", WORK), ("integration//data.py", b"other\n")])
    write("case", [("integration/data.py", WORK), ("integration/Data.py", b"other\n")])
    write("bomb", [("integration/data.py", WORK), ("integration/weights.npy", bytes(8 << 20))])
    write("empty", [])
    write("junk", [("data/train.csv", b"1\n"), ("__MACOSX/._data", b"\0"), (".DS_Store", b"Bud1")])
    write("essay", [("essay/essay.txt", b"On noise.\n")])
    patch(write("lying", [("integration/data.py", bytes(2 << 20))]), {22: 100}, {24: 100})
    patch(write("encrypted", [("integration/data.py", WORK)]), {6: 1}, {8: 1})
    path = write("truncated", [("integration/data.py", bytes(range(256)) * 8), ("integration/lstm.py", WORK)])
    path.write_bytes(path.read_bytes()[:400])
    (HERE / "archive.rar").write_bytes(b"Rar!\x1a\x07\x01\x00" + bytes(16))
    (HERE / "login.zip").write_bytes(b"<!DOCTYPE html>\n<title>Please log in</title>\n")
    (HERE / "nothing.zip").write_bytes(b"")
    bzip2 = HERE / "bzip2.zip"
    with zipfile.ZipFile(bzip2, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr(member("integration/data.py"), WORK, zipfile.ZIP_BZIP2)


def member(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    """A member with a fixed date, so that the bytes stay the same."""
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    return info


def write(name: str, files: list[tuple[str | zipfile.ZipInfo, bytes]]) -> Path:
    path = HERE / f"{name}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file, content in files:
            info = file if isinstance(file, zipfile.ZipInfo) else member(file)
            archive.writestr(info, content, zipfile.ZIP_DEFLATED, zlib.Z_BEST_COMPRESSION)
    return path


def patch(path: Path, local: dict[int, int], central: dict[int, int]) -> None:
    """Overwrites fields of a zip's first member: offset in its local or central header -> value below 256."""
    data = bytearray(path.read_bytes())
    for magic, fields in ((b"PK\3\4", local), (b"PK\1\2", central)):
        for offset, value in fields.items():
            size = "<H" if offset in (6, 8) else "<L"
            struct.pack_into(size, data, data.find(magic) + offset, value)
    path.write_bytes(data)


if __name__ == "__main__":
    main()
