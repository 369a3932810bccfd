"""One large run on several GPUs: the processes that torchrun started, what they add up, their step."""
