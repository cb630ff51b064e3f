# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The dialogue of installer_dialog without a process: hostile output in any pieces gives the same answers and values."""

from __future__ import annotations

import random

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dialog.dialogue import PATIENCE, Outcome
from ansible_collections.onprem.chat.plugins.module_utils._dialog.errors import InputError, PatternError
from ansible_collections.onprem.chat.plugins.module_utils._dialog.mask import MASK, Mask
from ansible_collections.onprem.chat.plugins.module_utils._dialog.match import compiled, limited, stands_at_end
from ansible_collections.onprem.chat.plugins.module_utils._dialog.waiting import BUSY, POLLING, UNKNOWN, WAITING
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dialog_workshop import (
    CANARY,
    Talk,
    cut,
    known,
    prompt,
    secret,
    spec,
    value,
)

PROMPTS = [
    prompt("domain", r"(?i)chat domain name|имя домена", "corp.test"),
    secret("key", r"(?i)licen[cs]e key|лицензионный ключ"),
    prompt("id", "Client ID:", "4711"),
    secret("secret", "Client secret:", "ShHh-2"),
]
VALUES = [
    value("token", r"Integrational token:\s+(\S+)$"),
    value("id", r"^Client ID:\s+(\S+)$", secret=False),
]


@pytest.mark.parametrize(
    ("pattern", "text", "stands"),
    [
        ("License key:", "License key: ", True),
        ("License key", "License key (>): ", True),
        ("License key", "\nLicense key: ", True),
        ("License key", "License key: abc", False),
        ("License key", "License key:\n", False),
        ("License key:", "License key:\n\n  ", False),
        (r"License key:\n", "License key:\n", True),
        (r"License key:\s*$", "License key:\n", False),
        (r"License key:\s*$", "License key:  ", True),
        ("License key", "License key [XXXX-XXXX]: ", False),
        (r"License key.*:", "License key [XXXX-XXXX]: ", True),
        (r"License key.*?", "License key [XXXX-XXXX]: ", True),
        (r"Question\s+>", "Question\n > ", True),
        ("Key|Key of", "Key of", True),
        ("(?:Key|Key of):", "Key of:", True),
        ("^Key:", "No Key:", False),
        ("^Key:", "No\nKey:", True),
        ("Key: $", "Key: ", True),
        ("[0-9]*Key", "Key", True),
        ("Ключ", "Ключ: ", True),
    ],
)
def test_where_a_prompt_stands(pattern, text, stands):
    assert stands_at_end(compiled(pattern, "x"), text) is stands


def disguise(text: str, dice: random.Random, moves: bool) -> str:
    """The same text as a person sees it, written by somebody who does not want it to be read.

    moves: the cursor goes back as well, which at the end of a row would overwrite something on any terminal.
    """
    written = []
    for character in text:
        trick = dice.randrange(12) if moves else dice.choice((0, 1, 4, 6, 8))
        if trick == 0:
            written.append(f"\x1b[{dice.randrange(30, 48)}m{character}\x1b[0m")
        elif trick == 1:
            written.append(f"\x1b]0;{dice.choice(('License key:', 'Client ID: 1', 'x'))}\x07{character}")
        elif trick == 2:
            written.append(f"#\x08{character}")
        elif trick == 3:
            written.append(f"\x1b[s??\x1b[u\x1b[K{character}")
        elif trick == 4:
            written.append(f"\x00\x07{character}")
        elif trick == 5:
            written.append(f"{character}#\x1b[D \x1b[D")
        elif trick == 6:
            written.append(f"\x1b[?25l\x1b[?25h\x1b(B{character}")
        elif trick == 7:
            written.append(f"\x1b7\x1b[5;5H\x1b8{character}")
        else:
            written.append(character)
    return "".join(written)


def noise(dice: random.Random) -> str:
    """Output that means nothing, and asks nothing when it has ended."""
    return dice.choice(
        (
            "Downloading 1 of 9\r\n",
            "".join(f"\r{percent:3} %" for percent in range(0, 101, 10)) + "\r\n",
            "caf\ufffd \ufffd\ufffd\r\n",
            "License key: (shown below)\r\n",
            "Please have your license key: ready\r\n",
            "The Client ID: line comes next\r\n",
            "x" * 500 + "\r\n",
            "\x1b[2J\x1b[H",
            "\x1b[1;31mWarning:\x1b[0m nothing\r\n",
            "",
        )
    )


