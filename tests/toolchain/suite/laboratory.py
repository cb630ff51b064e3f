"""Everything that needs the running laboratory."""

import os
import shutil
import tempfile
from pathlib import Path

from .core import BUILD, LAB, ROOT, Count, Stage, gate, junit, shell


def _up(*parts: str) -> Count | None:
    if shell(LAB, "up", *parts):
        return Count.one(False, "the laboratory did not start")
    return None


def integration(only: str) -> Count:
    """tests/integration/test_*.py against real services; each starts what it needs."""
    files = sorted((ROOT / "tests/integration").glob(f"test_{only or '*'}.py"))
    if not files:
        suites = sorted(path.stem.removeprefix("test_") for path in (ROOT / "tests/integration").glob("test_*.py"))
        return Count.one(False, f"there is no integration suite {only!r}; there are {', '.join(suites)}")
    count = Count()
    BUILD.mkdir(exist_ok=True)
    for file in files:
        report = BUILD / f"integration-{file.stem}.xml"
        report.unlink(missing_ok=True)
        code = shell(
            "pytest", "-q", "--tb=short", "--durations=5", "-p", "no:cacheprovider", f"--junitxml={report}", file
        )
        count.add(junit([report] if report.exists() else [], code, f"integration {file.stem}"))
    return count


def molecule(only: str) -> Count:
    """Each role on a fresh host: check mode, first run, second run unchanged, testinfra."""
    scenarios = sorted(path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml"))
    scenarios.remove("default")
    if only and only not in scenarios:
        return Count.one(False, f"there is no molecule scenario {only!r}; there are {', '.join(scenarios)}")
    count = Count()
    for scenario in [only] if only else scenarios:
        count.add(_scenario(scenario))
    return count


def _scenario(name: str) -> Count:
    broken = _up()
    if broken:
        return broken
    report = BUILD / f"molecule-{name}.xml"
    BUILD.mkdir(exist_ok=True)
    report.unlink(missing_ok=True)
    # A folder of its own for each run: molecule would remember that the shared laboratory was prepared for another role.
    with tempfile.TemporaryDirectory(prefix="onprem-chat-molecule-") as folder:
        code = shell(
            *(LAB, "exec", "users", "--", "molecule", "--base-config", ROOT / "molecule/config.yml"),
            *("test", "--scenario-name", name, "--destroy=never"),
            env=os.environ | {"MOLECULE_EPHEMERAL_DIRECTORY": folder, "TESTINFRA_REPORT": str(report)},
        )
    count = Count.one(code == 0, f"molecule scenario {name} ended with {code}")
    if report.exists():
        count.add(junit([report], 0, f"testinfra of {name}"))
    else:
        count.add(Count.one(False, f"molecule scenario {name}: testinfra left no results"))
    return count


def installed(only: str) -> Count:
    """The built tarball, installed into an empty path, runs onprem.chat.site --check from there on a fresh host."""
    broken = _up()
    if broken or shell(LAB, "reset", "chat"):
        return broken or Count.one(False, "the laboratory did not start")
    tarballs = list(BUILD.glob("onprem-chat-*.tar.gz"))
    if not tarballs:
        return Count.one(False, "there is no tarball; run the stage `build` first")
    with tempfile.TemporaryDirectory(prefix="onprem-chat-installed-") as folder:
        # The inventory is the user's own: it lies elsewhere, too.
        inventory = Path(folder, "inventory")
        shutil.copytree(ROOT / "inventories/lab", inventory)
        clean = {
            key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "ANSIBLE_CALLBACK_PLUGINS")
        } | {"ANSIBLE_COLLECTIONS_PATH": folder}
        count = gate(
            "ansible-galaxy", "collection", "install", *tarballs, "-p", folder, "--no-deps", env=clean, cwd=folder
        )
        count.add(
            gate(
                *(
                    LAB,
                    "exec",
                    "users",
                    "--",
                    "ansible-playbook",
                    "-i",
                    inventory,
                    "onprem.chat.site",
                    "--check",
                    "--diff",
                ),
                env=clean,
                cwd=folder,
            )
        )
    return count


STAGES = [
    Stage("integration", "suites against real services in the laboratory", integration),
    Stage("molecule", "each role on a fresh host: check, first run, second run, testinfra", molecule),
    Stage("installed", "the built tarball runs from an empty path", installed),
]
