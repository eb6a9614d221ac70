"""A bag as one zip file (RFC 8493, 3): files in the order of their names, with one time, so that the same bag gives the same bytes."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can name
_PIECE_BYTES = 1 << 20


def write_zip(bag: Path, out: Path) -> None:
    """Everything in `bag` below a folder of the zip's own name. The file must not exist; other users cannot read it."""
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with (
            os.fdopen(descriptor, "wb") as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive,
        ):
            for path in sorted(path for path in bag.rglob("*") if path.is_file()):
                entry = zipfile.ZipInfo(f"{out.stem}/{path.relative_to(bag).as_posix()}", _TIME)
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
                with (
                    path.open("rb") as source,
                    archive.open(entry, "w", force_zip64=path.stat().st_size >= 1 << 31) as target,
                ):
                    shutil.copyfileobj(source, target, _PIECE_BYTES)
    except BaseException:
        out.unlink(missing_ok=True)
        raise
