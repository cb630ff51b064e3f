"""Everything that is judged without a running laboratory."""

import os
from pathlib import Path

import yaml

from .core import BUILD, ROOT, TOOLCHAIN, Count, environment, gate, junit, shell


def _tarball() -> Path | None:
    return max(BUILD.glob("onprem-chat-*.tar.gz"), key=lambda file: file.stat().st_mtime, default=None)


def build(only: str) -> Count:
    """The artefact that users install."""
    BUILD.mkdir(exist_ok=True)
    for old in BUILD.glob("onprem-chat-*.tar.gz"):
        old.unlink()
    return gate("ansible-galaxy", "collection", "build", "--force", "--output-path", BUILD, ".")


def importer(only: str) -> Count:
    """What the Galaxy would refuse."""
    venv, why = environment("importer")
    if venv is None:
        return Count.skip(why)
    tarball = _tarball()
    if tarball is None:
        return Count.one(False, "galaxy-importer: there is no tarball; did the build fail?")
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    settings = {"GALAXY_IMPORTER_RUN_ANSIBLE_LINT": "0", "PATH": f"{venv}/bin:{os.environ['PATH']}"}
    return gate(venv / "bin/python", "-m", "galaxy_importer.main", tarball, cwd=BUILD, env=clean | settings)


def ruff(only: str) -> Count:
    """Format and lint of all Python."""
    count = gate("ruff", "format", "--check", ".")
    count.add(gate("ruff", "check", "."))
    return count


def lint(only: str) -> Count:
    """ansible-lint, profile production."""
    return gate("ansible-lint", "--strict", "--nocolor")


def shellcheck(only: str) -> Count:
    """Syntax of the shell scripts (ansible-test runs shellcheck over those that it knows)."""
    scripts = [
        TOOLCHAIN / "bootstrap",
        TOOLCHAIN / "with",
        TOOLCHAIN / "ansible-test",
        ROOT / "tests/lab/lab",
        ROOT / ".ci/run",
    ]
    scripts += sorted((ROOT / "tests/lab/images").glob("*.sh"))
    count = Count()
    for script in scripts:
        count.add(gate("bash", "-n", script))
    return count


def _ansible_test(environment_name: str, command: str) -> Count:
    venv, why = environment(environment_name)
    if venv is None:
        return Count.skip(why)
    # The script keeps its copy of the checkout under a name made of the environment; its results lie in there.
    log = BUILD / f"ansible-test-{environment_name}-{command}.path"
    BUILD.mkdir(exist_ok=True)
    code = shell(
        TOOLCHAIN / "ansible-test",
        environment_name,
        command,
        env=os.environ | {"ANSIBLE_TEST_COPY_PATH_FILE": str(log)},
    )
    if command == "sanity":
        return Count.one(code == 0, f"ansible-test sanity ({environment_name}) ended with {code}")
    folder = Path(log.read_text().strip()) / "tests/output/junit"
    return junit(sorted(folder.glob("*.xml")), code, f"ansible-test units ({environment_name})")


def sanity(only: str) -> Count:
    return _ansible_test("main", "sanity")


def units(only: str) -> Count:
    return _ansible_test("main", "units")


def sanity_next(only: str) -> Count:
    return _ansible_test("next", "sanity")


def units_next(only: str) -> Count:
    return _ansible_test("next", "units")


def docs(only: str) -> Count:
    """Documentation of plugins and roles."""
    return gate(
        "antsibull-docs",
        "lint-collection-docs",
        "--plugin-docs",
        "--skip-rstcheck",
        "--validate-collection-refs",
        "self",
        ".",
    )


def changelog(only: str) -> Count:
    """Changelog fragments."""
    return gate("antsibull-changelog", "lint")


def specs(only: str) -> Count:
    """Each role: defaults and optional options of the argument specs are the same, with equal values; there is a scenario."""
    count = Count()
    for role in sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir()):
        defaults = _load(role / "defaults/main.yml")
        entries = _load(role / "meta/argument_specs.yml").get("argument_specs", {})
        # Of an option that several entry points have, that of main counts, which is the first.
        options = {
            name: option for entry in reversed(entries.values()) for name, option in entry.get("options", {}).items()
        }
        optional = {name: option.get("default") for name, option in options.items() if not option.get("required")}
        faults = [
            f"{name} has a default but no place in the argument spec" for name in defaults.keys() - options.keys()
        ]
        faults += [
            f"{name} is required in the argument spec but has a default"
            for name in defaults.keys() & (options.keys() - optional.keys())
        ]
        faults += [
            f"{name} is optional in the argument spec but has no default" for name in optional.keys() - defaults.keys()
        ]
        for name in sorted(defaults.keys() & optional.keys()):
            documented, real = optional[name], defaults[name]
            # A default made by a template or a lookup is described in words.
            if "{{" not in str(real) and (documented or None) != (real or None):
                faults.append(f"{name}: the argument spec says {documented!r}, the default is {real!r}")
        if not (ROOT / "molecule" / role.name / "molecule.yml").exists():
            faults.append("there is no molecule scenario")
        print(f"{role.name}: {'; '.join(sorted(faults)) or f'{len(options)} options agree'}")
        count.add(Count.one(not faults, f"roles/{role.name}: {'; '.join(sorted(faults))}"))
    return count


def _load(path: Path) -> dict:
    return (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}
