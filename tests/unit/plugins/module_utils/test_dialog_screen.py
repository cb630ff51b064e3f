# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The terminal of installer_dialog against pyte, and what pyte does not do."""

from __future__ import annotations

import random

import pyte
import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dialog.escape import LONGEST, Parser
from ansible_collections.onprem.chat.plugins.module_utils._dialog.screen import Screen
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dialog_workshop import cut

COLUMNS, ROWS = 20, 8


def token(dice: random.Random) -> str:
    """Something that a program writes, as far as pyte does the same as xterm."""
    number = dice.choice(("", "0", "1", "2", "3", "7", "99"))
    other = dice.choice(("1", "4", "8", "25"))
    return dice.choice(
        (
            "".join(dice.choice("abc XYZ:") for _letter in range(dice.randint(1, 25))),
            "".join(dice.choice("жщЫ éß") for _letter in range(dice.randint(1, 9))),
            "\r\n",
            "\r",
            "\n",
            "\x08",
            "\t",
            "\x00\x07",
            f"\x1b[{number}A",
            f"\x1b[{number}B",
            f"\x1b[{number}C",
            f"\x1b[{number}D",
            f"\x1b[{number}E",
            f"\x1b[{number}F",
            f"\x1b[{number}G",
            f"\x1b[{number}d",
            f"\x1b[{number};{other}H",
            f"\x1b[{dice.choice(('', '0', '1', '2'))}J",
            f"\x1b[{dice.choice(('', '0', '1', '2'))}K",
            f"\x1b[{number}X",
            f"\x1b[{number}P",
            f"\x1b[{number}@",
            f"\x1b[{number}L",
            f"\x1b[{number}M",
            "\x1bM",
            "\x1bD",
            "\x1b7",
            f"\x1b[{number};1;31m",
            "\x1b[?25l",
            "\x1b]0;a title\x07",
            "\x1b]2;another\x1b\\",
            "\x1b(B",
        )
    )


@pytest.mark.parametrize("seed", range(300))
def test_same_picture_as_pyte(seed):
    dice = random.Random(seed)  # noqa: S311
    screen, other = Screen(COLUMNS, ROWS), pyte.Screen(COLUMNS, ROWS)
    stream = pyte.Stream(other)
    for _step in range(60):
        piece = token(dice)
        if screen.x == COLUMNS and not piece[0].isprintable():
            # Where the cursor is when it waits behind the last column: pyte moves it otherwise than xterm.
            screen.feed("\r")
            stream.feed("\r")
        for part in cut(piece, seed):
            screen.feed(part)
        stream.feed(piece)
        mine = ["".join(row.cells)[:COLUMNS].rstrip() for row in screen.rows]
        assert mine == [line.rstrip() for line in other.display], repr(piece)
        assert (min(screen.x, COLUMNS), screen.y) == (other.cursor.x, other.cursor.y), repr(piece)


@pytest.mark.parametrize("seed", range(150))
def test_any_bytes_are_drawn_without_an_error(seed):
    """Whatever comes, in whatever pieces: the same picture, bounded memory, no exception."""
    dice = random.Random(seed)  # noqa: S311
    noise = bytes(dice.choice((0x1B, 0x5B, 0x5D, 0x50, 0x9B, 0x3B, 0x30, dice.randrange(256))) for _byte in range(3000))
    text = noise.decode("utf-8", "replace") + noise.decode("latin-1")
    whole, pieces = Screen(COLUMNS, ROWS), Screen(COLUMNS, ROWS)
    whole.feed(text)
    for part in cut(text, seed):
        pieces.feed(part)
    assert len(whole.rows) == len(pieces.rows) == ROWS
    assert whole.lines() == pieces.lines()
    assert all(len(row.cells) <= COLUMNS for row in whole.rows)
    assert len(pieces.parser._rest) <= LONGEST


@pytest.mark.parametrize("start", ["\x1b]0;", "\x1bP", "\x1b_", "\x1b^", "\x9d", "\x1b["])
def test_a_sequence_without_an_end_swallows_nothing_for_ever(start):
    screen = Screen(80, 24)
    for _piece in range(100):
        screen.feed((start if _piece == 0 else "") + "1" * 100)
    screen.feed("\r\nLicense key: ")
    assert screen.before_cursor().endswith("\nLicense key: ")
    assert not screen.parser.unfinished


