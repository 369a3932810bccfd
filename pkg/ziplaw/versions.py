"""Version integers of everything whose output bytes matter.

Snakemake passes these as rule params, so bumping one reruns what depends on it and nothing else; a
rebuilt but unchanged extension reruns nothing. Golden-byte tests catch a change that forgot the bump.
"""

GRAMMAR = 1
SAMPLER = 3
SCORER = 1
FLOOR = 1
TABLES = 2
TRAINER = 1
FITTER = 4
REGRESSION = 4
FIGURES = 2
REPORT = 2
CORPUS = 2
