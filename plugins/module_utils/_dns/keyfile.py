# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Reading a TSIG key from a file, as the tools of BIND and Knot make it."""

from __future__ import annotations

import pathlib
import re
import stat

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import InputError
from ansible_collections.onprem.chat.plugins.module_utils._dns.signing import ALGORITHMS

# What tsig-keygen and ddns-confgen print: key "name" { algorithm hmac-sha256; secret "..."; };
_CLAUSE = re.compile(r'\bkey\s+"?(?P<name>[^\s"{]+)"?\s*\{(?P<body>[^}]*)\}')
_FIELD = r'\b{}\s+"?(?P<value>[^\s";]+)"?\s*;'
# A secret may have // in it, and in quotes that is no comment.
_COMMENT = re.compile(r'("[^"\n]*")|//[^\n]*|(?:^|(?<=\s))#[^\n]*|/\*.*?\*/', re.DOTALL)
# What keymgr of Knot prints for kdig and knsupdate, above the YAML for knotd: # hmac-sha256:name:secret
_LINE = re.compile(r"(?:#\s*)?(?P<algorithm>hmac-[a-z0-9]+):(?P<name>[^\s:]+):(?P<secret>\S+)")


def read(path: str) -> tuple[str, str, str]:
    """Name, secret (base64) and algorithm of the one key in a file. Raises InputError."""
    try:
        with pathlib.Path(path).open(encoding="utf-8") as file:
            mode = stat.S_IMODE(pathlib.Path(path).stat().st_mode)
            text = file.read()
    except (OSError, ValueError) as error:
        seen = getattr(error, "strerror", None) or "it is no text"
        raise InputError(
            f"The TSIG key file {path} cannot be read: {seen}.",
            "Does it exist on the host where the module runs, and may the user who runs Ansible read it?",
        ) from error
    if mode & 0o077:
        raise InputError(
            f"The TSIG key file {path} is open to others (mode {mode:04o}).",
            "Whoever can read it can write the zone.",
            f"chmod 600 {path}; if somebody may have read it, make a new key.",
        )
    name, secret, algorithm = _parsed(text, path)
    if algorithm not in ALGORITHMS:
        raise InputError(
            f"The key {name} in the file {path} is for {algorithm}, which is not one of {', '.join(ALGORITHMS)}.",
            action="Make a new one: tsig-keygen -a hmac-sha256 " + name,
        )
    return name, secret, algorithm


def _parsed(text: str, path: str) -> tuple[str, str, str]:
    clauses = list(_CLAUSE.finditer(_COMMENT.sub(lambda match: match[1] or " ", text)))
    found = () if clauses else filter(None, map(_LINE.fullmatch, map(str.strip, text.splitlines())))
    lines = list({match.groups(): match for match in found}.values())
    if len(clauses) + len(lines) != 1:
        raise InputError(
            f"The file {path} holds {len(clauses) + len(lines) or 'no'} TSIG key{'s' if len(clauses) + len(lines) else ''}; "
            "it must hold one.",
            "Is it what tsig-keygen (BIND) or keymgr -t (Knot) has printed?",
        )
    if lines:
        return lines[0]["name"], lines[0]["secret"], lines[0]["algorithm"]
    body = clauses[0]["body"]
    fields = [re.search(_FIELD.format(word), body) for word in ("secret", "algorithm")]
    if not all(fields):
        missing = "secret" if not fields[0] else "algorithm"
        raise InputError(f"The key {clauses[0]['name']} in the file {path} has no {missing}.")
    algorithm = fields[1]["value"].lower().rstrip(".")
    return clauses[0]["name"], fields[0]["value"], algorithm
