"""suite STAGE … | all   [--only NAME]"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from suite import core, gates, laboratory, parallel
from suite.core import Stage

STAGES = [
    Stage("ruff", "format and lint of Python", gates.ruff),
    Stage("shell", "shell scripts parse", gates.shellcheck),
    Stage("build", "the collection builds", gates.build),
    Stage("importer", "galaxy-importer accepts the tarball", gates.importer),
    Stage("lint", "ansible-lint, profile production", gates.lint),
    Stage("sanity", "ansible-test sanity, core 2.19", gates.sanity),
    Stage("units", "ansible-test units, core 2.19", gates.units),
    Stage("sanity-next", "ansible-test sanity, newest core", gates.sanity_next),
    Stage("units-next", "ansible-test units, newest core", gates.units_next),
    Stage("docs", "antsibull-docs lint", gates.docs),
    Stage("changelog", "antsibull-changelog lint", gates.changelog),
    Stage("specs", "defaults agree with argument specs", gates.specs),
    *laboratory.STAGES,
]
GROUPS = {
    "static": ["ruff", "shell", "build", "importer", "lint", "sanity", "docs", "changelog", "specs"],
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="suite")
    parser.add_argument("stages", nargs="+", choices=["all", *GROUPS, *(stage.name for stage in STAGES)])
    parser.add_argument("--only", default="")
    parser.add_argument("--result", type=Path, help="write the counts there instead of summing up")
    options = parser.parse_args()
    if "all" in options.stages:
        return parallel.run([stage.name for stage in STAGES if stage not in laboratory.STAGES], options.only)
    names = {name for word in options.stages for name in GROUPS.get(word, [word])}
    return core.run([stage for stage in STAGES if stage.name in names], options.only, options.result)


sys.exit(main())
