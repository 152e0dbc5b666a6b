# SPDX-License-Identifier: Apache-2.0
"""Generate `marginrules/_pb` from `proto/`: python tests/generate_proto.py <directory>."""

from __future__ import annotations

import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

PROTO = Path(__file__).parent.parent / "proto"


def generate(target: Path) -> None:
    """Write the generated modules into a directory, as the package `marginrules._pb`."""
    with tempfile.TemporaryDirectory() as scratch:
        sources = sorted(str(path) for path in PROTO.glob("marginrules/v1/*.proto"))
        includes = [f"-I{PROTO}", f"-I{files('grpc_tools') / '_proto'}"]
        if protoc.main(["protoc", *includes, f"--python_out={scratch}", f"--pyi_out={scratch}", *sources]):
            raise SystemExit("protoc failed")
        target.mkdir(parents=True, exist_ok=True)
        for made in sorted(Path(scratch, "marginrules", "v1").iterdir()):
            # Generated imports name the proto package; ours live below `marginrules._pb`.
            text = made.read_text(encoding="utf-8").replace("from marginrules.v1 import", "from marginrules._pb import")
            (target / made.name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    generate(Path(sys.argv[1]))
