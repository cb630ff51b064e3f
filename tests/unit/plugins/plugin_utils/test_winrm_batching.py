# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many questions in one command line, and which answer is whose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.batching import bundles, new_marker, read
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import CommandTooLong
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.quoting import LINE_LIMIT, units
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.runner import Answer, Ask

M = "~0123456789"


def ask(*commands):
    return [Ask(f"q{number}", command) for number, command in enumerate(commands)]


def test_the_line():
    (bundle,) = bundles(ask("reg query HKLM\\A", "ver | find x"), marker=M)
    assert bundle.command == (
        f"echo {M}&(reg query HKLM\\A)<nul&call echo {M}.0.%^errorlevel%&ver>nul"
        f"&(ver | find x)<nul&call echo {M}.1.%^errorlevel%"
    )


def test_markers_are_drawn():
    assert new_marker() != new_marker()
    (one,), (two,) = bundles(ask("a")), bundles(ask("a"))
    assert one.command != two.command


def test_nothing_to_ask():
    assert bundles([]) == []


def test_two_of_one_name_are_a_mistake():
    with pytest.raises(ValueError, match=r"two questions of one name: \['a'\]"):
        bundles([Ask("a", "x"), Ask("b", "x"), Ask("a", "y")])


@given(st.lists(st.text(alphabet="aЖ😀 ", min_size=1, max_size=900), max_size=60))
def test_every_line_fits_and_every_question_is_asked_once_in_order(commands):
    asks = ask(*commands)
    result = bundles(asks)
    assert [one for bundle in result for one in bundle.asks] == asks
    assert all(units(bundle.command) <= LINE_LIMIT for bundle in result)


def test_no_line_more_than_needed():
    asks = ask(*["x" * 100] * 200)
    assert len(bundles(asks)) == -(-sum(units(one.command) + 58 for one in asks) // LINE_LIMIT)


def test_a_question_that_never_fits():
    with pytest.raises(CommandTooLong):
        bundles(ask("short", "x" * 8150))


def whole(*parts, exit_code=0, stderr=b""):
    return Answer(exit_code, b"".join(parts), stderr)


def test_answers_are_told_apart():
    (bundle,) = bundles(ask("a", "b", "c"), marker=M)
    start, *ends = (f"{M}{end}\r\n".encode() for end in ("", ".0.0", ".1.1", ".2.-2147024894"))
    answers, missing = read(bundle, whole(start, b"A\r\n", ends[0], ends[1], b"C", ends[2], stderr=b"E"))
    assert missing == ()
    assert answers == {
        "q0": Answer(0, b"A\r\n", b"E"),
        "q1": Answer(1, b"", b"E"),
        "q2": Answer(0x80070002, b"C", b"E"),
    }


def test_what_autorun_prints_belongs_to_nobody():
    (bundle,) = bundles(ask("a"), marker=M)
    answers, _missing = read(bundle, whole(b"Welcome to ACME\r\n", f"{M}\r\nA{M}.0.0\r\n".encode()))
    assert answers["q0"].stdout == b"A"


def test_output_is_bytes():
    data = bytes(range(256))
    (bundle,) = bundles(ask("a"), marker=M)
    answers, _missing = read(bundle, whole(f"{M}\r\n".encode(), data, f"{M}.0.0\r\n".encode()))
    assert answers["q0"].stdout == data


def test_line_feeds_of_other_shells_are_understood():
    (bundle,) = bundles(ask("a"), marker=M)
    answers, _missing = read(bundle, whole(f"{M}\nA\n{M}.0.3\n".encode()))
    assert answers["q0"] == Answer(3, b"A\n")


def test_questions_after_one_that_ended_cmd_are_missing():
    asks = ask("a", "exit 5", "c")
    (bundle,) = bundles(asks, marker=M)
    answers, missing = read(bundle, whole(f"{M}\r\nA{M}.0.0\r\nB".encode(), exit_code=5))
    assert list(answers) == ["q0"]
    assert missing == (asks[1], asks[2])


def test_a_question_alone_takes_the_exit_code_of_its_line():
    (bundle,) = bundles(ask("exit 5"), marker=M)
    answers, missing = read(bundle, whole(f"{M}\r\nB".encode(), exit_code=5, stderr=b"E"))
    assert (answers, missing) == ({"q0": Answer(5, b"B", b"E")}, ())


@pytest.mark.parametrize(("said", "code"), [(0, 255), (1, 1), (255, 255)])
def test_a_question_that_is_no_grammar_fails_alone(said, code):
    (bundle,) = bundles(ask("if"), marker=M)
    answers, _missing = read(bundle, whole(exit_code=said, stderr=b"The syntax of the command is incorrect."))
    assert answers["q0"].exit_code == code


def test_a_question_that_ends_cmd_well_is_a_success():
    (bundle,) = bundles(ask("exit 0"), marker=M)
    assert read(bundle, whole(f"{M}\r\n".encode()))[0]["q0"] == Answer(0)


def test_markers_of_another_line_are_output():
    (bundle,) = bundles(ask("a"), marker=M)
    answers, _missing = read(bundle, whole(f"{M}\r\n~ffffffffff.0.9\r\n{M}.0.0\r\n".encode()))
    assert answers["q0"] == Answer(0, b"~ffffffffff.0.9\r\n")