@pytest.mark.parametrize("seed", range(250))
def test_any_disguise_and_any_pieces(seed):
    """Four questions (one re-worded), each answered once; two values; no secret is shown."""
    dice = random.Random(seed)  # noqa: S311
    columns = dice.choice((24, 80, 200))
    talk = Talk(prompts=PROMPTS, values=VALUES, columns=columns, success="complete")

    def say(text: str) -> None:
        for piece in cut(text, dice.randrange(10**6)):
            talk.feed(piece)

    for name, question in (
        ("domain", dice.choice(("Chat domain name: ", "chat domain name? ", "Имя домена: "))),
        ("key", dice.choice(("Please enter the license key: ", "LICENCE KEY> ", "Лицензионный ключ: "))),
        ("id", "Client ID: "),
        ("secret", "Client secret: "),
    ):
        for _line in range(dice.randrange(4)):
            say(noise(dice))
            assert talk.tick() is None
        say(disguise(question, dice, columns > 50))
        hidden = name in ("key", "secret") and dice.random() < 0.5
        assert talk.asked(echo=not hidden) == name
        if hidden:
            say("\r\n")
        assert talk.tick() is None
    say(noise(dice) + disguise("Integrational token: t-0123456789", dice, columns > 50) + "\r\n" + noise(dice))
    say(disguise("Client ID: abc", dice, columns > 50) + "\r\nInstallation complete\r\n")
    outcome = talk.dialogue.ended(0, None)
    assert outcome.good, outcome
    assert talk.dialogue.answered == ["domain", "key", "id", "secret"]
    assert talk.values == {"token": "t-0123456789", "id": "abc"}
    shown = "\n".join(talk.said + talk.dialogue.last_screen())
    for hidden_text in (CANARY, "ShHh-2", "t-0123456789"):
        assert hidden_text not in shown


@pytest.mark.parametrize("seed", range(100))
def test_no_noise_is_answered(seed):
    """Random bytes, with pieces of prompts in them, that end with a line: whatever it is, it is no question."""
    dice = random.Random(seed)  # noqa: S311
    talk = Talk(prompts=PROMPTS, values=VALUES)
    for _round in range(10):
        noisy = bytes(dice.choice((0x1B, 0x5B, 0x0A, 0x0D, dice.randrange(256))) for _byte in range(200)).decode(
            "latin-1"
        )
        talk.feed(
            noisy + dice.choice(("License key:", "Client ID:", "")) + " x\x1b\\\x07\x18 end\r\n\x1b[r\x1b[99;1H\r\n"
        )
        assert talk.tick() is None
    assert talk.dialogue.answered == []


def test_nothing_is_answered_before_the_installer_reads():
    talk = Talk(prompts=PROMPTS)
    talk.feed("License key: ")
    assert talk.tick(quiet=0.05) is None, "more may follow"
    assert talk.tick(quiet=30, waiting=BUSY) is None
    assert talk.tick(quiet=0.5, waiting=UNKNOWN) is None
    assert talk.tick(quiet=0.5, waiting=WAITING).name == "key"
    assert talk.tick(quiet=1.5, waiting=UNKNOWN).name == "key"


def test_an_echo_that_looks_like_a_prompt_is_none():
    talk = Talk(prompts=[secret("first", "First:", "Second:"), prompt("second", "Second:", "x")])
    talk.feed("First: ")
    action = talk.tick()
    talk.dialogue.answer(action, True)
    for character in "Second:":
        talk.feed(character)
        assert talk.tick() is None, "it is being typed"
    talk.feed("\r\nSecond: ")
    assert talk.tick().name == "second"
    assert talk.dialogue.last_screen() == ["First: ********", "Second:"] or MASK in talk.dialogue.last_screen()[1]


def test_a_secret_as_a_prompt_shows_it():
    """The installer repeats the secret, wrapped over two rows and in colours."""
    talk = Talk(prompts=[secret("key", "Key:", "0123456789abcdefghij")], columns=24)
    talk.feed("Key: ")
    assert talk.asked() == "key"
    talk.feed("You typed \x1b[1m0123456789\x1b[0mabcdefghij, is that right?\r\n")
    talk.dialogue.look(finished=True)
    assert talk.said[-1] == f"You typed {MASK}, is that right?"


