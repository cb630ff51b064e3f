# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

r"""The comparison of versions in a user's own batch file, so that it says what :mod:`.._packages.versions` says on the controller.

cmd.exe has numbers of 32 bits and no words of a suffix. It compares texts: both versions become texts that sort as versions do.

    000…02.000…01.000…00.….6            2.1.0     numbers of one width, then the end
    000…02.000…01.000…00.….3.7000…03.6  2.1-beta.3

No line takes a part of a variable that may not be set: of ``%NAME:~0,1%`` cmd.exe then removes ``%NAME:`` alone, and that before it looks
at an ``if defined`` in front (Wine removes the whole).

Each piece of a suffix begins with a sign for its rank: 1 to 5 words for something before a release, 6 the end, 7 a number, 8 any
other word.
"""

from __future__ import annotations

import re

from .._packages import versions
from .command_lines import for_batch, quoted
from .errors import OptionError
from .wanted import MSI, Wanted

FIELDS, WIDTH = 6, 20
"""How many numbers a version has at most, and how many digits each of them."""

_END = 6
_ZEROS = "0" * WIDTH
_DIGITS = "0123456789"
# A blank has to be the last, and a quotation mark has become another sign before.
_MARKS = "!#$%%&'()*+,-./:<=>?@[\\]^_`{|}~ "

_EQUAL = r"""if "%opc_version%"=="{version}" set opc_same=1"""

_PLAIN = r"""if not defined opc_version exit /b 0
rem A line that begins with a semicolon is none to for /f.
set "opc_version=%opc_version:"=_%"
set "opc_version=%opc_version:;=_%"
{equal}
if defined opc_same exit /b 0
set "opc_rest=%opc_version:,=.%"
if /i "%opc_rest:~0,1%"=="v" set "opc_rest=%opc_rest:~1%"
if not defined opc_rest exit /b 0
if "%opc_rest:~0,1%"=="." set "opc_rest=%opc_rest:~1%"
if not defined opc_rest exit /b 0
if "%opc_rest:~0,1%"==" " set "opc_rest=%opc_rest:~1%"
if not defined opc_rest exit /b 0
for /f "delims={digits}" %%x in ("%opc_rest:~0,1%") do exit /b 0
for /f "delims=+" %%x in ("%opc_rest%") do set "opc_rest=%%x"
set "opc_rest=%opc_rest: .=.%"
set "opc_rest=%opc_rest:. =.%"
set opc_tail=
for /f "tokens=* delims={digits}." %%x in ("%opc_rest%") do set "opc_tail=%%x"
if not defined opc_tail goto fields
for /f "delims=%opc_tail:~0,1%" %%x in ("%opc_rest%") do set "opc_rest=%%x"
:fields
for %%n in ({letters}) do set opc_%%n=
for /f "tokens=1-{fields} delims=." %%a in ("%opc_rest%") do ({pieces})
set "opc_sum={sums}"
"""

_SUFFIX = r""":piece
set opc_next=
if defined opc_tail for /f "tokens=* delims={marks}" %%x in ("%opc_tail%") do set "opc_next=%%x"
:word
if not defined opc_next goto summed
set opc_tail=
for /f "delims={digits}" %%x in ("%opc_next:~0,1%") do set opc_tail=1
if defined opc_tail goto letters
for /f "tokens=* delims={digits}" %%x in ("%opc_next%") do set "opc_tail=%%x"
if not defined opc_tail goto number
for /f "delims=%opc_tail:~0,1%" %%x in ("%opc_next%") do set "opc_next=%%x"
:number
set "opc_next={zeros}%opc_next%"
set "opc_sum=%opc_sum%.7%opc_next:~-{width}%"
goto piece
:letters
for /f "delims={digits}{marks}" %%x in ("%opc_next%") do set "opc_word=%%x"
call set "opc_tail=%%opc_next:*%opc_word%=%%"
set opc_next=
if defined opc_tail for /f "tokens=* delims={marks}" %%x in ("%opc_tail%") do set "opc_next=%%x"
set opc_number=
if not defined opc_next goto rank
set opc_number=1
for /f "delims={digits}" %%x in ("%opc_next:~0,1%") do set opc_number=
:rank
set "opc_rank=8%opc_word%"
{ranks}set "opc_sum=%opc_sum%.%opc_rank%"
goto word
:summed
set "opc_sum=%opc_sum%.{end}"
"""

