"""The laboratory's command line: see README.md beside this file."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from laboratory.cli import main

sys.exit(main())
