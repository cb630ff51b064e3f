"""Runs what language.py has read: redirections, `if`, `for`, the commands of cmd.exe itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import programs
from .language import Node, Parser, SyntaxFault, expand, split

if TYPE_CHECKING:
    from .desktop import Desktop

UNKNOWN = 9009


class Exited(Exception):
    """`exit` with its code."""


@dataclass
class Streams:
    """Standard input (a buffer that commands share), output and error."""

    stdin: bytes = b""
    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)

    def write(self, text: str) -> None:
        """Standard output, in UTF-8: code page 65001."""
        self.out += text.encode("utf-8", "surrogatepass")

    def error(self, text: str) -> None:
        """Standard error."""
        self.err += text.encode("utf-8", "surrogatepass")


class Interpreter:
    """One cmd.exe."""

    def __init__(self, desktop: Desktop, variables: dict[str, str], directory: str) -> None:
        self.desktop = desktop
        self.variables = variables
        self.directory = directory
        self.code = 0
        self.loops: dict[str, str] = {}

    def line(self, text: str, streams: Streams) -> int:
        """A line as `cmd /c` gets it; the exit code."""
        text = text.strip()
        # cmd's rule: a line that begins with a quotation mark loses it and the last one, unless it is one quoted program.
        if text.startswith('"') and not (text.count('"') == 2 and text.endswith(('"', '.exe"')) and " " in text):
            head, _mark, tail = text[1:].rpartition('"')
            text = head + tail
        try:
            self.run(Parser(expand(text, self._variables())).whole(), streams)
        except SyntaxFault as fault:
            streams.error(f"{fault}\r\n")
            self.code = 255
        except Exited as ended:
            self.code = ended.args[0]
        return self.code

    def _variables(self) -> dict[str, str]:
        code = self.code if self.code < 1 << 31 else self.code - (1 << 32)
        return self.variables | {"ERRORLEVEL": str(code), "CD": self.directory}

    def absolute(self, path: str) -> str:
        """A path from here."""
        return self.desktop.absolute(path, self.directory)

    def run(self, node: Node, streams: Streams) -> int:
        """Run a node; its code decides about && and ||."""
        if not node.redirects:
            return self._run(node, streams)
        inner = Streams(streams.stdin)
        for redirect in node.redirects:
            if redirect.kind == "<":
                content = (
                    b""
                    if redirect.target.lower() == "nul"
                    else self.desktop.files.read(self.absolute(self._loop(redirect.target)))
                )
                if content is None:
                    streams.error("The system cannot find the file specified.\r\n")
                    self.code = 1
                    return 1
                inner.stdin = content
        code = self._run(node, inner)
        targets = {1: "", 2: ""}
        for redirect in node.redirects:
            if redirect.kind != "<":
                targets[redirect.handle] = redirect.target
                if not redirect.target.startswith("&") and not self._send(
                    redirect.kind, redirect.target, redirect.handle, inner
                ):
                    streams.error("The system cannot find the path specified.\r\n")
                    self.code = code = 1
        for handle, data in ((1, inner.out), (2, inner.err)):
            if targets[handle] in ("", f"&{handle}"):
                (streams.out if handle == 1 else streams.err).extend(data)
            elif targets[handle] in ("&1", "&2") and not targets[int(targets[handle][1])]:
                (streams.out if targets[handle] == "&1" else streams.err).extend(data)
        if not any(redirect.kind == "<" for redirect in node.redirects):
            streams.stdin = inner.stdin
        return code

    def _send(self, kind: str, target: str, handle: int, inner: Streams) -> bool:
        if target.lower() == "nul":
            return True
        path = self.absolute(self._loop(target))
        data = bytes(inner.out if handle == 1 else inner.err)
        before = (self.desktop.files.read(path) or b"") if kind == ">>" else b""
        return self.desktop.files.write(path, before + data)

    def _run(self, node: Node, streams: Streams) -> int:
        if node.kind == "simple":
            return self._simple(self._loop(node.text).strip(" \t"), self._loop(node.text), streams)
        if node.kind == "block":
            return self.run(node.parts[0], streams)
        if node.kind == "&":
            self.run(node.parts[0], streams)
            return self.run(node.parts[1], streams)
        if node.kind in ("&&", "||"):
            code = self.run(node.parts[0], streams)
            return self.run(node.parts[1], streams) if (code == 0) == (node.kind == "&&") else code
        if node.kind == "|":
            left, right = Streams(streams.stdin), Streams()
            self.run(node.parts[0], left)
            right.stdin = bytes(left.out)
            code = self.run(node.parts[1], right)
            streams.out += right.out
            streams.err += left.err + right.err
            return code
        if node.kind == "if":
            if self._condition([self._loop(word) for word in node.words]):
                return self.run(node.parts[0], streams)
            return self.run(node.parts[1], streams) if len(node.parts) > 1 else 0
        return self._for(node, streams)

    def _condition(self, words: list[str]) -> bool:
        negative = "not" in words[:2]
        fold = str.lower if "/i" in words[:2] else str
        words = [word for index, word in enumerate(words) if index > 1 or word not in ("not", "/i")]
        if words[0].lower() == "exist":
            result = self.desktop.files.exists(self.absolute(words[1]))
        elif words[0].lower() == "errorlevel":
            code = self.code if self.code < 1 << 31 else self.code - (1 << 32)
            result = code >= int(words[1])
        elif words[0].lower() == "defined":
            result = words[1].upper() in self.variables
        else:
            left, operator, right = words
            numbers = all(re.fullmatch(r"-?\d+", word) for word in (left, right)) and operator != "=="
            one, other = (int(left), int(right)) if numbers else (fold(left), fold(right))
            compare = {"==": one == other, "equ": one == other, "neq": one != other, "gtr": one > other}
            compare |= {"geq": one >= other, "lss": one < other, "leq": one <= other}
            result = compare[operator]
        return result != negative

    def _loop(self, text: str) -> str:
        if not self.loops or "%" not in text:
            return text
        letters = "".join(self.loops)
        return re.sub(rf"%(~[a-z]*)?([{letters}])", self._letter, text)

    def _letter(self, found: re.Match[str]) -> str:
        value, modifiers = self.loops[found[2]], found[1]
        if modifiers is None:
            return value
        value = value.strip('"')
        path = self.absolute(value)
        name = path.rpartition("\\")[2]
        if "z" in modifiers:
            content = self.desktop.files.read(path)
            return "" if content is None else str(len(content))
        if "f" in modifiers:
            return path
        stem, dot, suffix = name.rpartition(".")
        parts = ((stem if dot else name) if "n" in modifiers else "") + (
            dot + suffix if "x" in modifiers and dot else ""
        )
        return parts if set(modifiers) & {"n", "x"} else value

    def _for(self, node: Node, streams: Streams) -> int:
        option = node.words[0] if node.words[0].startswith("/") else ""
        letter = node.words[-1].lstrip("%")
        code = 0
        for value in self._values(option, node.words[1] if len(node.words) == 3 else "", self._loop(node.text)):
            kept = dict(self.loops)
            self.loops[letter] = value
            code = self.run(node.parts[0], streams)
            self.loops = kept
        return code

    def _values(self, option: str, how: str, inside: str) -> Iterator[str]:
        if option == "/l":
            first, step, last = (int(number) for number in inside.split(","))
            yield from map(str, range(first, last + (1 if step > 0 else -1), step))
        elif option == "/f":
            options = dict(re.findall(r"(tokens|delims)=(\S*)", how.strip('"')))
            if not inside.startswith("'"):
                raise SyntaxFault("for /f of files and texts is not modelled")
            inner = Streams()
            Interpreter(self.desktop, self.variables, self.directory).line(inside.strip("'"), inner)
            for text in inner.out.decode("utf-8", "replace").splitlines():
                if text.strip():
                    yield text if options.get("delims") == "" else text.split()[0]
        else:
            for word in re.findall(r'"[^"]*"|\S+', inside):
                if "*" not in word and "?" not in word:
                    yield word
                    continue
                found = self.desktop.files.matching(self.absolute(word.strip('"')))
                yield from (path for path in found if self.desktop.files.folder(path) == (option == "/d"))

    def _simple(self, text: str, whole: str, streams: Streams) -> int:
        if not text:
            return 0
        if re.match(r"echo([. (\t]|$)", text, re.IGNORECASE):
            streams.write(f"{whole.lstrip()[5:]}\r\n")
            return 0
        name = re.match(r'"[^"]*"|[^\s/"]+', text)
        program = (name[0] if name else text).strip('"')
        rest = text[name.end() :] if name else ""
        short = program.rpartition("\\")[2].lower().removesuffix(".exe")
        own = getattr(self, f"do_{short}", None)
        if own:
            code = own(rest.strip(), streams)
        elif short in programs.PROGRAMS:
            code = programs.PROGRAMS[short](self, split(rest), streams)
        else:
            streams.error(
                f"'{program}' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n"
            )
            code = UNKNOWN
        self.code = code & 0xFFFFFFFF
        return self.code

    # -- cmd.exe's own ------------------------------------------------------------------------------------------------

    def do_call(self, rest: str, streams: Streams) -> int:
        """The line is read a second time."""
        script = rest.strip('"')
        if script.lower().endswith((".cmd", ".bat")):
            return programs.batch(self, self.absolute(script), streams)
        before = self.code
        node = Parser(expand(rest, self._variables())).whole()
        return self.run(node, streams) if node.kind != "simple" or node.text else before

    def do_exit(self, rest: str, _streams: Streams) -> int:
        raise Exited(int(rest.removeprefix("/b").strip() or self.code))

    def do_ver(self, _rest: str, streams: Streams) -> int:
        streams.write("\r\nMicrosoft Windows [Version 10.0.19045.4291]\r\n")
        return 0

    def do_cd(self, rest: str, streams: Streams) -> int:
        words = re.findall(r'"[^"]*"|\S+', rest)
        words = [word for word in words if word.lower() != "/d"]
        if not words:
            streams.write(f"{self.directory}\r\n")
            return 0
        path = self.absolute(words[0])
        if not self.desktop.files.folder(path):
            streams.error("The system cannot find the path specified.\r\n")
            return 1
        self.directory = path.rstrip("\\") if len(path) > 3 else path
        return 0

    def do_mkdir(self, rest: str, streams: Streams) -> int:
        if self.desktop.files.make(self.absolute(rest)):
            return 0
        streams.error("A subdirectory or file already exists.\r\n")
        return 1

    do_md = do_mkdir

    def do_rd(self, rest: str, streams: Streams) -> int:
        words = [word for word in re.findall(r'"[^"]*"|\S+', rest) if not word.startswith("/")]
        if self.desktop.files.remove_folder(self.absolute(words[0]), "/s" in rest.lower().split()):
            return 0
        streams.error("The system cannot find the file specified.\r\n")
        return 2 if not self.desktop.files.exists(self.absolute(words[0])) else 145

    do_rmdir = do_rd

    def do_del(self, rest: str, streams: Streams) -> int:
        words = [word for word in re.findall(r'"[^"]*"|\S+', rest) if not word.startswith("/")]
        found = [self.desktop.files.remove(self.absolute(word)) for word in words]
        if not any(found):
            streams.error("Could Not Find\r\n")
        return 0

    def do_type(self, rest: str, streams: Streams) -> int:
        content = b"" if rest.lower() == "nul" else self.desktop.files.read(self.absolute(rest))
        if content is None:
            streams.error("The system cannot find the file specified.\r\n")
            return 1
        streams.out += content
        return 0

    def _two(self, rest: str) -> tuple[str, str]:
        words = [word for word in re.findall(r'"[^"]*"|\S+', rest) if not word.startswith("/")]
        return self.absolute(words[0]), self.absolute(words[1])

    def do_copy(self, rest: str, streams: Streams) -> int:
        source, target = self._two(rest)
        content = self.desktop.files.read(source)
        if content is None or not self.desktop.files.write(target, content):
            streams.error("The system cannot find the file specified.\r\n")
            return 1
        streams.write("        1 file(s) copied.\r\n")
        return 0

    def do_move(self, rest: str, streams: Streams) -> int:
        source, target = self._two(rest)
        content = self.desktop.files.read(source)
        if content is None or not self.desktop.files.write(target, content):
            streams.error("The system cannot find the file specified.\r\n")
            return 1
        self.desktop.files.remove(source)
        streams.write("        1 file(s) moved.\r\n")
        return 0

    def do_chcp(self, _rest: str, streams: Streams) -> int:
        streams.write("Active code page: 65001\r\n")
        return 0

    def do_dir(self, rest: str, streams: Streams) -> int:
        words = re.findall(r'"[^"]*"|\S+', rest)
        switches = {word.lower() for word in words if word.startswith("/")}
        if "/b" in switches:
            path = self.absolute(next((word for word in words if not word.startswith("/")), self.directory))
            found = self.desktop.files.matching(f"{path}\\*")
            wanted = [one for one in found if ("/ad" not in switches) or self.desktop.files.folder(one)]
            wanted = [one for one in wanted if ("/a-d" not in switches) or not self.desktop.files.folder(one)]
            if not wanted:
                streams.error("File Not Found\r\n")
                return 1
            streams.write("".join(one.rpartition("\\")[2] + "\r\n" for one in wanted))
            return 0
        streams.write("               2 Dir(s)  107,374,182,400 bytes free\r\n")
        return 0

    def do_set(self, rest: str, streams: Streams) -> int:
        name, equals, value = rest.strip('"').partition("=")
        if not equals or name.startswith("/"):
            streams.error("Environment variable not defined\r\n")
            return 1
        self.variables[name.upper()] = value
        return 0
