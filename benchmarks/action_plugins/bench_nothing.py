"""A task that takes any arguments, does nothing and goes nowhere: what Ansible costs by itself for each host."""

from __future__ import annotations

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Nothing changes."""

    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        """What every task gives."""
        return {**super().run(tmp, task_vars), "changed": False}
