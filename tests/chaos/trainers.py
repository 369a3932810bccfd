"""Trainers that diverge, that run out of memory, and whose checkpoints were damaged."""

import copy
import random
import re
import resource
import shutil
import signal
import time
from collections import Counter

import processes
import sweeps
from table import Row

# the largest rate that is allowed: losses are no numbers, or worse than guessing, within a few steps
DIVERGES = 100.0
# as a cell of a table or a value of JSON
NOT_A_NUMBER = re.compile(r"(?:^|[,: \[])-?(?:nan|inf|infinity)(?:$|[,\n\]}])", re.I | re.M)


def diverged(parent, config, targets, undisturbed):
    """One model's losses become no numbers; then its rate is set right."""
    wrong = copy.deepcopy(config)
    last = [*wrong["models"]][-1]
    wrong["models"][last]["learning_rate"] = DIVERGES
    house = sweeps.House(parent, wrong, targets)
    status, said = house.finish()
    broken = []
    if status not in (0, 1):
        broken.append(f"the driver ended with {status}")
    tables = [path for path in house.results.rglob("*") if path.suffix in (".csv", ".json")]
    broken += [f"{path.name} holds a NaN" for path in tables if NOT_A_NUMBER.search(path.read_text())]
    runs = [*house.results.glob(f"runs/*/{last}/*/run.json")]
    told = sum('"status": "diverged"' in path.read_text() for path in runs)
    if told != len(config["datasets"]):
        broken.append(f"{told} runs of {len(config['datasets'])} are said to have diverged")
    house.configure(config)
    again, said = house.finish()
    if again:
        broken.append(f"the last run ended with {again}: {said[-1500:]}")
    broken += sweeps.unfinished(house)
    ending = "went on" if status == 0 else "stopped with the reason"
    row = Row("NaN losses", 1, f"{told} runs diverged and say so, the sweep {ending}", broken=broken)
    return sweeps.compared(row, house, undisturbed)


def out_of_memory(number, parent, config, targets, undisturbed, seed):
    """Every trainer's address space is limited to a little more than it has at a random moment."""
    rng = random.Random(f"{seed}/{number}")
    house = sweeps.House(parent, config, targets)
    driver = house.start()
    limited, counts, broken = set(), Counter(), []
    until = time.monotonic() + sweeps.LIMIT_S
    while driver.poll() is None and time.monotonic() < until:
        for one in processes.running(house.folder):
            if one.kind == "trainer" and one.pid not in limited:
                time.sleep(rng.random() * 0.5)
                limited.add(one.pid)
                counts["trainers limited"] += limit_memory(one.pid, rng.choice((0, 1, 4, 16)) << 20)
        time.sleep(0.01)
    if house.ended(driver) is None:
        broken.append("the driver hung")
    for path in house.logs.rglob("train_*/**/*.log"):
        said = path.read_text(errors="replace")
        if "out of memory" in said:
            counts["said so in a line"] += 1
        elif "Traceback" in said:
            counts["ended with a traceback"] += 1
    status, said = house.finish()
    if status:
        broken.append(f"the last run ended with {status}: {said[-1500:]}")
    broken += sweeps.unfinished(house)
    return sweeps.compared(Row("trainers out of memory", number, "", +counts, broken=broken), house, undisturbed)


def limit_memory(pid, more):
    """Let a process have so many bytes more than it has; whether it was still there."""
    try:
        with open(f"/proc/{pid}/statm") as stream:
            now = int(stream.read().split()[0]) * resource.getpagesize()
        resource.prlimit(pid, resource.RLIMIT_AS, (now + more, now + more))
    except OSError:
        return False
    return True


def flipped(data, rng):
    """One bit flipped."""
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def cut_short(data, rng):
    """Cut short."""
    return data[: rng.randrange(1, len(data))]


def emptied(data, rng):
    """Emptied."""
    return b""


def random_bytes(data, rng):
    """Random bytes."""
    return rng.randbytes(len(data))


def checkpoint(number, damage, parent, config, target, undisturbed, seed):
    """A run is told to stop and saves where it is; that file is damaged; then the run goes on or says why it cannot."""
    rng = random.Random(f"{seed}/{damage.__name__}")
    house = sweeps.House(parent, config, [target])
    broken, saved = [], []
    for patience in range(20):
        driver = house.start()
        trainer = processes.appears(house.folder, "trainer", driver, sweeps.LIMIT_S)
        # from too early to too late by steps that no training is short enough for to slip through
        time.sleep(0.5 * 1.3**patience)
        if trainer:
            processes.strike(trainer.pid, signal.SIGTERM)
        house.ended(driver)
        saved = [*house.results.rglob("*.npz")]
        if saved:
            break
        # it had not begun, or it had finished
        shutil.rmtree(house.folder / target.rpartition("/")[0], ignore_errors=True)
    if not saved:
        broken.append("no checkpoint was saved")
    for path in saved:
        path.write_bytes(damage(path.read_bytes(), rng))
    status, said = house.finish()
    said += house.jobs_said()
    if status == 0:
        happened = "went on"  # where the flipped bit lies in what a zip file repeats
    else:
        happened = "refused by name, then made anew"
        if not any(f"checkpoint {path.relative_to(house.folder)}" in said for path in saved):
            broken.append(f"the damaged checkpoint is not named: {said[-1500:]}")
        for path in saved:
            path.unlink()
        status, said = house.finish()
    if status:
        broken.append(f"the last run ended with {status}: {said[-1500:]}")
    named = {name: undisturbed[name] for name in house.files() if name in undisturbed}
    row = Row("damaged checkpoints", number, f"{damage.__doc__.strip('.').lower()}: {happened}", broken=broken)
    return sweeps.compared(row, house, named)