def test_tokens():
    assert list(Parser().feed("a\x1b[1;31mb\x1b]0;t\x07\r\x1b7\x1b(0c")) == [
        ("text", "a"),
        ("csi", "1;31m"),
        ("text", "b"),
        ("control", "\r"),
        ("esc", "7"),
        ("esc", "(0"),
        ("text", "c"),
    ]


def lines_of(text: str, columns: int = 80, rows: int = 24, seed: int | None = None) -> list[str]:
    said: list[str] = []
    screen = Screen(columns, rows, lambda line, shown: said.append(line))
    for part in [text] if seed is None else cut(text, seed):
        screen.feed(part)
    screen.finish()
    return [line for line in said if line]


@pytest.mark.parametrize("seed", range(100))
def test_every_line_is_handed_out_once_and_in_order(seed):
    dice = random.Random(seed)  # noqa: S311
    lines = [
        "".join(dice.choice("abc ж") for _letter in range(dice.randint(1, 150))).strip() or "x" for _line in range(80)
    ]
    lines = [f"{number}:{line}" for number, line in enumerate(lines)]
    assert lines_of("\r\n".join(lines), columns=40, rows=6, seed=seed) == lines


def test_lines_that_are_redrawn_are_handed_out_as_they_end():
    assert lines_of("10 %\r20 %\r100 %\r\nok\r\n") == ["100 %", "ok"]
    # Progress of several lines, drawn anew from the first one.
    assert lines_of("a 1\r\nb 1\r\n\x1b[2A" + "a 1\r\nb 2\r\n") == ["a 1", "b 1", "b 2"]


def test_what_is_cleared_or_left_was_said():
    assert lines_of("\x1b[2J\x1b[3;5HToken: abc\x1b[2J\x1b[Hnext") == ["    Token: abc", "next"]
    assert lines_of("main\r\n\x1b[?1049h\x1b[2;2Hinside\x1b[?1049lback") == ["main", " inside", "back"]


def test_apt_like_progress_in_a_scroll_region():
    screen = Screen(20, 5)
    screen.feed("\x1b7\x1b[1;4r\x1b8\x1b[1A" + "".join(f"line {number}\r\n" for number in range(9)))
    screen.feed("\x1b7\x1b[5;1HProgress\x1b8")
    assert [text for text, _shown in screen.lines()] == ["line 6", "line 7", "line 8", "", "Progress"]


def test_a_wrapped_prompt_is_one_line():
    screen = Screen(20, 5)
    screen.feed("x\r\n" * 9 + "Please enter the license key of your company: ")
    assert screen.before_cursor().splitlines()[-1] == "Please enter the license key of your company: "
    # And still when it was drawn anew from its first row.
    screen.feed("\x1b[2A\rPlease enter the license key of your company? ")
    assert screen.before_cursor().splitlines()[-1] == "Please enter the license key of your company? "


@pytest.mark.parametrize(
    ("drawn", "left"),
    [
        ("TOKEN: " + "k" * 30 + "\r\n1\r\n2\r\n3\r\n4\r\n5", ["1", "2", "3", "4", "5"]),
        ("\x1b[2;6r\x1b[2;1HTOKEN: " + "k" * 30 + "\r\n1\r\n2\r\n3\r\n4", ["", "1", "2", "3", "4"]),
        ("head\r\nTOKEN: " + "k" * 60 + "\r\n1\x1b[2;1H\x1b[M", ["head", "1"]),
        ("head\r\nTOKEN: " + "k" * 30 + "\r\n1\x1b[2;1H\x1b[2K", ["head", "", "1"]),
        ("head\r\nTOKEN: " + "k" * 30 + "\r\n1\x1b[2;5H\x1b[1J\x1b[2K", ["", "", "1"]),
        ("TOKEN: " + "k" * 30 + "\r\n1\x1b[1;1H\x1b[K", ["", "1"]),
        ("TOKEN: " + "k" * 30 + "\r\n1\x1b[2;1H\x1b[1J", ["", " ********", "1"]),
        ("TOKEN: " + "k" * 30 + "\r\n1\x1b[2;1H\x1b[L", ["TOKEN: " + "k" * 13, "", "1"]),
        ("TOKEN: " + "k" * 30 + "\r\n1\x1b[2;6r\x1b[2;1H\x1bM", ["TOKEN: " + "k" * 13, "", "1"]),
    ],
    ids=["top", "region", "deleted", "erased", "both", "home", "above", "inserted", "reversed"],
)
def test_the_rest_of_a_line_without_its_beginning_is_left_out(drawn, left):
    """What is known by its beginning, like a token, would be shown."""
    said: list[str] = []
    screen = Screen(20, 6, lambda line, shown: said.append(shown))
    screen.feed(drawn)
    assert [shown for _text, shown in screen.lines()] == left
    screen.feed("\x1b[r\x1b[6;1H\r\n")
    screen.finish()
    assert len([line for line in said if "k" in line]) == 1, "no half of it is handed out once more"


