# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Which technology made a setup program, told by what its runtime itself looks for, and by words only where nothing else is.

Structures (``sure``): NSIS's first header on a 512 byte boundary behind the program, Inno Setup's offset table in resource
11111, WiX Burn's section .wixburn, Advanced Installer's footer, InstallShield's archive behind the program, IExpress's
cabinet resource, Squirrel's ZIP resource, a 7z archive behind the program. Words (``likely``): what the runtimes write into
the version resource or the manifest.
"""

from __future__ import annotations

import dataclasses
import re
import struct
import zlib

from . import guid
from .image import RT_RCDATA, Image
from .model import LIKELY, SURE, UNKNOWN

SEVEN_ZIP = b"7z\xbc\xaf\x27\x1c"
# How much is searched: what is looked for lies at the beginning or at the end.
NEAR = 4 << 20
TAIL = 64 << 10


@dataclasses.dataclass(frozen=True)
class Technology:
    """What was recognised. ``missing`` bytes at the end of the file are known from the runtime's own numbers."""

    name: str = UNKNOWN
    confidence: str = UNKNOWN
    evidence: tuple[str, ...] = ()
    product_code: str = ""
    missing: int = 0


def recognise(image: Image) -> Technology:
    """The first that fits; structures before words."""
    for look in (_burn, _inno, _nsis, _advanced_installer, _installshield, _squirrel, _wextract, _seven_zip, _words):
        found = look(image)
        if found:
            return found
    return Technology()


NSIS_MAGIC = b"\xef\xbe\xad\xdeNullsoftInst"
# In the file names of an electron-builder package; its NSIS header names them, compressed or not.
ELECTRON = ("app-64.7z", "app-32.7z", "app-arm64.7z", "app-64.zip")


def _nsis(image: Image) -> Technology | None:
    """struct firstheader: flags, 0xDEADBEEF, "NullsoftInst", length of the header, length of everything from here on."""
    start, size = image.overlay
    at = image.find(NSIS_MAGIC, image.overlay, NEAR)
    while at >= 0 and (at - 4) % 512:
        at = image.data.find(NSIS_MAGIC, at + 1, start + min(size, NEAR))
    if at < 0:
        return None
    place = at - 4
    head = image.data[place : place + 28]
    if len(head) < 28:
        return Technology("nsis", LIKELY, ("first header, cut",), missing=28 - len(head))
    length, following = struct.unpack_from("<II", head, 20)
    evidence = (f"first header of NSIS at {place}",)
    missing = max(0, place + following - len(image.data))
    plausible = following >= 28 and 0 < length < 0x10000000
    if plausible and not missing and _electron(image, place, length, following):
        return Technology("electron_builder", LIKELY, (*evidence, "an Electron application's archive inside"))
    return Technology("nsis", SURE if plausible else LIKELY, evidence, missing=missing if plausible else 0)


def _electron(image: Image, place: int, length: int, following: int) -> bool:
    """electron-builder packs the application as app-64.7z and the like, stored as it is."""
    if image.data.find(SEVEN_ZIP, place, place + min(following, 64 << 20)) < 0:
        return False
    header = _nsis_header(image, place, min(length, NEAR))
    return any(name.encode(coding) in header for name in ELECTRON for coding in ("utf-16-le", "ascii"))


def _nsis_header(image: Image, place: int, length: int) -> bytes:
    """The unpacked header of the script, where it is stored or deflated on its own; else nothing.

    The length before it has its highest bit set when the header is compressed. Solid and LZMA ones are left alone: what is
    lost is only the difference between NSIS and electron-builder, whose switches are the same.
    """
    raw = image.data[place + 28 : place + 28 + NEAR]
    if len(raw) < 4:
        return b""
    (packed,) = struct.unpack_from("<I", raw)
    if not packed & 0x80000000:
        return raw[4 : 4 + length]
    try:
        return zlib.decompressobj(-15).decompress(raw[4 : 4 + (packed & 0x7FFFFFFF)], length)
    except zlib.error:
        return b""


INNO_TABLE = 11111
INNO_ID = b"rDlPtS\xcd\xe6\xd7{\x0b*"
# Older loaders have the table behind the program, its place in the DOS header.
INNO_OLD = re.compile(rb"rDlPtS(0[2-7]\x87eVx|\xcd\xe6\xd7\x7b\x0b\x2a)")
INNO_DATA = b"Inno Setup Setup Data ("


def _inno(image: Image) -> Technology | None:
    """SetupLdr's offset table: version 1 has 32-bit places, version 2 (from 6.5 on) 64-bit ones, the last field is a CRC."""
    table = image.part(image.resources.get((RT_RCDATA, INNO_TABLE), (0, 0)), 64)
    if table.startswith(INNO_ID) and len(table) >= 44:
        (version,) = struct.unpack_from("<I", table, 12)
        layout, length = ("<q", 64) if version == 2 else ("<I", 44)
        (total,) = struct.unpack_from(layout, table, 16)
        sound = (
            len(table) >= length and zlib.crc32(table[: length - 4]) == struct.unpack_from("<I", table, length - 4)[0]
        )
        evidence = ["offset table of Inno Setup's loader"]
        if sound:
            missing = max(0, total - len(image.data))
            made_by = _inno_version(image)
            return Technology("inno", SURE, (*evidence, *made_by), missing=missing)
        return Technology("inno", LIKELY, (*evidence, "its checksum is wrong"))
    if image.data[0x30:0x34] == b"Inno":
        (place,) = struct.unpack("<I", image.data[0x34:0x38])
        if INNO_OLD.match(image.data[place : place + 12]):
            return Technology("inno", SURE, ("offset table of an old Inno Setup loader",))
    return None


