"""Any table of runs, as people keep them: files, cells, what each column holds."""