_RESULT = r"""if /i "%opc_sum%"=="{padded}" set opc_same=1
if /i "%opc_sum%" gtr "{padded}" set opc_newer=1"""


def check(wanted: Wanted) -> None:
    """Raises OptionError for a version that a user's batch file could not compare with what he has."""
    if wanted.state == "absent":
        return
    try:
        numbers, suffix = versions.key(wanted.version)
    except ValueError:
        return  # compared as a text, here and there
    numbers = _numbers(wanted) or numbers
    suffix = [] if wanted.kind == MSI else suffix
    sizes = [len(str(number)) for number in [*numbers, *(number for _rank, number, _word in suffix)]]
    odd = "" if wanted.kind == MSI else re.sub(r"[\x20-\x7e]|[^\W\d_]", "", wanted.version.partition("+")[0])
    if '"' in wanted.version or odd or len(numbers) > FIELDS or max(sizes, default=0) > WIDTH:
        raise OptionError(
            f"The version {wanted.version!r} cannot be compared in a session of a user",
            "version",
            f"With scope=user a batch file compares: up to {FIELDS} numbers with up to {WIDTH} digits each, and behind them "
            "letters, digits and signs of ASCII without a quotation mark",
            "Give the version as the client registers it",
        )


def weigh(wanted: Wanted) -> str:
    """The lines that set opc_same or opc_newer by %opc_version%. They may use everything named opc_ that is not used elsewhere."""
    if wanted.state == "absent" or not wanted.version:
        return "set opc_same=1"
    check(wanted)
    equal = _EQUAL.format(version=for_batch(quoted(wanted.version.replace(";", "_")))[1:-1])
    try:
        padded = _padded(wanted)
    except ValueError:
        return _EQUAL.format(version=for_batch(quoted(wanted.version))[1:-1])
    fields = 3 if wanted.kind == MSI else FIELDS
    letters = "abcdef"[:fields]
    text = _PLAIN.format(
        equal=equal,
        digits=_DIGITS,
        fields=fields,
        letters=" ".join(letters),
        pieces="& ".join(f'set "opc_{letter}={_ZEROS}%%{letter}"' for letter in letters),
        sums=".".join(f"%opc_{letter}:~-{WIDTH}%" for letter in letters),
    )
    if wanted.kind != MSI:
        text += _SUFFIX.format(digits=_DIGITS, marks=_MARKS, zeros=_ZEROS, width=WIDTH, ranks=_ranks(), end=_END)
    return text + _RESULT.format(padded=padded)


def _numbers(wanted: Wanted) -> list[int]:
    return list(versions.msi_fields(wanted.version)) if wanted.kind == MSI else versions.key(wanted.version)[0]


def _padded(wanted: Wanted) -> str:
    """The version as the batch file has it in opc_sum."""
    if wanted.kind == MSI:
        return ".".join(str(number).zfill(WIDTH) for number in _numbers(wanted))
    numbers, suffix = versions.key(wanted.version)
    parts = [str(number).zfill(WIDTH) for number in [*numbers, *[0] * FIELDS][:FIELDS]]
    for rank, number, word in suffix:
        sign = str(rank + _END + (rank < 0) * 2)
        parts.append(f"{sign}{str(number).zfill(WIDTH)}" if rank == 1 else f"{sign}{word}")
    return ".".join(parts)


def _ranks() -> str:
    """Which words come before a release; single letters do with a number behind them only."""
    lines = []
    for word, rank in versions.BEFORE.items():
        condition = "if defined opc_number " if word in versions.SHORT else ""
        lines.append(f'{condition}if /i "%opc_word%"=="{word}" set opc_rank={rank + _END + 2}\n')
    return "".join(lines)
