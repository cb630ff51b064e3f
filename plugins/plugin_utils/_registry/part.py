# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Registry settings as a part of something bigger: its questions are asked together with others.

part = Part(settings_of_options)
answers = runner.batch([*others, *part.questions()])
while more := part.questions(answers):      # users and their hives are known only now
    answers |= runner.batch(more)
part.understand(answers)
part.changed, part.diff()
part.apply(runner)
"""

from __future__ import annotations

from collections.abc import Mapping

from .._winrm.runner import Answer, Ask, Runner
from .apply import Outcome, converge, passed_over
from .plan import Plan, plan
from .questions import State, questions, understand
from .settings import Settings


class Part:
    """The registry side of a task that does more than that."""

    def __init__(self, settings: Settings, deadline: float = 120.0) -> None:
        self.settings = settings
        self.deadline = deadline
        self.answers: dict[str, Answer] = {}
        self.state: State | None = None
        self.todo = Plan((), "", "")
        self.outcome: Outcome | None = None

    def questions(self, answers: Mapping[str, Answer] | None = None) -> list[Ask]:
        """What is still to be asked, given the answers so far."""
        return questions(self.settings, answers)

    def understand(self, answers: Mapping[str, Answer]) -> None:
        """Take over all answers; other people's may be among them."""
        self.answers = {name: one for name, one in answers.items() if name.startswith(("registry.", "users."))}
        self.state = understand(self.settings, self.answers)
        self.todo = plan(self.state, self.settings)

    @property
    def changed(self) -> bool:
        """Whether something is to be done. A profile that could not be read counts: apply() tries again, or says so."""
        return self.todo.changed or bool(self.state and (self.state.refused or self.state.still_loaded))

    @property
    def warnings(self) -> list[str]:
        """What a user should hear although nothing failed: profiles that are passed over."""
        return passed_over(self.state) if self.state else []

    def diff(self) -> tuple[str, str]:
        """Before and after, without secrets."""
        return self.todo.before, self.todo.after

    def apply(self, runner: Runner) -> None:
        """Write and read back. What changed since the questions is no matter: NotConverged says what is not as wanted."""
        self.outcome = converge(runner, self.settings, answers=self.answers, deadline=self.deadline)
