#!/bin/sh
# submit.sh THREADS MEM_MB MINUTES GPUS JOBSCRIPT: a Kubernetes job that runs the script; prints its name.
# At its time limit a pod gets SIGTERM, and two minutes for training to write its checkpoint.
kubectl create --output name --filename - << MANIFEST
apiVersion: batch/v1
kind: Job
metadata: {generateName: ziplaw-}
spec:
  backoffLimit: 0
  activeDeadlineSeconds: $((60 * $3))
  ttlSecondsAfterFinished: 86400
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 120
      containers:
        - name: job
          image: "$IMAGE"
          command: [sh, "$5"]
          workingDir: "$PWD"
          resources:
            requests: {cpu: "$1", memory: "$2M", nvidia.com/gpu: "$4"}
            limits: {memory: "$2M", nvidia.com/gpu: "$4"}
          volumeMounts: [{name: work, mountPath: "$MOUNT"}]
      volumes: [{name: work, persistentVolumeClaim: {claimName: "$CLAIM"}}]
MANIFEST
