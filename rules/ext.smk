# The compiled cores are no files of the workflow: they are built before the first job when they are not there, do not
# load or are older than their sources, so one that is stale, half written or rebuilt never stands between two results.
# What they compute is told by the version integers in pkg/ziplaw/versions.py.
from ziplaw.base import cores
from ziplaw.base.threads import handle_in_a_thread
from ziplaw.pilots import workplace


onstart:
    handle_in_a_thread()  # SIGTERM
    try:
        cores.ready(PKG.parent, Path(LOGS) / "build_cores.log")
        if PILOT and not workplace.held_by_parent(RESULTS):
            workflow.pilot_lock = workplace.held(RESULTS)  # until Snakemake ends
        ready_cluster()
    except ZiplawError as error:
        raise WorkflowError(str(error))
