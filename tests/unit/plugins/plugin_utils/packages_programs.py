# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows programs made in memory: headers, sections, resources and what follows them, with no code inside.

They stand in for setup programs that no tool here can build (Inno Setup, Burn, Squirrel and others): each has the structure
that its runtime looks for, written from public sources, and none of them was ever run. NSIS programs are also built
by the real makensis, in tests/integration/test_packages.py.
"""

from __future__ import annotations

import struct
import zlib

FILE_ALIGNMENT, MEMORY = 0x200, 0x1000
RT_RCDATA, RT_VERSION, RT_MANIFEST = 10, 16, 24
SEVEN_ZIP = b"7z\xbc\xaf\x27\x1c" + bytes(26)
STRINGS = {"CompanyName": "Example", "ProductName": "Chat", "ProductVersion": "1.2.3-beta", "FileVersion": "1.2.3.4"}
MANIFEST = (
    '<assembly xmlns="urn:schemas-microsoft-com:asm.v1" manifestVersion="1.0"><description>{}</description>'
    '<trustInfo><security><requestedPrivileges><requestedExecutionLevel level="{}" uiAccess="false"/>'
    "</requestedPrivileges></security></trustInfo></assembly>"
)


def aligned(data: bytes, to: int) -> bytes:
    return data + bytes(-len(data) % to)


def program(
    resources: dict | None = None,
    sections: dict[str, bytes] | None = None,
    overlay: bytes = b"",
    machine: int = 0x8664,
    characteristics: int = 0x22,
) -> bytes:
    """A PE file; ``resources`` by (type, name), ``sections`` besides .rsrc."""
    wide = machine != 0x14C
    parts = {".text": b"\xc3", **(sections or {})}
    place = MEMORY
    laid = []
    for name, content in parts.items():
        laid.append((name, place, content))
        place += -(-max(1, len(content)) // MEMORY) * MEMORY
    directory = (0, 0)
    if resources:
        tree = resource_section(resources, place)
        laid.append((".rsrc", place, tree))
        directory = (place, len(tree))
        place += -(-len(tree) // MEMORY) * MEMORY
    optional = struct.pack("<HBBIIIII", 0x20B if wide else 0x10B, 14, 0, 0, 0, 0, MEMORY, MEMORY)
    optional += struct.pack("<Q", 0x140000000) if wide else struct.pack("<II", MEMORY, 0x400000)
    headers = FILE_ALIGNMENT * 2
    optional += struct.pack("<IIHHHHHHIIIIHH", MEMORY, FILE_ALIGNMENT, 6, 0, 0, 0, 6, 0, 0, place, headers, 0, 2, 0)
    optional += struct.pack("<QQQQ" if wide else "<IIII", 0x100000, 0x1000, 0x100000, 0x1000) + struct.pack(
        "<II", 0, 16
    )
    optional += b"".join(struct.pack("<II", *(directory if number == 2 else (0, 0))) for number in range(16))
    out = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x80) + bytes(0x40) + b"PE\0\0"
    out += struct.pack("<HHIIIHH", machine, len(laid), 0, 0, 0, len(optional), characteristics) + optional
    start, body = headers, b""
    for name, memory, content in laid:
        raw = aligned(content, FILE_ALIGNMENT)
        out += struct.pack("<8sIIIIIIHHI", name.encode(), len(content), memory, len(raw), start, 0, 0, 0, 0, 0x40000040)
        start += len(raw)
        body += raw
    return out.ljust(headers, b"\0") + body + overlay


def resource_section(resources: dict, memory: int) -> bytes:
    """Three levels: type, name, one language."""
    kinds: dict = {}
    for (kind, name), content in resources.items():
        kinds.setdefault(kind, {})[name] = content
    names: dict[str, bytes] = {}
    folders: list = []

    def order(key):
        return (not isinstance(key, str), key if isinstance(key, str) else f"{key:08}")

    # Sizes first: every folder is 16 bytes and 8 for each entry.
    root = sorted(kinds, key=order)
    size = 16 + 8 * len(root)
    places: dict = {}
    for kind in root:
        places[kind] = size
        size += 16 + 8 * len(kinds[kind])
    for kind in root:
        for name in sorted(kinds[kind], key=order):
            places[kind, name] = size
            size += 24
    for kind in root:
        for name in sorted(kinds[kind], key=order):
            places["data", kind, name] = size
            size += 16
    text = b""
    for key in [*root, *(name for kind in root for name in kinds[kind])]:
        if isinstance(key, str) and key not in names:
            names[key] = struct.pack("<I", size + len(text) | 0x80000000)
            text += struct.pack("<H", len(key)) + key.encode("utf-16-le")
    text = aligned(text, 8)

    def folder(keys, target) -> bytes:
        named = sum(isinstance(key, str) for key in keys)
        out = struct.pack("<IIHHHH", 0, 0, 0, 0, named, len(keys) - named)
        for key in keys:
            out += names[key] if isinstance(key, str) else struct.pack("<I", key)
            out += struct.pack("<I", target(key))
        return out

    folders.append(folder(root, lambda kind: places[kind] | 0x80000000))
    for kind in root:
        folders.append(folder(sorted(kinds[kind], key=order), lambda name, kind=kind: places[kind, name] | 0x80000000))
    contents, entries = b"", b""
    for kind in root:
        for name in sorted(kinds[kind], key=order):
            folders.append(folder([1033], lambda language, kind=kind, name=name: places["data", kind, name]))
            content = kinds[kind][name]
            entries += struct.pack("<IIII", memory + size + len(text) + len(contents), len(content), 0, 0)
            contents += aligned(content, 8)
    return b"".join(folders) + entries + text + contents


def version_resource(strings: dict[str, str], numbers: tuple = (1, 2, 3, 4), language: int = 1049) -> bytes:
    """VS_VERSIONINFO."""

    def block(key: str, value: bytes = b"", length: int = 0, text: int = 1, children: bytes = b"") -> bytes:
        head = aligned(bytes(6) + (key + "\0").encode("utf-16-le"), 4)[6:]
        inner = head + value
        if children:
            inner = aligned(bytes(6) + inner, 4)[6:] + children
        return aligned(struct.pack("<HHH", 6 + len(inner), length, text) + inner, 4)

    high, low = numbers[0] << 16 | numbers[1], numbers[2] << 16 | numbers[3]
    fixed = struct.pack("<13I", 0xFEEF04BD, 0x10000, high, low, high, low, 0x3F, 0, 0x40004, 1, 0, 0, 0)
    texts = {key: (value + "\0").encode("utf-16-le", "surrogatepass") for key, value in strings.items()}
    lines = b"".join(block(key, text, len(text) // 2) for key, text in texts.items())
    table = block("StringFileInfo", children=block(f"{language:04x}04b0", children=lines))
    translation = block("Translation", struct.pack("<HH", language, 1200), 4, 0)
    return block("VS_VERSION_INFO", fixed, len(fixed), 0, table + block("VarFileInfo", children=translation))


def described(strings: dict | None = None, level: str = "asInvoker", words: str = "", **more) -> bytes:
    """A program with version resource and manifest."""
    resources = {
        (RT_VERSION, 1): version_resource(STRINGS if strings is None else strings),
        (RT_MANIFEST, 1): MANIFEST.format(words, level).encode(),
        **more.pop("resources", {}),
    }
    return program(resources, **more)


def nsis_overlay(header: bytes = b"\0" * 64, body: bytes = b"\1" * 400, packed: bool = False) -> bytes:
    """struct firstheader and a header that is stored or deflated, then the files."""
    squeezed = header
    if packed:
        squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
        squeezed = squeezer.compress(header) + squeezer.flush()
    stored = struct.pack("<I", len(squeezed) | (0x80000000 if packed else 0)) + squeezed + body
    first = struct.pack("<II12sII", 0, 0xDEADBEEF, b"NullsoftInst", len(header), 28 + len(stored))
    return first + stored


def inno_table(total: int, version: int = 1) -> bytes:
    identity = b"rDlPtS\xcd\xe6\xd7{\x0b*"
    if version == 2:
        table = identity + struct.pack("<IqqIIqqI", 2, total, 0, 0, 0, 0, 0, 0)
    else:
        table = identity + struct.pack("<IIIIIII", 1, total, 0, 0, 0, 0, 0)
    return table + struct.pack("<I", zlib.crc32(table))


def burn_section(code: bytes = bytes(range(16)), stub: int = 0, first: int = 0) -> bytes:
    return struct.pack("<II16sIIIIIII", 0x00F14300, 2, code, stub, 0, 0, 0, 1, 1, first).ljust(512, b"\0")


def advanced_installer_overlay(start: int) -> bytes:
    body = b"files" * 20
    footer = struct.pack("<IIIIIII", 0, start + len(body), 1, 0, 0, 0, 0) + b"0" * 32 + bytes(4) + b"ADVINSTSFX\0\0"
    return body + footer


def forms() -> dict[str, tuple[bytes, str, str]]:
    """Name, then file, technology and how sure it has to be."""
    plain = len(described())
    return {
        "nsis": (described(overlay=nsis_overlay()), "nsis", "sure"),
        "nsis deflated": (described(overlay=nsis_overlay(packed=True), machine=0x14C), "nsis", "sure"),
        "nsis by words": (described(words="Nullsoft Install System v3.08"), "nsis", "likely"),
        "electron": (
            described(overlay=nsis_overlay("$PLUGINSDIR\\app-64.7z".encode("utf-16-le"), SEVEN_ZIP, packed=True)),
            "electron_builder",
            "likely",
        ),
        "inno": (described(resources={(RT_RCDATA, 11111): inno_table(100)}), "inno", "sure"),
        "inno 6.5": (
            described(
                resources={(RT_RCDATA, 11111): inno_table(100, 2)},
                overlay=b"Inno Setup Setup Data (6.5.0)".ljust(64, b"\0"),
            ),
            "inno",
            "sure",
        ),
        "inno by words": (
            described({"Comments": "This installation was built with Inno Setup."}),
            "inno",
            "likely",
        ),
        "burn": (described(sections={".wixburn": burn_section()}), "burn", "sure"),
        "burn, other content": (described(sections={".wixburn": bytes(64)}), "burn", "likely"),
        "squirrel": (
            described(
                sections={".rdata": "SquirrelTemp".encode("utf-16-le")},
                resources={("DATA", 131): b"PK\x03\x04" + bytes(40)},
            ),
            "squirrel",
            "sure",
        ),
        "squirrel by words": (described(sections={".rdata": "SquirrelTemp".encode("utf-16-le")}), "squirrel", "likely"),
        "wextract": (
            described(
                resources={(RT_RCDATA, "CABINET"): b"MSCF" + bytes(40), (RT_RCDATA, "RUNPROGRAM"): b"setup.exe\0"}
            ),
            "wextract",
            "sure",
        ),
        "7zsfx": (described(overlay=SEVEN_ZIP), "7zsfx", "sure"),
        "7zsfx with settings": (described(overlay=b";!@Install@!UTF-8!\n;!@InstallEnd@!" + SEVEN_ZIP), "7zsfx", "sure"),
        "installshield": (described(overlay=b"ISSetupStream".ljust(46, b"\0") + bytes(40)), "installshield", "sure"),
        "installshield by words": (
            described({"InternalName": "Setup", "ISInternalDescription": "InstallShield Setup Launcher"}),
            "installshield",
            "likely",
        ),
        "advanced installer": (described(overlay=advanced_installer_overlay(plain)), "advanced_installer", "sure"),
        "advanced installer by words": (
            described(sections={".rdata": b"Software\\Caphyon\\Advanced Installer\\"}),
            "advanced_installer",
            "likely",
        ),
        "no installer": (described(), "unknown", "unknown"),
        "no resources": (program(), "unknown", "unknown"),
    }
