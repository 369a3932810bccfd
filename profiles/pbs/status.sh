#!/bin/sh
# What became of a PBS job, as cluster-generic wants it: running, success or failed.
job=$(qstat -x -f "$1" 2>&1)
case $job in
    *"job_state = F"*) if echo "$job" | grep -qx ' *Exit_status = 0'; then echo success; else echo failed; fi ;;
    *"Unknown Job"*) echo failed ;;
    *) echo running ;;  # or a server that does not answer for now
esac
