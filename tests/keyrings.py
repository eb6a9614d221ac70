"""Real keyrings for tests: the desktop's own (Secret Service: gnome-keyring on a D-Bus of its own) where the machine has one, and a file's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

Keyring = Callable[[Path], AbstractContextManager[dict[str, str]]]  # an empty folder -> the variables that lead to it


@contextmanager
def plain_file(folder: Path) -> Iterator[dict[str, str]]:
    """keyrings.alt, as a person chooses it on a machine without a desktop."""
    folder.mkdir()
    yield {"PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring", "XDG_DATA_HOME": str(folder)}


@contextmanager
def secret_service(folder: Path) -> Iterator[dict[str, str]]:
    """Nobody chooses it: the keyring package finds it by itself."""
    folder.mkdir()
    home = {
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder),
        "PATH": os.environ["PATH"],
    }
    with subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address"], env=home, stdout=subprocess.PIPE, text=True
    ) as bus:
        assert bus.stdout
        variables = {"DBUS_SESSION_BUS_ADDRESS": bus.stdout.readline().strip()}
        command = ["gnome-keyring-daemon", "--foreground", "--components=secrets", "--unlock"]
        with subprocess.Popen(
            command, env=home | variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as daemon:
            assert daemon.stdin
            assert daemon.stdout
            daemon.stdin.write(b"a password of the tests")
            daemon.stdin.close()
            daemon.stdout.readline()  # it is there
            try:
                yield variables
            finally:
                daemon.kill()
                bus.kill()


KEYRINGS: tuple[Keyring, ...] = (
    plain_file,
    *((secret_service,) if shutil.which("gnome-keyring-daemon") and shutil.which("dbus-daemon") else ()),
)


def keep(variables: Mapping[str, str], service: str, name: str, secret: str) -> None:
    """As a person does, by the keyring package's own command."""
    subprocess.run(
        [sys.executable, "-m", "keyring", "set", service, name],
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **variables},
        input=secret,
        text=True,
        check=True,
        capture_output=True,
    )


def read(variables: Mapping[str, str], service: str, name: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "keyring", "get", service, name],
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **variables},
        text=True,
        check=False,
        capture_output=True,
    )
    return done.stdout.strip()