def test_secrets_are_taken_out():
    mask = Mask((compiled(r"Token: (\S+)", "x"), compiled(r"(?:no|Pin: (\d+))", "x")))
    for text in ("abcdef", " abcdefgh ", "no", ""):
        mask.add(text)
    assert mask.apply("abcdefgh abcdef no") == f"{MASK} {MASK} no"
    assert mask.apply("Token: later and Pin: 12") == f"Token: {MASK} and Pin: {MASK}"
    assert mask.apply("Token: ") == "Token: "


@pytest.mark.parametrize("below", range(7, 12))
def test_secrets_are_taken_out_of_a_line_that_is_partly_off_the_screen(below):
    """What is left of a wrapped line begins in the middle of its secret, and is not known by that."""
    talk = Talk(values=VALUES, columns=20, rows=10)
    talk.feed("Integrational token: " + "A" * 25 + "-TAIL\r\n" + "".join(f"line {n}\r\n" for n in range(below)))
    assert talk.values == {"token": "A" * 25 + "-TAIL"}
    shown = talk.dialogue.last_screen()
    assert "TAIL" not in "".join(shown)
    assert shown[-1] == f"line {below - 1}"


def test_what_is_drawn_over_a_line_that_is_partly_off_the_screen_is_read():
    """An installer that writes a long line and then draws its page from the top."""
    talk = Talk(values=VALUES, errors=[known("^Error")], columns=20, rows=5)
    talk.feed("Welcome to the setup of the Chats\r\na\r\nb\r\nc\r\n\x1b[HClient ID: 47\x1b[K\x1b[5;1H")
    talk.tick()
    assert talk.values == {"id": "47"}
    assert talk.dialogue.last_screen() == ["Client ID: 47", "a", "b", "c"]
    talk.feed("\x1b[HError: no space left\x1b[K\x1b[5;1H")
    talk.tick()
    assert talk.dialogue.error is not None


@pytest.mark.parametrize(
    ("before", "after"),
    [("\x1b[2;9r\x1b[2;1H", ""), ("\x1b[2;1H", "\x1b[1;1H\x1b[M"), ("\x1b[2;1H", "\x1b[2;1H\x1b[M")],
    ids=["scrolls below a head", "first row removed", "middle row removed"],
)
def test_secrets_are_taken_out_of_a_line_that_is_partly_gone(before, after):
    talk = Talk(values=VALUES, columns=20, rows=10)
    lines = "".join(f"line {n}\r\n" for n in range(6))
    talk.feed(f"{before}Integrational token: {'A' * 25}-TAIL\r\n{lines}{after}")
    assert talk.values == {"token": "A" * 25 + "-TAIL"}
    shown = "".join(talk.dialogue.last_screen())
    assert "TAIL" not in shown and "AAA" not in shown and "line 5" in shown


@pytest.mark.parametrize("fatal", [True, False])
def test_secrets_are_taken_out_of_a_long_line_before_it_is_cut(fatal):
    talk = Talk(values=VALUES, errors=[known("^Error", fatal=fatal)])
    talk.feed("Integrational token: SECRETTOKEN1234567890\r\n")
    talk.feed("Error: " + "x" * 480 + " SECRETTOKEN1234567890 refused" + " and so on" * 50 + "\r\n")
    said = talk.dialogue.ended(1, None).what
    assert said.partition(" x")[2] == "x" * 479 + f" {MASK} ref" and "SECRET" not in said


def test_a_value_whose_line_has_not_ended_is_not_shown():
    talk = Talk(values=VALUES)
    talk.feed("Integrational token: t-01")
    assert talk.values == {}
    assert talk.dialogue.last_screen() == [f"Integrational token: {MASK}"]
    talk.feed("23\r\n")
    assert talk.values == {"token": "t-0123"}


def test_a_value_that_the_cursor_placed():
    talk = Talk(values=VALUES)
    talk.feed("\x1b[2J\x1b[3;1HIntegrational token: t-99\x1b[10;1H")
    assert talk.tick() is None
    assert talk.values == {"token": "t-99"}


def test_a_value_over_two_lines():
    talk = Talk(values=[value("token", r"Token:\n\s*(\S+)\n"), value("other", r"Other:\s*(\S+)")])
    talk.feed("Token:\r\n   abc\r\nOther:\r\nxyz\r\n")
    assert talk.values == {"token": "abc"}, "without a line break in the pattern the next line is another one"


