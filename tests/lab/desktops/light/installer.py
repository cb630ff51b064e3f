"""Windows Installer, modelled: a product is what the configuration says that a file of this SHA-256 is."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from .registry import Key

if TYPE_CHECKING:
    from .desktop import Desktop, Product
    from .interpreter import Interpreter, Streams

INSTALLER = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Installer"
UNINSTALL = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall"
UNKNOWN, FAILED, MISSING, INVALID, OTHER_VERSION, USAGE = 1605, 1603, 1619, 1620, 1638, 1639


def packed(code: str) -> str:
    """{01234567-89AB-…} as the Installer's keys write it: each group backwards, the last two byte by byte."""
    a, b, c, d, e = code.strip("{}").upper().split("-")
    pairs = "".join(text[i : i + 2][::-1] for text in (d, e) for i in range(0, len(text), 2))
    return a[::-1] + b[::-1] + c[::-1] + pairs


def msiexec(shell: Interpreter, words: list[str], _streams: Streams) -> int:
    """/i FILE and /x {CODE}; everything else of a command line is taken as given."""
    desktop = shell.desktop
    actions = [index for index, word in enumerate(words) if re.fullmatch(r"/(i|x|f\w*)", word, re.IGNORECASE)]
    if len(actions) != 1 or actions[0] + 1 >= len(words):
        return USAGE
    action, target = words[actions[0]].lower(), words[actions[0] + 1]
    if action == "/x" and target.startswith("{"):
        return _remove(desktop, target)
    content = desktop.files.read(shell.absolute(target))
    if content is None:
        return MISSING
    product = desktop.products.get(hashlib.sha256(content).hexdigest())
    if product is None:
        return INVALID
    if _needs_recaching(desktop, product) and not any(
        re.match("REINSTALLMODE=.*v", word, re.IGNORECASE) for word in words
    ):
        return OTHER_VERSION
    tried = desktop.tried.get(product.sha256, 0)
    desktop.tried[product.sha256] = tried + 1
    code = product.exit_codes[tried] if tried < len(product.exit_codes) else 0
    if code in (0, 3010, 1641):
        _family(desktop, product)
        _register(desktop, product)
    return code


def _needs_recaching(desktop: Desktop, product: Product) -> bool:
    """Another package of the same product code is installed: Windows Installer refuses this one, unless it is told to take it instead.

    The family of the upgrade code does not come into it: it is looked at when a product is installed for the first time only.
    """
    there = desktop.installed.get(product.product_code, product.sha256) != product.sha256
    return there and _find(desktop, _products(product.product_code)) is not None


def _products(code: str) -> str:
    return f"{INSTALLER}\\UserData\\S-1-5-18\\Products\\{packed(code)}"


def _find(desktop: Desktop, path: str) -> Key | None:
    return desktop.registry.find(desktop.registry.path(path))


def _family(desktop: Desktop, product: Product) -> None:
    """A major upgrade removes the others of its family."""
    family = _find(desktop, f"{INSTALLER}\\UpgradeCodes\\{packed(product.upgrade_code)}")
    for name in list(family.values) if family else ():
        if name != packed(product.product_code).lower():
            key = _find(desktop, f"{INSTALLER}\\UserData\\S-1-5-18\\Products\\{name}\\InstallProperties")
            if key and "uninstallstring" in key.values:
                text = key.values["uninstallstring"][2].decode("utf-16-le")
                _remove(desktop, text[text.index("{") : text.index("}") + 1])


def _register(desktop: Desktop, product: Product) -> None:
    desktop.installed[product.product_code] = product.sha256
    texts = {
        "DisplayName": product.name,
        "DisplayVersion": product.version,
        "Publisher": product.manufacturer,
        "UninstallString": f"MsiExec.exe /X{product.product_code}",
    }
    for name, text in texts.items():
        desktop.registry.text(f"{_products(product.product_code)}\\InstallProperties", name, text)
        desktop.registry.text(f"{UNINSTALL}\\{product.product_code}", name, text)
    desktop.registry.text(
        f"{INSTALLER}\\UpgradeCodes\\{packed(product.upgrade_code)}", packed(product.product_code), ""
    )


def _remove(desktop: Desktop, code: str) -> int:
    if not desktop.registry.delete(desktop.registry.path(_products(code))):
        return UNKNOWN
    desktop.registry.delete(desktop.registry.path(f"{UNINSTALL}\\{code}"))
    families = _find(desktop, f"{INSTALLER}\\UpgradeCodes")
    for family in list(families.keys.values()) if families else ():
        family.values.pop(packed(code).lower(), None)
        if not family.values:
            families.keys.pop(family.name.lower())
    return 0
