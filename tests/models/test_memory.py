"""Memory that a machine, a control group and ulimit leave; only a lack of it is told as one."""

from ziplaw.models import memory


def test_memory_of_machine_group_and_swap(tmp_path):
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "sys" / "fs" / "cgroup").mkdir(parents=True)
    assert memory.free_bytes(tmp_path) is None
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 900 kB\nMemAvailable: 300 kB\nSwapFree: 100 kB\n")
    assert memory.free_bytes(tmp_path) == 400 * 1024
    group = tmp_path / "sys" / "fs" / "cgroup"
    (group / "memory.stat").write_text("anon 5\ninactive_file 1000\n")
    (group / "memory.current").write_text("5000\n")
    (group / "memory.max").write_text("10000\n")
    assert memory.free_bytes(tmp_path) == 6000
    (group / "memory.max").write_text("max\n")
    assert memory.free_bytes(tmp_path) == 400 * 1024