def test_an_error_over_two_lines_and_at_the_end_without_a_line_break():
    talk = Talk(errors=[known(r"failed:\ndisk full"), known("never")])
    talk.feed("It failed:\r\ndisk full\r\n")
    assert talk.dialogue.error is not None
    talk = Talk(errors=[known("no space left")])
    talk.feed("write error: no space left")
    outcome = talk.dialogue.ended(0, None)
    assert (outcome.kind, outcome.what) == ("known_error", "The installer says: write error: no space left")


def test_an_error_is_seen_in_a_flood():
    talk = Talk(errors=[known("registry says 401")])
    talk.feed("x" * 200000 + "registry says 401" + "y" * 200000)
    talk.feed("\r\n" * 5)
    assert talk.dialogue.error is not None


def test_how_long_an_installer_may_go_on_after_an_error():
    talk = Talk(errors=[known("broken")])
    talk.feed("broken\r\n")
    assert talk.tick(quiet=PATIENCE / 2, waiting=BUSY) is None
    assert talk.tick(quiet=PATIENCE / 2, waiting=BUSY) is None
    assert isinstance(talk.tick(quiet=PATIENCE, waiting=BUSY), Outcome)
    talk = Talk(errors=[known("broken")])
    talk.feed("broken\r\nDelete all? ")
    assert talk.tick(waiting=WAITING).kind == "known_error"


def test_silence_and_time():
    talk = Talk(silence=5, timeout=100)
    talk.feed("Continue? ")
    assert talk.tick(quiet=4) is None
    assert talk.tick(quiet=6, waiting=BUSY) is None
    assert talk.tick(quiet=6, waiting=UNKNOWN).what.startswith("The installer seems to wait for input")
    assert talk.tick(quiet=6).what.startswith("The installer waits for input since 5 s")
    assert talk.tick(quiet=100, waiting=BUSY).kind == "timeout"


def test_silence_of_one_that_may_work():
    """It only looks whether something is typed."""
    talk = Talk(silence=5, timeout=1000)
    talk.feed("Migrating the database ...")
    assert talk.tick(quiet=24, waiting=POLLING) is None
    assert talk.tick(quiet=25, waiting=POLLING).what.startswith("The installer waits for input since 25 s")
    assert talk.tick(quiet=6, waiting=UNKNOWN).what.startswith("The installer seems to wait for input")
    talk.feed("\r\n")
    assert talk.tick(quiet=24, waiting=POLLING) is None
    assert talk.tick(quiet=24, waiting=UNKNOWN) is None
    assert talk.tick(quiet=25, waiting=POLLING).what.startswith("The installer waits for input since 25 s")
    assert talk.tick(quiet=6, waiting=WAITING).what.startswith("The installer waits for input since 5 s")


def test_one_that_looks_for_input_is_answered():
    talk = Talk(prompts=PROMPTS)
    talk.feed("License key: ")
    assert talk.tick(waiting=POLLING).name == "key"


@pytest.mark.parametrize("pattern", [r"ID: ((a+)+)$"])
def test_a_line_that_takes_for_ever_to_mask_is_not_shown(pattern):
    talk = Talk(values=[value("id", pattern)], prompts=[prompt("x", "X:", "y")])
    with pytest.raises(PatternError):
        talk.feed(f"first\r\nClient ID: {'a' * 60}!\r\nlast\r\n")
    assert talk.said == ["first", "(not shown: a pattern takes too long)", "last"]
    assert talk.dialogue.last_screen() == ["first", "(not shown: a pattern takes too long)", "last"]


def test_the_last_error_that_explains_counts_and_a_fatal_one_before_all():
    talk = Talk(errors=[known("one", fatal=False), known("two", "Cause two.", fatal=False), known("three")])
    talk.feed("one\r\ntwo\r\n")
    assert talk.tick() is None
    outcome = talk.dialogue.ended(1, None)
    assert (outcome.kind, outcome.cause) == ("exit_code", "Cause two.")
    talk.feed("three\r\n")
    assert talk.dialogue.ended(1, None).what == "The installer says: three"


def test_of_several_errors_that_explain_a_line_the_first_counts():
    talk = Talk(errors=[known("key", "The key.", fatal=False), known("licence", "The licence.", fatal=False)])
    talk.feed("Error: licence key\r\n")
    assert talk.tick() is None
    assert talk.dialogue.ended(1, None).cause == "The key."


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*$", "(.*)*x$", r"(\w+\s?)+:$"])
def test_a_pattern_that_takes_for_ever_ends(pattern):
    text = "a" * 60 + "!"
    try:
        with limited("this", 0.3):
            compiled(pattern if "*$" not in pattern else pattern.replace("*$", "+b$"), "x").search(text)
    except PatternError as error:
        assert "repetition within a repetition" in error.cause
    else:
        pytest.skip("this Python is quick with it")