def _inno_version(image: Image) -> tuple[str, ...]:
    at = image.find(INNO_DATA, image.overlay, NEAR)
    start, size = image.overlay
    if at < 0 and size > NEAR:
        at = image.data.find(INNO_DATA, start + size - NEAR, start + size)
    if at < 0:
        return ()
    words = image.data[at : at + 64].split(b"\0")[0].decode("latin-1")
    return (words,) if words.isprintable() else ()


BURN_MAGIC = 0x00F14300


def _burn(image: Image) -> Technology | None:
    """BURN_SECTION_HEADER: magic, version, bundle code (a GUID), size of the program, its signature, containers."""
    head = image.part(image.sections.get(".wixburn", (0, 0)), 52)
    if len(head) < 24:
        return None
    magic, version = struct.unpack_from("<II", head)
    if magic != BURN_MAGIC:
        return Technology("burn", LIKELY, ("a section .wixburn with another content",))
    missing = 0
    if len(head) >= 52:
        stub, _checksum, _place, _size, container, count, first = struct.unpack_from("<7I", head, 24)
        if container == 1 and 1 <= count <= 64:
            missing = max(0, stub + first - len(image.data))
    code = guid.from_bytes(head[8:24])
    return Technology("burn", SURE, (f"section .wixburn, version {version}",), product_code=code, missing=missing)


def _advanced_installer(image: Image) -> Technology | None:
    start, size = image.overlay
    tail = (start + max(0, size - TAIL), min(size, TAIL))
    at = image.find(b"ADVINSTSFX", tail, TAIL)
    if at >= 0:
        # The footer of 72 bytes says where it is itself.
        footer = at - 64
        (itself,) = struct.unpack("<I", image.data[footer + 4 : footer + 8].ljust(4, b"\0"))
        return Technology("advanced_installer", SURE if footer == itself else LIKELY, ("footer ADVINSTSFX",))
    if _contains(image, b"Caphyon\\Advanced Installer"):
        return Technology("advanced_installer", LIKELY, ("names the registry key of Advanced Installer",))
    return None


def _installshield(image: Image) -> Technology | None:
    head = image.part(image.overlay, 46)
    if head.startswith((b"InstallShield\0", b"ISSetupStream")) and len(head) == 46:
        return Technology("installshield", SURE, ("InstallShield's archive behind the program",))
    return None


def _squirrel(image: Image) -> Technology | None:
    payload = image.resources.get(("DATA", 131))
    if payload and image.part(payload, 4) == b"PK\x03\x04" and _contains(image, "SquirrelTemp".encode("utf-16-le")):
        return Technology("squirrel", SURE, ("resource DATA/131 with the packages", "names SquirrelTemp"))
    if _contains(image, "SquirrelTemp".encode("utf-16-le")):
        return Technology("squirrel", LIKELY, ("names SquirrelTemp",))
    return None


def _wextract(image: Image) -> Technology | None:
    cabinet = image.resources.get((RT_RCDATA, "CABINET"))
    if cabinet and (RT_RCDATA, "RUNPROGRAM") in image.resources:
        sure = image.part(cabinet, 4) == b"MSCF"
        return Technology("wextract", SURE if sure else LIKELY, ("resources CABINET and RUNPROGRAM of IExpress",))
    return None


def _seven_zip(image: Image) -> Technology | None:
    head = image.part(image.overlay, NEAR)
    if head.startswith((SEVEN_ZIP, b";!@Install@!")) or (b";!@InstallEnd@!" in head and SEVEN_ZIP in head):
        return Technology("7zsfx", SURE, ("a 7z archive behind the program",))
    return None


# In the manifest or the version resource, in lower case; the runtimes write them unless told otherwise.
WORDS = (
    ("inno", "jr.inno.setup"),
    ("inno", "this installation was built with inno setup"),
    ("nsis", "nullsoft.nsis.exehead"),
    ("nsis", "nullsoft install system"),
    ("installshield", "installshield"),
    ("wextract", "wextract"),
    ("advanced_installer", "advanced installer"),
    ("squirrel", "squirrel.windows"),
    ("7zsfx", "7zs.sfx"),
    ("7zsfx", "7zsd.sfx"),
)


def _words(image: Image) -> Technology | None:
    texts = " ".join((image.manifest, *image.strings.values())).lower()
    for name, word in WORDS:
        if word in texts:
            return Technology(name, LIKELY, (f"the word {word!r} in manifest or version resource",))
    return None


def _contains(image: Image, word: bytes) -> bool:
    """Whether the program's own data names it; code and resources are left out."""
    places = [place for name, place in image.sections.items() if name in (".rdata", ".data")]
    return any(image.find(word, place, NEAR) >= 0 for place in places)
