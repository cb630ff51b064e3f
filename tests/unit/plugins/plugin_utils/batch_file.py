# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A little of cmd.exe for unit tests of what a batch file computes. A stand-in, by the documentation of set, if, for and call.

It knows set, if, for, for /f of texts and of programs, goto, call :label, call set, exit /b; no delayed expansion, no redirection, no
files. What else a line says is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_IF = r'if (?P<fold>/i )?(?P<no>not )?(?:defined (?P<name>\S+)|(?P<a>"[^"]*")(?P<op>==| gtr )(?P<b>"[^"]*")) (?P<do>.*)'
_FOR = r'for (?P<f>/f )?(?P<how>"[^"]*" )?%(?P<letter>\w) in \((?P<of>"[^"]*"|\'[^\']*\'|[^)]*)\) do (?P<do>.*)'


class _Goto(Exception):
    pass


class _Exit(Exception):
    pass


class Batch:
    """A batch file; ``says`` is what a program prints."""

    def __init__(self, text: str, says: Callable[[str], str] = lambda program: "") -> None:
        self.lines = text.replace("\r\n", "\n").split("\n")
        self.labels = {line[1:].split()[0].lower(): at for at, line in enumerate(self.lines) if line.startswith(":")}
        self.says = says
        self.variables: dict[str, str] = {}

    def run(self, label: str = "", **variables: str) -> dict[str, str]:
        """All variables after a call of this label, or after the whole."""
        self.variables |= {name.lower(): value for name, value in variables.items()}
        self._call(self.labels[label] + 1 if label else 0)
        return self.variables

    def _call(self, at: int) -> None:
        while at < len(self.lines):
            line = self.lines[at]
            at += 1
            if line.startswith(":") or not line.strip():
                continue
            try:
                self._do(self._expanded(line), {})
            except _Goto as jump:
                at = self.labels[str(jump).lower()] + 1
            except _Exit:
                return

    def _expanded(self, line: str) -> str:
        """Percent signs, once, before anything else: %%, %NAME%, %NAME:~n,m%, %NAME:a=b%.

        Of a name that is not set %NAME: goes, and what follows is read on, as Windows does it; Wine removes all of it. A sign without
        another one goes.
        """
        found, at = [], 0
        while at < len(line):
            sign, at = line[at], at + 1
            if sign != "%" or line[at : at + 1] == "%":
                found.append(sign)
                at += sign == "%"
                continue
            end = next((place for place in range(at, len(line)) if line[place] in "%:"), len(line))
            known = self.variables.get(line[at:end].lower(), "")
            if line[end : end + 1] == "%":
                found.append(known)
                at = end + 1
            elif line[end : end + 1] == ":" and not known:
                at = end + 1
            elif "%" in line[end:]:
                how, _percent, _rest = line[end + 1 :].partition("%")
                found.append(_part(known, how))
                at = end + len(how) + 2
        return "".join(found)

    def _do(self, line: str, loop: dict[str, str]) -> None:
        line = line.strip(" ")
        if line.startswith("("):
            for part in re.findall(r'(?:"[^"]*"|[^"&])+', line[1 : line.rindex(")")]):
                self._do(part, loop)
            return
        first = line.split(" ", 1)[0].lower()
        if first == "for":
            self._for(line, loop)
            return
        if first == "if":
            self._if(line, loop)
            return
        line = _filled(line, loop)
        if not line or first in ("rem", "@echo", "setlocal"):
            return
        if first == "set":
            name, equals, value = re.sub(r'^"(.*)"[^"]*$', r"\1", line[4:]).partition("=")
            assert equals, line
            self.variables[name.lower()] = value
        elif first == "goto":
            raise _Goto(line[5:].strip())
        elif line.lower().startswith("call set "):
            self._do(self._expanded(line[5:]), {})
        elif line.lower().startswith("call :"):
            self._call(self.labels[line[6:].split()[0].lower()] + 1)
        elif line.lower().startswith("exit /b"):
            raise _Exit
        else:
            raise AssertionError(f"the model does not know: {line}")

    def _if(self, line: str, loop: dict[str, str]) -> None:
        found = re.match(_IF, line)
        assert found, f"the model does not know: {line}"
        if found["name"]:
            true = bool(self.variables.get(found["name"].lower()))
        else:
            a, b = (_filled(found[side], loop) for side in "ab")
            a, b = (a.lower(), b.lower()) if found["fold"] else (a, b)
            true = a == b if found["op"] == "==" else a > b
        if true != bool(found["no"]):
            self._do(found["do"], loop)
        else:
            self._read(found["do"])

    def _read(self, line: str) -> None:
        """What is not done is read all the same, and what cannot be read ends the whole batch file."""
        first = line.strip(" ").split(" ", 1)[0].lower()
        pattern = {"for": _FOR, "if": _IF}.get(first)
        if pattern:
            found = re.match(pattern, line)
            assert found, f"the model does not know: {line}"
            self._read(found["do"])
        else:
            assert first.startswith("(") or first in ("set", "goto", "call", "exit"), f"the model does not know: {line}"

    def _for(self, line: str, loop: dict[str, str]) -> None:
        found = re.match(_FOR, line)
        assert found, f"the model does not know: {line}"
        if not found["f"]:
            for word in _filled(found["of"], loop).split():
                self._do(found["do"], {**loop, found["letter"]: word})
            return
        of = _filled(found["of"], loop)
        texts = [of[1:-1]] if of.startswith('"') else self.says(of[1:-1]).splitlines()
        for text in texts:
            for values in _tokens(text, (found["how"] or "").strip()[1:-1]):
                letters = {chr(ord(found["letter"]) + at): value for at, value in enumerate(values)}
                self._do(found["do"], {**loop, **letters})


def _part(known: str, how: str) -> str:
    """Of a variable's value: ~start,count or old=new."""
    if how.startswith("~"):
        start, _comma, count = how[1:].partition(",")
        rest = known[int(start) :]
        return rest[: int(count)] if count else rest
    old, _equals, new = how.partition("=")
    if old.startswith("*"):
        hit = known.lower().find(old[1:].lower())
        return known if hit < 0 else new + known[hit + len(old) - 1 :]
    return re.sub(re.escape(old), lambda _match: new, known, flags=re.IGNORECASE)


def _filled(text: str, loop: dict[str, str]) -> str:
    for letter, value in loop.items():
        text = text.replace(f"%~{letter}", value.strip('"')).replace(f"%{letter}", value)
    return text


def _tokens(line: str, how: str) -> Iterator[list[str]]:
    """The tokens of one line; nothing for a line without the first of them, or that begins with a semicolon."""
    delims = how.partition("delims=")[2] if "delims=" in how else " \t"
    wanted = (re.search(r"tokens=(\S+)", how.partition("delims=")[0]) or ["", "1"])[1]
    if line.startswith(";") or not line:
        return
    numbers: list[int] = []
    for part in wanted.rstrip("*").split(",") if wanted != "*" else []:
        first, _dash, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    found, rest = [], line.lstrip(delims)
    while rest and len(found) < max(numbers, default=0):
        end = next((at for at, sign in enumerate(rest) if sign in delims), len(rest))
        found.append(rest[:end])
        rest = rest[end:].lstrip(delims)
    values = [found[number - 1] if number <= len(found) else "" for number in numbers]
    if wanted.endswith("*"):
        values.append(rest)
    if values and values[0]:
        yield values
