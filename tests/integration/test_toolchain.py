"""What `make` starts: names that do not exist are told, and nothing waits for what nobody runs. Needs no laboratory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

TOOLCHAIN = ROOT / "tests" / "toolchain"
sys.path.insert(0, str(TOOLCHAIN))
from suite import parallel

# A make that runs these tests hands its own variables on.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}


def make(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["make", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )


@pytest.mark.parametrize("locale", [{"LC_ALL": "ru_RU.KOI8-R"}, {"LC_ALL": "C"}, {"LC_ALL": "", "LANG": "ru_XX.UTF-8"}])
def test_whatever_the_locale_of_the_caller(locale: dict):
    """Ansible ends with an error in one that is not installed, and in one that is not UTF-8."""
    result = subprocess.run(
        [TOOLCHAIN / "with", "ansible", "--version"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | locale,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("ansible [core ")


def chosen(words: str) -> list[parallel.Job]:
    return parallel.choose(parallel.jobs(["build", "units", "units-next"]), words)


@pytest.mark.parametrize("words", ["host_role", "gates,host_role", "gates host_role"])
def test_a_job_that_does_not_exist(words: str):
    """Nothing is run, and that is no success."""
    result = make("test", f"only={words}")
    assert result.returncode == 2
    assert "make test: no job begins with 'host_role'; did you mean integration-host_role? There are:" in result.stderr
    assert "gates gates-next integration-acme_lab" in result.stderr
    assert "passed" not in result.stdout


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("test-integration", "there is no integration suite 'hostrole'; there are acme_lab, "),
        ("test-molecule", "there is no molecule scenario 'hostrole'; there are certificates, dns, "),
    ],
)
def test_a_suite_that_does_not_exist(target: str, text: str):
    result = make(target, "only=hostrole")
    assert result.returncode == 2
    assert text in result.stdout
    assert result.stdout.endswith("0 passed, 1 failed, 0 skipped\n")


def test_jobs_by_the_beginnings_of_their_names():
    assert len(chosen("")) > 80
    assert [job.name for job in chosen("gates")] == ["gates", "gates-next"]
    assert [job.name for job in chosen(" molecule-d, installed ,")] == ["molecule-dns", "installed"]


def test_the_tarball_is_built_by_whoever_needs_it():
    """Alone, the job waited for gates that were not chosen, for ever."""
    (alone,) = chosen("installed")
    assert (alone.after, alone.arguments) == (None, ["build", "installed"])
    gates, _newest, waits = chosen("gates,installed")
    assert (waits.after, waits.arguments) == (gates, ["installed"])


@pytest.mark.parametrize("works", [True, False])
def test_no_laboratory_outlives_the_cache(tmp_path: Path, works: bool):
    """`make demo KEEP=1` has one of its own. What runs in it goes on, and nobody can stop it any more, when its folder is gone."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    cache, log = tmp_path / "cache", tmp_path / "log"
    for name in ("main", "demo"):
        (cache / "labs" / name).mkdir(parents=True)
    lab = tmp_path / "lab"
    lab.write_text(
        f'#!/bin/sh\necho "$ONPREM_CHAT_LAB $*" >>{log}\n[ "$ONPREM_CHAT_LAB" != {"nobody" if works else "demo"} ]\n'
    )
    lab.chmod(0o755)
    result = subprocess.run(
        ["make", "-C", tmp_path, "clean-cache", f"LAB={lab}"],
        capture_output=True,
        check=False,
        env=ENVIRONMENT | {"ONPREM_CHAT_CACHE": str(cache), "ONPREM_CHAT_LAB": "main"},
    )
    assert (result.returncode == 0) is works
    assert "demo down" in log.read_text().splitlines()
    assert cache.exists() is not works
