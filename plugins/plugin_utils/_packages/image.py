# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""A Windows program (PE file) as far as it tells what it installs: sections, resources, version, what follows the program.

pefile reads headers and resources. It sees the first 512 MB at most, where every real setup program has them; the rest of
the file (the payload) is only looked at in a few places.
"""

from __future__ import annotations

import dataclasses
import traceback
import typing as t

from .errors import Damaged, LibraryMissing, NotSupported

PEFILE_IMPORT_ERROR = None
try:
    import pefile
except ImportError:
    PEFILE_IMPORT_ERROR = traceback.format_exc()

WINDOW = 512 << 20
MACHINES = {0x14C: "x86", 0x8664: "x64", 0xAA64: "arm64"}
DLL = 0x2000
# With windows, or for the console (vendor document "PE Format"); the others are drivers, EFI and consoles.
SUBSYSTEMS = (2, 3)
RT_RCDATA, RT_VERSION, RT_MANIFEST = 10, 16, 24
RESOURCES, CERTIFICATES = 2, 4
# Of the resources only the first are looked at, and of a manifest only its beginning: both are small in real files.
MOST_RESOURCES = 4096
MOST_MANIFEST = 64 << 10
MOST_STRINGS = 256
MOST_STRING = 4096

Name = "int | str"


@dataclasses.dataclass(frozen=True)
class Image:
    """Places are (offset in the file, size in bytes)."""

    data: t.Any
    architecture: str
    sections: dict[str, tuple[int, int]]
    resources: dict[tuple[Name, Name], tuple[int, int]]
    strings: dict[str, str]  # of the version resource
    file_version: str
    product_version: str
    language: str
    manifest: str
    # What follows the sections, up to the certificates
    overlay: tuple[int, int]
    certificates: tuple[int, int]  # of the signature; (0, 0) without one

    def part(self, place: tuple[int, int], most: int) -> bytes:
        """The first bytes of a place."""
        return self.data[place[0] : place[0] + min(place[1], most)]

    def find(self, what: bytes, place: tuple[int, int], most: int) -> int:
        """Where something is in the first ``most`` bytes of a place; -1 where it is not."""
        return self.data.find(what, place[0], place[0] + min(place[1], most))


def read_image(data: t.Any, where: str, window: t.Any = None) -> Image:
    """``data`` is the whole file as a memory map or bytes, ``window`` its first WINDOW bytes if it has more. Raises PackageError."""
    if PEFILE_IMPORT_ERROR:
        raise LibraryMissing(
            "The Python library pefile is missing on the controller",
            where,
            "Reading EXE packages needs it in the Python that runs Ansible",
            "Install it (pip install pefile, or the distribution's python3-pefile), or describe the package by options",
            traceback=PEFILE_IMPORT_ERROR,
        )
    try:
        program = pefile.PE(data=data if window is None else window, fast_load=True)
        program.parse_data_directories(directories=[RESOURCES])
        return _image(program, data, where)
    except (Damaged, NotSupported):
        raise
    except pefile.PEFormatError as error:
        raise damaged(f"The file is no valid Windows program: {_words(error)}", where) from error
    except Exception as error:
        # pefile meets what it did not expect in a damaged file; whatever it says then, the file is the cause.
        raise damaged(
            f"The file is no valid Windows program ({type(error).__name__} while it was read)", where
        ) from error


def _image(program: t.Any, data: t.Any, where: str) -> Image:
    if program.FILE_HEADER.Characteristics & DLL:
        raise NotSupported(
            "The file is a DLL, no program", where, "Another file of the vendor was meant", "Give the setup program"
        )
    if program.OPTIONAL_HEADER.Subsystem not in SUBSYSTEMS:
        raise NotSupported(
            "The file is a driver or firmware, no program of Windows",
            where,
            "Another file of the vendor was meant",
            "Give the setup program",
        )
    sections: dict[str, tuple[int, int]] = {}
    end = program.OPTIONAL_HEADER.SizeOfHeaders
    for section in program.sections:
        start, size = section.PointerToRawData, section.SizeOfRawData
        if not size:
            continue
        if start + size > len(data):
            raise damaged(f"The file is cut: {start + size - len(data)} bytes of its program are missing", where)
        end = max(end, start + size)
        sections.setdefault(section.Name.rstrip(b"\0").decode("latin-1"), (start, size))
    directories = program.OPTIONAL_HEADER.DATA_DIRECTORY
    certificates = (0, 0)
    overlay_end = len(data)
    # The address of the certificates is the only one that is a place in the file (vendor document "PE Format").
    if len(directories) > CERTIFICATES and directories[CERTIFICATES].Size:
        certificates = (directories[CERTIFICATES].VirtualAddress, directories[CERTIFICATES].Size)
        overlay_end = certificates[0]
        missing = sum(certificates) - len(data)
        if missing > 0:
            raise damaged(f"The file is cut: {missing} bytes are missing at its end, where its signature is", where)
    resources = _resources(program, len(data))
    manifest = next((place for (kind, _name), place in resources.items() if kind == RT_MANIFEST), None)
    strings, language = _strings(program, data)
    fixed = (getattr(program, "VS_FIXEDFILEINFO", None) or [None])[0]
    return Image(
        data=data,
        architecture=MACHINES.get(program.FILE_HEADER.Machine, ""),
        sections=sections,
        resources=resources,
        strings=strings,
        file_version=_dotted(fixed.FileVersionMS, fixed.FileVersionLS) if fixed else "",
        product_version=_dotted(fixed.ProductVersionMS, fixed.ProductVersionLS) if fixed else "",
        language=language,
        manifest=_manifest(data[manifest[0] : manifest[0] + min(manifest[1], MOST_MANIFEST)]) if manifest else "",
        overlay=(end, max(0, overlay_end - end)),
        certificates=certificates,
    )


def _resources(program: t.Any, size: int) -> dict[tuple[Name, Name], tuple[int, int]]:
    """Places by type and name; of several languages the first."""
    found: dict[tuple[Name, Name], tuple[int, int]] = {}
    top = getattr(program, "DIRECTORY_ENTRY_RESOURCE", None)
    for kind in getattr(top, "entries", ()):
        for name in getattr(getattr(kind, "directory", None), "entries", ()):
            for language in getattr(getattr(name, "directory", None), "entries", ())[:1]:
                if len(found) >= MOST_RESOURCES:
                    return found
                struct = getattr(getattr(language, "data", None), "struct", None)
                if struct is None:
                    continue
                try:
                    start = program.get_offset_from_rva(struct.OffsetToData)
                except pefile.PEFormatError:
                    continue
                if 0 <= start < size and struct.Size <= size - start:
                    found.setdefault((_name(kind), _name(name)), (start, struct.Size))
    return found


def _name(entry: t.Any) -> Name:
    return str(entry.name) if entry.name is not None else entry.id


def _strings(program: t.Any, data: t.Any) -> tuple[dict[str, str], str]:
    """Of the version resource's first table, and its language."""
    found: dict[str, str] = {}
    language = ""
    for version in getattr(program, "FileInfo", None) or ():
        for info in version:
            for table in getattr(info, "StringTable", ()):
                for key, value in list(table.entries.items())[:MOST_STRINGS]:
                    offset = table.entries_offsets[key][1]
                    found.setdefault(_text(key), _text(_with_pairs(value, data, offset)))
            for variable in getattr(info, "Var", ()):
                # pefile gives them as "0x0419 0x04b0": language and code page.
                for value in variable.entry.values():
                    first = _text(value).split()[:1]
                    if first and not language:
                        language = str(int(first[0], 16))
    return found, "" if language == "0" else language


