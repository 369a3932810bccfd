"""Kills at random moments: of the driver, of one job, of everything at once; then the sweep is run to its end.

Which process and which signal follow from the seed; the moment is drawn too, as a part of how long such a process lived
in the sweep that nothing disturbed.
"""

import random
import signal
import time
from collections import Counter
from dataclasses import dataclass

import processes
import sweeps
from table import Row

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
# in the order in which a sweep has them; "group": the driver and everything that it started, as Ctrl-C does
EARLY, LATE = ("sampler", "scorer"), ("driver", "group", "trainer", "trainer", "job")
LIVES_S = {"sampler": 0.3, "scorer": 0.5, "trainer": 1.5, "job": 1.0}


@dataclass(frozen=True)
class Kill:
    target: str
    number: signal.Signals
    moment: float  # from 0 to 1
    patient: bool  # let what the driver left run end before it is started again


def planned(rng, kills):
    """Draw the kills of a round."""
    targets = [*rng.sample(EARLY, k=rng.choice((0, 1, 1))), *rng.choices(LATE, k=kills)]
    return [Kill(target, rng.choice(SIGNALS), rng.random(), rng.random() < 0.5) for target in targets[:kills]]


def kill_round(number, house, undisturbed, length_s, kills, seed):
    """Kill, start again, and so on; then compare."""
    rng = random.Random(f"{seed}/{number}")
    counts, broken, done = Counter(), [], 0
    driver = house.start()
    for kill in planned(rng, kills):
        if driver.poll() is not None:
            driver = house.start()
        struck = _struck(house, driver, kill, length_s / (kills + 1))
        if struck is None:  # the sweep ended before
            continue
        done += 1
        counts[f"{kill.number.name} of {struck}"] += 1
        if struck in ("driver", "group"):
            if house.ended(driver) is None:
                counts[f"driver hung after {kill.number.name}"] += 1
                broken.append(f"the driver hung after {kill.number.name} of {struck}")
            if kill.patient:
                processes.gone(house.folder, sweeps.LIMIT_S)
    if house.ended(driver) is None:
        broken.append("the driver hung")
    processes.gone(house.folder, sweeps.LIMIT_S)
    status, said = house.finish()
    if status:
        broken.append(f"the last run ended with {status}: {said[-2000:]}")
    counts["--unlock"] += house.unlocked
    broken += sweeps.unfinished(house)
    row = sweeps.compared(Row("kills", number, "", +counts, done, broken=broken), house, undisturbed)
    # Snakemake's own folder in the system's place for temporary files: nobody removes it after SIGKILL, nor after a
    # SIGTERM that comes before Snakemake handles it
    its = [name for name in row.left if name.startswith("tmp/snakemake")]
    if sum(count for name, count in counts.items() if name.endswith(("of driver", "of group"))) >= len(its):
        row.left = [name for name in row.left if name not in its]
        row.counts["temporary folders of killed Snakemakes"] += len(its)
        row.counts = +row.counts
    return row


def _struck(house, driver, kill, gap_s):
    """Kill as planned, or else what runs in place of it; what was killed, None when the driver had ended."""
    if kill.target in LIVES_S:
        processes.appears(house.folder, kill.target, driver, gap_s)
        time.sleep(kill.moment * LIVES_S[kill.target])
    else:
        time.sleep(kill.moment * gap_s)
    if driver.poll() is not None:
        return None
    if kill.target in LIVES_S:
        now = processes.running(house.folder)
        for one in [*(p for p in now if p.kind == kill.target), *(p for p in now if p.kind not in ("driver", "shell"))]:
            if processes.strike(one.pid, kill.number):
                return one.kind
    group = kill.target == "group"
    return ("group" if group else "driver") if processes.strike(driver.pid, kill.number, group) else None