def test_a_slow_pattern_fails_the_run_and_names_what_it_read():
    talk = Talk(errors=[known("(a+)+b$")])
    with pytest.raises(PatternError, match=r"what \./installer printed"):
        talk.feed("a" * 70 + "\r\n")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"prompts": [prompt("a", "(", "x")]},
            "prompts[0] (a): pattern: '(' is no regular expression of Python: missing )",
        ),
        ({"prompts": [prompt("a", ".*", "x")]}, "matches nothing as well"),
        ({"prompts": [prompt("a", "A")]}, "prompts[0] (a): neither answer nor secret_answer is given."),
        ({"prompts": [prompt("a", "A", "x", secret_answer="y")]}, "both answer and secret_answer are given."),
        ({"prompts": [prompt("a", "A", "two\nlines")]}, "the answer holds a line break or another control character."),
        ({"prompts": [prompt("a", "A", "ж" * 3000)]}, "the answer has more than 4000 bytes."),
        ({"prompts": [prompt("a", "A", "x", repeat=0)]}, "repeat is 0."),
        ({"prompts": [prompt("a", "A", "", enter=False)]}, "prompts[0] (a): nothing would be typed."),
        ({"prompts": [prompt("a", "A", "x"), prompt("a", "B", "x")]}, "prompts: a is there twice."),
        ({"values": [value("v", "Value: .*")]}, "pattern 'Value: .*' has no group."),
        ({"values": [value("v", "Value: (.*)", format="[")]}, "values[0] (v): format: '['"),
        ({"errors": [known("*")]}, "errors[0]: pattern: '*' is no regular expression"),
        ({"success": "a(?P<1>b)"}, "success: "),
        ({"command": []}, "command is not given."),
        ({"command": ["a", "b\0c"]}, "command: a word holds a NUL character."),
        ({"environment": {"A=B": "x"}}, "environment: 'A=B' is no name of a variable."),
        ({"silence": 0}, "silence: 0 is not between 1 and 86400."),
        ({"timeout": 10**9}, "timeout: 1000000000 is not between"),
        ({"columns": 3}, "columns: 3 is not between 20 and 1000."),
        ({"rows": 10000}, "rows: 10000 is not between 5 and 500."),
    ],
)
def test_options_that_make_no_sense(given, said):
    with pytest.raises(InputError) as error:
        spec(**given)
    assert said in error.value.what and error.value.action


def test_a_secret_is_in_no_message_about_options():
    with pytest.raises(InputError) as error:
        spec(prompts=[secret("a", "A", f"{CANARY}\n")])
    assert CANARY not in str(error.value) and CANARY not in repr(error.value)
    assert CANARY not in repr(spec(prompts=[secret("a", "A")]))


def test_a_question_in_the_alternate_screen_and_after_it():
    talk = Talk(prompts=[prompt("inside", "Inside:", "x"), prompt("after", "After:", "y")])
    talk.feed("Inside: no, later\r\n\x1b[?1049h\x1b[H\x1b[2JInside: ")
    assert talk.asked() == "inside"
    talk.feed("\x1b[?1049l")
    assert talk.tick() is None
    talk.feed("After: ")
    assert talk.asked() == "after"


def test_a_menu_that_is_drawn_again_and_again():
    talk = Talk(prompts=[prompt("choice", "Your choice:", "2", repeat=2), prompt("sure", "Sure", "y")])
    menu = "\x1b[2J\x1b[H1) one\r\n2) two\r\n\r\nYour choice: "
    talk.feed(menu)
    assert talk.asked() == "choice"
    talk.feed(menu)
    assert talk.asked() == "choice"
    talk.feed(menu.replace("Your choice", "Sure"))
    assert talk.asked() == "sure"
    talk.feed(menu)
    assert talk.tick().kind == "refused"


def test_typed_again_over_the_same_line():
    """The same row is used for the next question: \\r and blanks."""
    talk = Talk(prompts=PROMPTS)
    talk.feed("\rChat domain name: ")
    action = talk.tick()
    talk.dialogue.answer(action, False)
    talk.feed("\r                                  \rLicense key: ")
    assert talk.tick().name == "key"
