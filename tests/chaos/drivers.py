"""Two drivers at once in one folder: on the same results, where the second must say so, and on results of their own."""

import random
import time

import processes
import sweeps
from table import Row

LOCKED = "Directory cannot be locked"


def one_sweep(number, parent, config, targets, undisturbed, seed):
    """Both on the same sweep, at the same moment or some time apart."""
    house = sweeps.House(parent, config, targets)
    moment = random.Random(f"{seed}/{number}").choice((0.0, 0.5, 2.0, 5.0))
    first = house.start_alone(*targets)
    time.sleep(moment)
    second = house.start_alone(*targets)
    ends = sorted(str(house.ended(driver)) for driver in (first, second))
    broken = [] if ends == ["0", "1"] else [f"drivers ended with {ends}"]
    if LOCKED not in house.said():
        broken.append("the second driver did not say that the first one works there")
    status, said = house.finish()
    if status or "Nothing to be done" not in said:
        broken.append(f"more to do: {said[-1500:]}")
    row = Row("two drivers on one sweep", number, "one refused, named the lock", broken=broken)
    return sweeps.compared(row, house, undisturbed)


def two_sweeps(number, parent, config, targets, undisturbed):
    """Two sweeps of two names in one folder."""
    house = sweeps.House(parent, config, targets)
    other = config | {"sweep": "other"}
    first = house.start_alone(*targets)
    processes.appears(house.folder, "shell", first, sweeps.LIMIT_S)
    house.configure(other)
    second = house.start_alone(*(target.replace(config["sweep"], "other", 1) for target in targets))
    ends = [house.ended(driver) for driver in (first, second)]
    house.configure(config)
    broken = [] if ends == [0, 0] else [f"drivers ended with {ends}: {house.said()[-1500:]}"]
    found = house.files()
    broken += [name for name in found if not name.startswith((config["sweep"], "other"))]
    named = {name: digest for name, digest in found.items() if not name.startswith("other")}
    # only tables and pages hold a sweep's name
    same = {
        name: found.get(name.replace(config["sweep"], "other", 1))
        for name in undisturbed
        if "/runs/" in name or "/corpora/" in name or "/grammars/" in name
    }
    row = Row("two sweeps in one folder", number, "both finished", broken=broken)
    row.differences += sweeps.differing(same, {name: undisturbed[name] for name in same})
    return sweeps.compared(row, house, undisturbed, named)
