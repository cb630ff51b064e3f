"""Keeps the bytecode of modules that Python imports from archives, as it does for modules in folders.

Ansible sends each task as an archive; without this, half of a task's time goes into compiling the same files again. An entry is
found by the hash of the source, so what runs is always what was sent. Only the laboratory and its controller have this.
"""

# pathlib and contextlib would cost every process more than they are worth here.
# ruff: noqa: PTH103, PTH105, PTH123, S302, SIM105

import os
import sys

FOLDER = os.environ.get("ONPREM_CHAT_BYTECODE") or "/run/onprem-chat-bytecode"


def _install() -> None:
    import _imp
    import marshal
    import zipimport

    compile_source = zipimport._compile_source
    python = f"{sys.implementation.cache_tag}-{sys.flags.optimize}"

    def compile_once(path: str, source: bytes):
        module = path.rpartition(".zip/")[2].replace("/", ".")
        kept = f"{FOLDER}/{module}.{_imp.source_hash(1, source).hex()}.{python}"
        try:
            with open(kept, "rb") as file:
                code = marshal.loads(file.read())
            _imp._fix_co_filename(code, path)
            return code
        except (OSError, ValueError, EOFError, TypeError):
            pass
        code = compile_source(path, source)
        try:
            os.makedirs(FOLDER, mode=0o700, exist_ok=True)
            new = f"{kept}.{os.getpid()}"
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(marshal.dumps(code))
            os.replace(new, kept)
        except OSError:
            pass
        return code

    zipimport._compile_source = compile_once


# Without these private names of Python's everything works as before, only slower.
try:
    _install()
except (ImportError, AttributeError):
    pass
