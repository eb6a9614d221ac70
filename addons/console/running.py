"""What runs here, for the leaves that say so: a digest of the code, and what the kernel knows of the clock. Not versions of packages.

Source: adjtimex(2), which anyone may read; struct timex as Linux has it on 64-bit machines.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_ADDRESSED = ("addons/**/*.py", "scripts/**/*.py", "addons/**/templates/*", "mitm.conf")
_TIME_ERROR = 5  # not synchronised
_STA_UNSYNC, _STA_NANO = 0x0040, 0x2000


@cache
def code_digest(root: Path = ROOT) -> str:
    """Digest, `sha256:` and hex, over the paths and contents of every file that runs, as it is on disk when first asked."""
    found = sha256()
    for path in sorted({path for pattern in _ADDRESSED for path in root.glob(pattern)}):
        content = sha256(path.read_bytes()).hexdigest()
        found.update(f"{content}  {path.relative_to(root).as_posix()}\n".encode())
    return "sha256:" + found.hexdigest()


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        *((name, ctypes.c_long) for name in ("offset", "freq", "maxerror", "esterror")),
        ("status", ctypes.c_int),
        *((name, ctypes.c_long) for name in ("constant", "precision", "tolerance", "sec", "usec", "tick", "ppsfreq")),
        ("jitter", ctypes.c_long),
        ("shift", ctypes.c_int),
        *((name, ctypes.c_long) for name in ("stabil", "jitcnt", "calcnt", "errcnt", "stbcnt")),
        ("tai", ctypes.c_int),
        ("_padding", ctypes.c_int * 11),
    )


def clock_state() -> dict[str, int | str]:
    """How far the kernel trusts its clock: {"synchronised": "yes" | "no" | "unknown", "offset_us", "max_error_us"}.

    "yes" is the word of whatever steers the clock (an NTP daemon); the anchors outside are the check of it.
    """
    if not sys.platform.startswith("linux"):
        return {"synchronised": "unknown"}
    timex = _Timex()
    try:
        # this process's own libc: to look for it by name starts a program, and the loop would wait for it
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return {"synchronised": "unknown"}
    if state < 0:
        return {"synchronised": "unknown"}
    offset = timex.offset // 1000 if timex.status & _STA_NANO else timex.offset
    steered = state != _TIME_ERROR and not timex.status & _STA_UNSYNC
    return {
        "synchronised": "yes" if steered else "no",
        "offset_us": offset,
        "max_error_us": timex.maxerror,
    }
