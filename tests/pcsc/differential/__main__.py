"""Play the scripts of a file on both sides, and show what came of each line.

python -m tests.pcsc.differential FILE [part of a title]
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.pcsc.differential.conversation import play
from tests.pcsc.differential.differences import compare
from tests.pcsc.differential.lanes import USUAL_SECONDS, Lane
from tests.pcsc.differential.script import scripts
from tests.pcsc.differential.sides import ServiceSide, pcscd_side


def main(file: str, part: str = "") -> None:
    with pcscd_side() as judge:
        lane = Lane(judge, ServiceSide())
        for script in scripts(Path(file).read_text()):
            if part not in script.title:
                continue
            both = [
                play(side, script.card, script.steps, USUAL_SECONDS)
                for side in (lane.judge, lane.ours)
            ]
            print(f"== {script.title}")
            print("\n".join(compare(*both) or [f"    {line}" for line in both[0]]))
        lane.ours.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
