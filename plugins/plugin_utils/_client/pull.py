# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""A package that the host fetches itself, by its own curl.exe: what curl is told, and what its exit codes mean."""

from __future__ import annotations

import re

from .._winrm import quoting
from .._winrm.errors import DeadlineError
from .._winrm.runner import Answer, Runner
from .errors import DeliveryError, OptionError

# curl.1, "EXIT CODES"
_CURL = {
    6: ("The host does not find the server's name", "Check the name in url and the host's DNS"),
    7: ("The server does not answer on this port", "Check that the server runs and that no firewall is between"),
    18: (
        "The server's answer ended too early, again and again",
        "Look at the server's log, and at what is between it and the host",
    ),
    22: ("The server refused it (an HTTP status of 400 or above)", "Open url in a browser on the host"),
    23: (
        "The file could not be written: the disk is full, or a program keeps it",
        "Free space; look at the virus scanner",
    ),
    28: ("It took too long", "Give a greater deadline, or a server nearer to the host"),
    35: ("No TLS connection came about", "Check the server's TLS settings; old Windows knows only old versions"),
    60: ("The host does not trust the server's certificate", "Distribute the company's root certificate to the host"),
    77: ("The file with trusted certificates cannot be read", "Mend the host's curl configuration"),
}
_REVOCATION = (
    "The host cannot ask whether the server's certificate was revoked, and the address may hold a token",
    "Let the host reach the list of revoked certificates that the certificate names, or give url without user and query",
)
_RANGE = 33
_TLS = 35
_TIMEOUT = 28
# "Failed to connect to …", "Connection timed out", "Resolving timed out": curl speaks English everywhere.
_UNREACHED = re.compile(rb"[Cc]onnect|Resolving")
# CRYPT_E_NO_REVOCATION_CHECK, CRYPT_E_REVOCATION_OFFLINE (winerror.h): curl.exe gives up where a browser goes on.
_NO_REVOCATION = (b"0x80092012", b"0x80092013")
# Ended in the middle: less than was promised, reset, silence. curl --retry does not go on after the first of them.
_BROKEN = (18, 28, 52, 55, 56)
_ATTEMPTS = 4


def pull(runner: Runner, url: str, path: str, deadline: float) -> bool:
    """Let the host fetch the file to ``path``; whether it was broken off in the middle and continued.

    DeliveryError when it does not arrive; whether it is the package is not looked at. ``deadline``: seconds for each attempt.
    """
    broken, revocation = 0, True
    answer = _curl(runner, url, path, deadline)
    if _not_asked(answer) and url == _without_secrets(url):
        # What arrives is compared with the package anyway. With what may be a token the server has to be beyond doubt.
        revocation = False
        answer = _curl(runner, url, path, deadline, revocation=revocation)
    while _broken_off(answer) and broken < _ATTEMPTS:
        broken += 1
        answer = _curl(runner, url, path, deadline, revocation=revocation)
    if answer.exit_code == _RANGE or (answer.exit_code == 22 and b"416" in answer.stderr):
        # A server that cannot resume, or a file that is complete or longer than it should be: from the beginning.
        runner.run(f"del /f /q {quoting.path(path)}")
        answer = _curl(runner, url, path, deadline, resume=False, revocation=revocation)
    if answer.ok:
        return broken > 0
    unknown = (
        "curl.exe is missing (Windows before 10 1803) or failed"
        if answer.exit_code in (1, 9009)
        else "curl.exe failed",
        "Set delivery to smb or channel",
    )
    cause, remedy = _REVOCATION if _not_asked(answer) else _CURL.get(answer.exit_code, unknown)
    said = answer.stderr.decode("utf-8", errors="replace").strip()[-500:]
    raise DeliveryError(
        f"The host could not pull the package (curl exit code {answer.exit_code})",
        _without_secrets(url),
        cause,
        remedy,
        output=_hidden(said, url),
    )


def _broken_off(answer: Answer) -> bool:
    """Whether going on makes sense. Where nobody answers curl itself has tried it five times, for minutes: not again."""
    unreached = answer.exit_code == _TIMEOUT and _UNREACHED.search(answer.stderr)
    return answer.exit_code in _BROKEN and not unreached


def _not_asked(answer: Answer) -> bool:
    """Whether TLS failed only because nobody could say whether a certificate was revoked."""
    return answer.exit_code == _TLS and any(number in answer.stderr for number in _NO_REVOCATION)


def _curl(
    runner: Runner, url: str, path: str, deadline: float, *, resume: bool = True, revocation: bool = True
) -> Answer:
    flags = ["fail", "silent", "show-error", "location", *(() if revocation else ("ssl-no-revoke",))]
    values = {
        "retry": "4",
        "retry-delay": "2",
        "max-time": str(int(deadline)),
        **({"continue-at": "-"} if resume else {}),
    }
    if url == _without_secrets(url):
        words = [*(f"--{name}" for name in flags), *(f"--{name} {value}" for name, value in values.items())]
        command = f"curl.exe {' '.join(words)} --output {quoting.path(path)} {quoting.argument(url)}"
        return _ended(runner, command, None, deadline)
    # A user or a query may be a token, and command lines can be listed: then the address comes by standard input.
    lines = [*flags, *(f"{name} = {value}" for name, value in values.items())]
    lines += [f"output = {_in_config(path)}", f"url = {_in_config(url)}"]
    config = "".join(f"{line}\n" for line in lines).encode("utf-8")
    return _ended(runner, "curl.exe --config -", config, deadline)


def _ended(runner: Runner, command: str, stdin: bytes | None, deadline: float) -> Answer:
    """curl's own limit is for each of its attempts. One that takes longer is a failure of this way, and not of the others."""
    try:
        return runner.run(command, stdin=stdin, deadline=deadline + 30.0)
    except DeadlineError as error:
        raise DeliveryError(
            f"The host did not pull the package within {deadline:g} s", "curl.exe", *_CURL[_TIMEOUT]
        ) from error


def _in_config(text: str) -> str:
    if any(sign in text for sign in "\r\n\0"):
        raise OptionError("url holds a line break", "url", "curl would read it as two lines", "Correct url")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _without_secrets(url: str) -> str:
    """The address without what may be a token: no user, no query."""
    return re.sub(r"//[^/@]*@", "//", url).partition("?")[0]


def _hidden(text: str, url: str) -> str:
    return text.replace(url, _without_secrets(url))
