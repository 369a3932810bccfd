"""The presets' grammars are the same ones for ever."""

import hashlib
import json

from houses import ROOT

from grammars import draw_preset
from ziplaw import versions
from ziplaw.grammars.presets import PRESETS

GOLDEN = ROOT / "tests" / "golden" / "grammars.json"


def golden_grammars():
    found = {}
    for name in PRESETS:
        text = draw_preset(name, seed=7).to_text()
        found[name] = hashlib.sha256(text.encode()).hexdigest()
    return {"version": versions.GRAMMAR, "grammars": found}


def test_golden_grammars():
    golden = json.loads(GOLDEN.read_text())
    assert golden["version"] == versions.GRAMMAR, "GRAMMAR was bumped: run python tests/grammars/test_presets.py"
    assert golden_grammars()["grammars"] == golden["grammars"], "grammars changed: bump GRAMMAR in versions.py"


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(golden_grammars(), indent=1) + "\n")
