"""A disk that fills up, of every size from 100 KB up, and one that becomes read-only: a tmpfs at a folder's place."""

import shutil
import subprocess
from collections import Counter

import houses
import processes
import sweeps
from table import Row

KB = 1024
# what the system says, in the tool's line or in Snakemake's
FULL, READ_ONLY = "No space left on device", "Read-only file system"


def mount(place, *options):
    subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(place)], check=True)


def remount(place, option):
    subprocess.run(["mount", "-o", f"remount,{option}", str(place)], check=True)


def may_mount(parent):
    """Tell whether this process may mount; run.py starts itself in a namespace where it may, if there can be one."""
    place = parent / "try"
    place.mkdir(parents=True, exist_ok=True)
    tried = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(place)], capture_output=True, check=False)
    if tried.returncode == 0:
        subprocess.run(["umount", str(place)], check=True)
    return tried.returncode == 0


class DiskHouse(sweeps.House):
    """A house of which one folder, or all of it, is a disk of its own."""

    def __init__(self, parent, config, targets, part, size):
        shutil.rmtree(parent / "house", ignore_errors=True)
        self.disk = parent / "house" / part

        def build(folder):
            self.disk.mkdir(exist_ok=True)
            mount(self.disk, f"size={size}")
            houses.build(folder)

        super().__init__(parent, config, targets, build)

    def remove(self):
        processes.kill_all(self.folder)
        subprocess.run(["umount", "-l", str(self.disk)], check=False)
        super().remove()


def full_disk(part, parent, config, targets, undisturbed, growth):
    """Run, and when it fails give the disk some more: after each try what is there is whole or not there at all."""
    size = 100
    house = DiskHouse(parent, config, targets, part, f"{size}k")
    # not on the disk that is full, where its end would be lost
    house.log = parent / "driver.log"
    counts, broken = Counter(), []
    while size < 100 * KB:
        status, said = house.finish()
        said += house.jobs_said()
        if status == 0:
            break
        counts["sizes at which the disk was full"] += 1
        if status is None:
            broken.append(f"the driver hung at {size} KB")
        if FULL in said:
            counts["sizes at which it was said so"] += 1
        else:
            broken.append(f"at {size} KB nothing says that the disk is full: {said[-1500:]}")
        broken += [f"{name} is half written at {size} KB" for name in sweeps.half_written(house.files(), undisturbed)]
        size = max(size + 100, int(size * growth))
        remount(house.disk, f"size={size}k")
    happened = f"finished with {size} KB" if status == 0 else "never finished"
    row = Row(f"full disk: {part}", 1, happened, counts, 0, broken=broken)
    return sweeps.compared(row, house, undisturbed)


def read_only(parent, config, targets, undisturbed):
    """Results become read-only in the middle of the sweep, and after some time writable again."""
    house = DiskHouse(parent, config, targets, "results", "100m")
    house.log = parent / "driver.log"
    broken = []
    driver = house.start()
    processes.appears(house.folder, "trainer", driver, sweeps.LIMIT_S)
    # busy as long as a job holds a file open for writing
    while subprocess.run(["mount", "-o", "remount,ro", str(house.disk)], capture_output=True, check=False).returncode:
        pass
    status = house.ended(driver)
    before = house.files()
    if status in (0, None):
        broken.append(f"the driver ended with {status} although nothing could be written")
    status, said = house.finish()
    if status in (0, None):
        broken.append(f"the driver ended with {status} on read-only results")
    if READ_ONLY not in said + house.jobs_said():
        broken.append(f"nothing says that the results are read-only: {said[-1500:]}")
    if house.files() != before:
        broken.append("read-only results changed")
    remount(house.disk, "rw")
    status, said = house.finish()
    if status:
        broken.append(f"the last run ended with {status}: {said[-1500:]}")
    row = Row("read-only results", 1, "stopped with the system's message; went on when writable", broken=broken)
    return sweeps.compared(row, house, undisturbed)
