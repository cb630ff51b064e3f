"""The grammar of cmd.exe's command lines: what is between a line and the commands in it.

`%NAME%` is replaced first (undefined ones stay); then quotation marks and `^` decide what `& | < > ( )` mean. Precedence: `&`, `||`,
`&&`, `|`. The bodies of `if` and `for` reach to the end of the line or block.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

SPACES = " \t,;="


class SyntaxFault(Exception):
    """What cmd.exe would not take."""


@dataclass
class Redirect:
    """`kind` is <, > or >>; `handle` 0, 1 or 2; target a file name or &N."""

    kind: str
    handle: int
    target: str


@dataclass
class Node:
    """One piece: `simple` (text), `block`, `&`, `&&`, `||`, `|`, `if`, `for`."""

    kind: str
    text: str = ""
    parts: list[Node] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


class Parser:
    """Reads one line whose variables were replaced."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def whole(self) -> Node:
        """The whole line. Raises SyntaxFault when something is left."""
        node = self.sequence(0)
        if self.at < len(self.text):
            raise SyntaxFault(f"{self.text[self.at :]} was unexpected at this time.")
        return node

    def sequence(self, level: int) -> Node:
        """Commands with operators of that level or tighter."""
        operators = ("&", "||", "&&", "|")
        if level == len(operators):
            return self.command()
        left = self.sequence(level + 1)
        while self._operator(operators[level]):
            self._skip()
            if operators[level] == "&" and (self.at >= len(self.text) or self.text[self.at] == ")"):
                break
            left = Node(operators[level], parts=[left, self.sequence(level + 1)])
        return left

    def _operator(self, operator: str) -> bool:
        self._skip()
        rest = self.text[self.at :]
        if not rest.startswith(operator) or (len(operator) == 1 and rest[1:2] == operator):
            return False
        self.at += len(operator)
        return True

    def _skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in SPACES:
            self.at += 1

    def command(self) -> Node:
        """One command, with `@` in front or not."""
        self._skip()
        while self.text[self.at : self.at + 1] == "@":
            self.at += 1
            self._skip()
        if self.text[self.at : self.at + 1] == "(":
            self.at += 1
            node = Node("block", parts=[self.sequence(0)])
            self._skip()
            if self.text[self.at : self.at + 1] != ")":
                raise SyntaxFault("A block has no end.")
            self.at += 1
            while redirect := self._redirect():
                node.redirects.append(redirect)
            return node
        word = re.match(r"(if|for)(?=[\s(])", self.text[self.at :], re.IGNORECASE)
        if word:
            self.at += len(word[1])
            return self._if() if word[1].lower() == "if" else self._for()
        return self._simple()

    def _if(self) -> Node:
        words = []
        word = self.word()
        while word.lower() in ("not", "/i"):
            words.append(word.lower())
            word = self.word()
        words.append(word)
        if word.lower() in ("exist", "errorlevel", "defined"):
            words.append(self.word())
        elif "==" not in word:
            self._skip_blank()
            if self.text.startswith("==", self.at):
                self.at += 2
                words += ["==", self.word()]
            else:
                words += [self.word().lower(), self.word()]
        else:
            left, right = words.pop().split("==", 1)
            words += [left, "==", right or self.word()]
        node = Node("if", words=words, parts=[self.sequence(0)])
        self._skip()
        if re.match(r"else(?=[\s(])", self.text[self.at :], re.IGNORECASE):
            self.at += 4
            node.parts.append(self.sequence(0))
        return node

    def _for(self) -> Node:
        words = []
        word = self.word()
        if word.lower() in ("/f", "/d", "/l", "/r"):
            words.append(word.lower())
            word = self.word()
            if not word.startswith("%"):
                words.append(word)
                word = self.word()
        words.append(word)
        if self.word().lower() != "in":
            raise SyntaxFault("for without in")
        self._skip()
        if self.text[self.at : self.at + 1] != "(":
            raise SyntaxFault("for without (")
        self.at += 1
        inside = self._until_close()
        if self.word().lower() != "do":
            raise SyntaxFault("for without do")
        return Node("for", text=inside, words=words, parts=[self.sequence(0)])

    def _until_close(self) -> str:
        text, quoted, depth = "", False, 0
        while self.at < len(self.text):
            sign = self.text[self.at]
            self.at += 1
            if sign == "^" and not quoted:
                text += self.text[self.at : self.at + 1]
                self.at += 1
                continue
            quoted ^= sign == '"'
            if not quoted and sign == "(":
                depth += 1
            if not quoted and sign == ")":
                if not depth:
                    return text.strip()
                depth -= 1
            text += sign
        raise SyntaxFault("for without )")

    def _skip_blank(self) -> None:
        while self.text[self.at : self.at + 1] in (" ", "\t") and self.at < len(self.text):
            self.at += 1

    def word(self) -> str:
        """The next word, with its quotation marks."""
        self._skip_blank()
        start, quoted, text = self.at, False, ""
        while self.at < len(self.text):
            sign = self.text[self.at]
            if not quoted and sign == "^":
                text += self.text[self.at + 1 : self.at + 2]
                self.at += 2
                continue
            if not quoted and sign in " \t&|<>()":
                break
            quoted ^= sign == '"'
            text += sign
            self.at += 1
        if self.at == start:
            raise SyntaxFault(f"{self.text[self.at : self.at + 1]} was unexpected at this time.")
        return text

    def _redirect(self) -> Redirect | None:
        found = re.match(r"[ \t]*([0-9]?)(>>|>|<)[ \t]*", self.text[self.at :])
        if not found:
            return None
        self.at += found.end()
        if self.text[self.at : self.at + 1] == "&":
            target = self.text[self.at : self.at + 2]
            self.at += 2
        else:
            target = self.word().strip('"')
        return Redirect(found[2], int(found[1] or (0 if found[2] == "<" else 1)), target)

    def _simple(self) -> Node:
        text, quoted = "", False
        node = Node("simple")
        while self.at < len(self.text):
            sign = self.text[self.at]
            if sign == "^" and not quoted:
                text += self.text[self.at + 1 : self.at + 2]
                self.at += 2
                continue
            if not quoted:
                if sign in "&|)":
                    break
                digit = (
                    sign.isdigit()
                    and (not text or text[-1] in SPACES)
                    and self.text[self.at + 1 : self.at + 2] in ("<", ">")
                )
                if sign in "<>" or digit:
                    node.redirects.append(self._redirect())
                    continue
            quoted ^= sign == '"'
            text += sign
            self.at += 1
        node.text = text
        if not text.strip() and not node.redirects:
            raise SyntaxFault("A command is missing.")
        return node


def expand(text: str, variables: dict[str, str]) -> str:
    """%NAME% where there is such a variable (names in upper case); everything else stays."""
    return re.sub(r"%([^%=:]+)%", lambda found: variables.get(found[1].upper(), found[0]), text)


def split(text: str) -> list[str]:
    """Arguments as Microsoft's C runtime splits them."""
    words: list[str] = []
    current: str | None = None
    quoted, index = False, 0
    while index < len(text):
        sign = text[index]
        if sign == "\\":
            slashes = len(text) - index - len(text[index:].lstrip("\\"))
            index += slashes
            follows = text[index : index + 1] == '"'
            current = (current or "") + "\\" * (slashes // 2 if follows else slashes)
            if follows and slashes % 2:
                current += '"'
                index += 1
            continue
        if sign == '"':
            quoted = not quoted
            current = current or ""
        elif sign in " \t" and not quoted:
            if current is not None:
                words.append(current)
            current = None
        else:
            current = (current or "") + sign
        index += 1
    return words + ([current] if current is not None else [])