@pytest.mark.parametrize("seed", range(10))
def test_what_is_drawn_over_such_a_rest_is_a_line_of_its_own(seed):
    rest = "x" * 20 + "y" * 20 + "z" * 7 + "\r\na\r\nb\r\nc\x1b[H"
    for drawn, text, shown in (
        ("TOKEN: abc\x1b[K", "TOKEN: abc", "TOKEN: abc"),
        ("TOKEN: abc", "TOKEN: abc", "TOKEN: abc********"),
        ("\x1b[2KTOKEN: abc", "TOKEN: abc", "TOKEN: abc"),
        ("\x1b[5CTOKEN: abc", "TOKEN: abc", "********TOKEN: abc********"),
        ("Error: " + "n" * 15 + "\x1b[K", "Error: " + "n" * 15, "Error: " + "n" * 15),
    ):
        screen = Screen(20, 5)
        for part in cut(rest + drawn, seed):
            screen.feed(part)
        assert screen.lines() == [(text, shown), *[(line, line) for line in "abc"]]


def test_wide_and_combining_characters():
    screen = Screen(10, 3)
    screen.feed("漢字e\u0301: ")
    assert (screen.x, screen.before_cursor()) == (7, "漢字e\u0301: ")
    screen.feed("漢漢")
    assert screen.lines()[0][0] == "漢字e\u0301: 漢漢"


def test_output_without_any_line_break_keeps_little_and_says_all():
    said: list[str] = []
    screen = Screen(80, 24, lambda line, shown: said.append(line))
    for number in range(300):
        screen.feed(f"<{number:05}>" + "y" * 1000)
    screen.feed("\x00Token: abc")
    screen.finish()
    assert max(map(len, said)) <= 9000
    text = "".join(said)
    assert all(f"<{number:05}>" in text for number in range(0, 300, 7))
    assert said[-1].endswith("Token: abc")


@pytest.mark.parametrize("seed", range(60))
def test_an_echo_is_known_as_typed(seed):
    dice = random.Random(seed)  # noqa: S311
    answer = "".join(dice.choice("abc:Жs3-") for _letter in range(dice.randint(1, 60)))
    screen = Screen(24, 6)
    screen.feed("Client ID: ")
    screen.typed(answer, secret=True)
    for part in cut(answer + "\r\nnext? ", seed):
        screen.feed(part)
    assert screen.before_cursor() == "\nnext? "
    assert [shown for _text, shown in screen.lines()] == ["Client ID: ********", "next?"]
    assert [text for text, _shown in screen.lines()] == ["Client ID:", "next?"]


def test_no_echo_is_not_invented():
    """After a hidden answer the next question may begin with the same letters."""
    screen = Screen(80, 24)
    screen.feed("Key: ")
    screen.typed("Client-4711", secret=True)
    screen.feed("Client")
    assert screen.echoing
    screen.feed(" ID: ")
    assert not screen.echoing
    assert screen.before_cursor() == "Client ID: "
    screen.typed("Client", secret=False, echo=False)
    screen.feed("Client ID: ")
    assert screen.before_cursor() == "Client ID: "


def test_asked_what_it_is():
    screen = Screen(80, 24)
    screen.feed("ab\x1b[6n\x1b[5n\x1b[c")
    assert screen.replies() == ["\x1b[1;3R", "\x1b[0n", "\x1b[?6c"]
    screen.feed("\x1b[6n" * 1000)
    assert len(screen.replies()) == 16
