# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The options of win_client, and from them (and the package) to a task."""

from __future__ import annotations

import functools
import typing as t

from .._packages import versions
from .._registry.options import settings_option
from .._registry.part import Part
from .._registry.settings import from_options, undone
from . import converge, delivery, script, share, users_weigh, wanted
from .errors import OptionError
from .wanted import MSI, USER, PackageLike

RULES: dict[str, t.Any] = {
    "required_one_of": [("package", "product_code", "upgrade_code", "uninstall_key")],
    "required_if": [("state", "present", ("package",)), ("state", "repair", ("package",))],
}
LEAST = {"deadline": (10, "seconds"), "retry_busy": (0, "seconds"), "free_space": (0, "MiB")}


def argument_spec() -> dict[str, t.Any]:
    """The options of win_client."""
    text = {"type": "str"}
    texts = {"type": "list", "elements": "str"}
    return {
        "package": {"type": "path"},
        "sha256": dict(text),
        "ca_path": {"type": "path"},
        "signature": {
            "type": "dict",
            "options": {
                "signer": dict(text),
                "thumbprint": dict(text),
                "trust_anchors": {"type": "list", "elements": "path"},
            },
            "required_one_of": [("signer", "thumbprint", "trust_anchors")],
        },
        "state": {**text, "choices": ["present", "absent", "repair"], "default": "present"},
        "scope": {**text, "choices": ["machine", "user"], "default": "machine"},
        "version": dict(text),
        "allow_downgrade": {"type": "bool", "default": False},
        "keep_newer": {"type": "bool", "default": False},
        "version_file": dict(text),
        "product_code": dict(text),
        "upgrade_code": dict(text),
        "uninstall_key": {**text, "no_log": False},
        "arguments": dict(texts),
        "uninstall_arguments": dict(texts),
        "properties": {"type": "dict"},
        "transforms": {"type": "list", "elements": "path"},
        "success_codes": {"type": "list", "elements": "int"},
        "delivery": {**text, "choices": ["auto", "pull", "smb", "channel", "share"], "default": "auto"},
        "url": dict(text),
        "share": dict(text),
        "free_space": {"type": "int"},
        "close": dict(texts),
        "force_close": {"type": "bool", "default": False},
        "run_as": {**text, "choices": ["auto", "session", "system"], "default": "auto"},
        "settings": settings_option(),
        "deadline": {"type": "int", "default": 1800},
        "retry_busy": {"type": "int", "default": 900},
    }


def task(
    options: t.Mapping[str, t.Any],
    package: PackageLike | None,
    account: t.Mapping[str, t.Any],
    check_mode: bool,
    read: t.Callable[[str], bytes] | None = None,
) -> converge.Task:
    """Options as validated, the package as read, where SMB goes (host, user, password, ticket), who reads files of the controller.

    Raises OptionError, and SettingsError for settings.
    """
    wish = wanted.wanted(options, package)
    if options.get("transforms") and wish.kind != MSI:
        raise OptionError(
            "transforms are of Windows Installer packages", "transforms", "The package is an EXE", "Take them away"
        )
    for image in options.get("close") or ():
        script.check_image(image)
    if wish.scope == USER:
        users_weigh.check(wish)
    source = delivery.Source(
        way=options["delivery"],
        url=options.get("url") or "",
        share=options.get("share") or "",
        free_space=(options.get("free_space") or 0) * 1024 * 1024,
        **account,
    )
    if source.share:
        share.check(source.share)
    # What the way needs and was not given is told before anything is asked.
    delivery.ways(source, wish)
    return converge.Task(
        wanted=wish,
        source=source,
        compare=functools.partial(compare, versions.compare_msi if wish.kind == MSI else versions.compare),
        run_as=options["run_as"],
        deadline=options["deadline"],
        retry_busy=options["retry_busy"],
        close=tuple(options.get("close") or ()),
        force=options["force_close"],
        transforms=tuple(options.get("transforms") or ()),
        check_mode=check_mode,
        settings=_settings(options, read),
    )


def _settings(options: t.Mapping[str, t.Any], read: t.Callable[[str], bytes] | None) -> Part | None:
    """The settings of the client; they go with it."""
    if not options.get("settings"):
        return None
    settings = from_options(options["settings"], read)
    return Part(undone(settings) if options["state"] == "absent" else settings)


def compare(rule: t.Callable[[str, str], int], a: str, b: str) -> int:
    """By the rule of this kind of package. A version without a number is older than any other, and equal only to itself."""
    if a == b:
        return 0
    try:
        return rule(a, b)
    except ValueError:
        return -1