def _with_pairs(value: bytes, data: t.Any, offset: int) -> bytes:
    r"""A text as it stands in the file at ``offset``, in UTF-8.

    pefile takes the two halves of a character beyond U+FFFF (an emoji) for two characters that UTF-8 does not have, and gives each as
    six signs, \udXXX. The file knows what was such a half and what was written so.
    """
    if b"\\ud" not in value:
        return value
    text = value.decode("utf-8", "replace")
    raw = data[offset : offset + 2 * len(text)]
    raw = raw[: len(raw) // 2 * 2]
    place, at = 0, 0
    while at < len(text) and place < len(raw):
        at += len(r"\udXXX") if 0xD8 <= raw[place + 1] <= 0xDF else 1
        place += 2
    return raw[:place].decode("utf-16-le", "replace").encode("utf-8")


def _text(raw: bytes | str) -> str:
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
    return text[:MOST_STRING].strip("\0 \t\r\n")


def _manifest(raw: bytes) -> str:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace")
    return raw.decode("utf-8-sig", "replace")


def _dotted(high: int, low: int) -> str:
    return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"


def _words(error: t.Any) -> str:
    return str(error.value if hasattr(error, "value") else error).strip("'\" .")[:200]


def damaged(what: str, where: str) -> Damaged:
    return Damaged(
        what,
        where,
        "It was cut, or changed on its way",
        "Fetch it again and compare its SHA-256 with the vendor's",
    )
