# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The test packages: those of the laboratory, by its own script; one that waits in the middle of its installation; one that counts."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = HERE.parent / "lab/desktops/packages"
WAITS = "corptalk-waits-1.0.0"
# An immediate action of type 50: the program that the property CMD names. FOLDER is where the file lies that it waits for. wixl 0.101
# cannot write either.
_COMMAND = (
    r'/d /c "for /l %i in (1,1,600) do @(echo begun)>"[FOLDER]\begun.txt"'
    r'&if exist "[FOLDER]\hold.txt" ping -n 2 127.0.0.1 >nul"'
)
_ACTION = (
    f"Action\tType\tSource\tTarget\r\ns72\ti2\tS72\tS255\r\nCustomAction\tAction\r\nWaits\t50\tCMD\t{_COMMAND}\r\n"
)
_SEQUENCE = "INSERT INTO InstallExecuteSequence (Action, Condition, Sequence) VALUES ('Waits', 'NOT Installed', 1501)"

UPGRADE_CODES = {
    "Corp Talk": "{6F8C1D20-5B1A-4C6E-9A00-0000000000FF}",
    "Corp Talk 32": "{6F8C1D20-5B1A-4C6E-9A00-0000000032FF}",
    "Corp Talk Reboot": "{6F8C1D20-5B1A-4C6E-9A00-0000000030FF}",
    "Corp Talk Fails": "{6F8C1D20-5B1A-4C6E-9A00-0000000016FF}",
    "Corp Talk Waits": "{6F8C1D20-5B1A-4C6E-9A00-0000000018FF}",
}
PRODUCT_CODES = {
    "Corp Talk": ("{6F8C1D20-5B1A-4C6E-9A00-000000000100}", "{6F8C1D20-5B1A-4C6E-9A00-000000000110}"),
    "Corp Talk 32": ("{6F8C1D20-5B1A-4C6E-9A00-000000003200}",),
    "Corp Talk Reboot": ("{6F8C1D20-5B1A-4C6E-9A00-000000003010}",),
    "Corp Talk Fails": ("{6F8C1D20-5B1A-4C6E-9A00-000000001603}",),
    "Corp Talk Waits": ("{6F8C1D20-5B1A-4C6E-9A00-000000001618}",),
}
UNINSTALL_KEY = "Corp Voice"
COUNTS_KEY = "Corp Voice Count"
"""Of the EXE that writes down how often it was started."""
COUNTS, COUNTS_NEXT = "corpvoice-counts-1.0.0.exe", "corpvoice-counts-1.1.0.exe"
RUNS = "corpvoice-runs.exe"
"""Its program."""
TRANSFORM, TRANSFORMED = "Второй & only.mst", "transformed.corp.test"
"""For Corp Talk 1.0.0, and what it makes of the property SERVER."""
USERS_KEY = "Corp Voice Mine"
"""Of the EXE that users install for themselves."""


def build(cache: Path) -> Path:
    """The folder with the packages; built once for each state of their sources."""
    sources = [*sorted(SOURCES.iterdir()), *sorted((HERE / "packages").iterdir()), Path(__file__)]
    sources += [HERE.parent / "integration/package_transform.py"]
    key = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    folder = cache / "windows-packages" / key
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        _run(["bash", SOURCES / "build.sh", made], made)
        _waiting(Path(made))
        _counting(Path(made))
        (Path(made) / TRANSFORM).write_bytes(_transform())
        Path(made).chmod(0o755)
        try:
            os.rename(made, folder)  # noqa: PTH104 -- as one step, and an error where another run was first
        except OSError:
            if not folder.exists():
                raise
        Path(made).mkdir(exist_ok=True)  # for the context manager, which removes it
    return folder


def _waiting(folder: Path) -> None:
    (folder / "readme.txt").write_text("Corp Talk Waits 1.0.0\r\n")
    (folder / "CustomAction.idt").write_text(_ACTION, newline="")
    _run(["wixl", "-a", "x64", "-o", f"{WAITS}.msi", HERE / "packages/waits.wxs"], folder)
    _run(["msibuild", f"{WAITS}.msi", "-i", "CustomAction.idt"], folder)
    _run(["msibuild", f"{WAITS}.msi", "-q", _SEQUENCE], folder)
    for name in ("readme.txt", "CustomAction.idt"):
        (folder / name).unlink()


def _counting(folder: Path) -> None:
    program = ["-DPROGRAM", f"-DOUT={folder / RUNS}"]
    versions = [["-DVERSION=" + name[-9:-4], f"-DOUT={folder / name}"] for name in (COUNTS, COUNTS_NEXT)]
    for words in (program, *versions):
        # 32 bits run on every Windows.
        command = ["makensis", "-V1", "-INPUTCHARSET", "UTF8", "-XTarget x86-unicode", f"-DFOLDER={folder}", *words]
        _run([*command, HERE / "packages/counts.nsi"], folder)


def _transform() -> bytes:
    # Where Ansible has set up its collections only.
    from ansible_collections.onprem.chat.tests.integration.package_transform import transform

    package = {"ProductCode": PRODUCT_CODES["Corp Talk"][0], "ProductVersion": "1.0.0"}
    return transform({**package, "UpgradeCode": UPGRADE_CODES["Corp Talk"]}, {"SERVER": TRANSFORMED})


def _run(command: list[str | Path], folder: str | Path) -> None:
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise SystemExit(
            f"The test packages could not be built: {command[0]} ended with {done.returncode}\n{done.stderr}"
        )
