"""Build tooling: what `crds/` and `docs/reference/` are generated with. Never shipped.

The models are read from this checkout, whatever copy of the operator is installed.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

sys.path.insert(0, str(ROOT / "operator" / "src"))
