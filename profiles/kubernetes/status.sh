#!/bin/sh
# What became of a Kubernetes job, as cluster-generic wants it: running, success or failed.
case $(kubectl get "$1" --output 'jsonpath=succeeded={.status.succeeded} failed={.status.failed}' 2>&1) in
    *succeeded=1*) echo success ;;
    *failed=[1-9]* | *NotFound*) echo failed ;;
    *) echo running ;;  # or a server that does not answer for now
esac
