"""A job of the toy workflow: `python -m ziplaw VERB FILE` writes a file, slowly; whole, unless flaws are asked for."""

import os
import sys
import time
from pathlib import Path

verb, path = sys.argv[1], Path(sys.argv[2])
flaws = Path("flaws").read_text().split()
content = f"{verb} made {path}\n" * 1000
path.parent.mkdir(parents=True, exist_ok=True)
here = path if "torn" in flaws else path.with_name(f".{path.name}.part")
with open(here, "w") as stream:
    for begin in range(0, len(content), 4096):
        stream.write(content[begin : begin + 4096])
        stream.flush()
        time.sleep(0.03)
if here != path:
    os.replace(here, path)
