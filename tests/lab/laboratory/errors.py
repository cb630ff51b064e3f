"""What the laboratory says when it cannot go on."""

import subprocess


class LabError(Exception):
    """A sentence for the person at the terminal: what, where, likely cause, what to do."""


def run(*command: str, quiet: bool = True, **options) -> subprocess.CompletedProcess:
    """Run a command; raise LabError with its output when it fails. quiet=False lets it write to the terminal."""
    if quiet:
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.STDOUT)
    options.setdefault("text", True)
    options.setdefault("stdin", subprocess.DEVNULL if "input" not in options else None)
    if "input" in options:
        options.pop("stdin")
    try:
        result = subprocess.run(command, check=False, **options)
    except FileNotFoundError as error:
        raise LabError(
            f"{command[0]} is not installed ({error}). Run it through `make`, which installs what is missing."
        ) from error
    if result.returncode:
        output = (result.stdout or "").strip()
        raise LabError(f"`{' '.join(command)}` ended with {result.returncode}" + (f":\n{output}" if output else "."))
    return result
