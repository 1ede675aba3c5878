"""benchmarks/ is a folder of scripts and no part of the package, so the tests put it on the path."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))
