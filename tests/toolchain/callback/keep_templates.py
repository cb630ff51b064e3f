# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible compiles a template anew at each use of a variable, in each process that a task runs in; with this, once until it changes.

No test and no playbook sees a difference: what is kept is the code that Jinja makes of a text, found by the text itself and by
everything that Jinja looks at while it compiles; a template that does not compile is never kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import marshal
import os
from pathlib import Path
from types import CodeType
from typing import Any

import kept
from ansible._internal._templating import _jinja_bits
from ansible.plugins.callback import CallbackBase
from jinja2.environment import TemplateExpression
from jinja2.nodes import Template

DOCUMENTATION = """
name: keep_templates
type: aggregate
short_description: keeps the code of templates between runs
description: [For the toolchain of onprem.chat only.]
"""

Environment = _jinja_bits.AnsibleEnvironment


class Kept:
    """Compiled templates, in this process and the ones that it starts, and in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known: dict[tuple, CodeType] = {}
        # The text of the expression that is being compiled: its compiler is given nodes and not the text.
        self.expression: str | None = None
        self.compile = Environment.compile
        self.compile_expression = Environment.compile_expression

    def install(self) -> None:
        """Put in the place of Jinja's compiler, for whole templates and for the expressions of conditions."""
        templates = self

        def compile(
            self: Any, source: Any, name: Any = None, filename: Any = None, raw: bool = False, **options: Any
        ) -> Any:
            text = templates.expression if isinstance(source, Template) else str(source)
            if text is None or name or filename or raw or options:
                return templates.compile(self, source, name, filename, raw, **options)
            kind = "expression" if isinstance(source, Template) else "template"
            return templates.code(self, kind, text, lambda: templates.compile(self, source))

        def compile_expression(self: Any, source: str, undefined_to_none: bool = True) -> TemplateExpression:
            code = templates.find(self, "expression", str(source))
            if code:
                template = self.template_class.from_code(self, code, self.make_globals(None), None)
                return TemplateExpression(template, undefined_to_none)
            templates.expression = str(source)
            try:
                return templates.compile_expression(self, source, undefined_to_none)
            finally:
                templates.expression = None

        Environment.compile = compile
        Environment.compile_expression = compile_expression

    def key(self, environment: Any, kind: str, text: str) -> tuple:
        """Everything that the code of a template depends on, beside what is in the folder's name."""
        context = _jinja_bits._TemplateCompileContext.current(optional=True)
        settings = tuple(getattr(environment, name) for name in _jinja_bits._TEMPLATE_OVERRIDE_FIELD_NAMES)
        escape = bool(context and context.escape_backslashes)
        configured = _jinja_bits._TemplateConfig.allow_embedded_templates, sorted(environment.extensions)
        return kind, text, escape, settings, repr(configured)

    def find(self, environment: Any, kind: str, text: str) -> CodeType | None:
        """What was compiled before, here or in another process."""
        key = self.key(environment, kind, text)
        if key not in self.known:
            with contextlib.suppress(OSError, ValueError, EOFError, TypeError):
                self.known[key] = marshal.loads(self._file(key).read_bytes())  # noqa: S302 -- written by this class
        return self.known.get(key)

    def code(self, environment: Any, kind: str, text: str, compile: Any) -> CodeType:
        """What was compiled before, or what is compiled now."""
        code = self.find(environment, kind, text)
        if code is None:
            code = compile()
            key = self.key(environment, kind, text)
            self.known[key] = code
            with contextlib.suppress(OSError):
                file = self._file(key)
                new = file.with_suffix(f".{os.getpid()}")
                new.write_bytes(marshal.dumps(code))
                new.replace(file)
        return code

    def _file(self, key: tuple) -> Path:
        return self.folder / hashlib.sha256(repr(key).encode()).hexdigest()


class CallbackModule(CallbackBase):
    """Does its work when it is loaded: before the first task."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "keep_templates"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # Another run may make or remove the same folder at this moment: then this one compiles for itself.
        with contextlib.suppress(OSError):
            Kept(kept.folder("templates", kept.stamp())).install()
