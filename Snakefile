# The whole chain: grammars -> corpora -> scores, floors -> runs -> laws -> figures -> report.
#   snakemake --cores all                                   the default sweep (config/default.yaml)
#   snakemake --cores all --configfile config/smoke.yaml    another one
#   snakemake --cores all --configfile config/pilot.yaml    a pilot: from files to a plan (ziplaw pilot does it too)
#   snakemake --cores all results/default/fits/g3x400.json  one result and what it needs
from snakemake.utils import min_version

min_version("9.8")

if not {"sweep", "pilot"} & set(config):

    configfile: f"{workflow.basedir}/config/default.yaml"


include: "rules/common.smk"
include: "rules/ext.smk"


if PILOT:

    include: "rules/pilot.smk"

    rule all:
        default_target: True
        input:
            EVERY_PILOT_RESULT,

else:

    include: "rules/targets.smk"
    include: "rules/corpora.smk"
    include: "rules/score.smk"
    include: "rules/train.smk"
    include: "rules/laws.smk"
    include: "rules/figures.smk"
    include: "rules/report.smk"
    include: "rules/dev.smk"

    # of a study (ziplaw design), whose table lies there
    REFERENCE = f"results/reference/{NAME}"
    STUDY_RESULTS = []
    if Path(REFERENCE, "design.csv").exists():

        include: "rules/study/answers.smk"

    wildcard_constraints:
        dataset=one_of(SWEEP.datasets),
        model=one_of(SWEEP.models),
        seed=one_of(map(str, SWEEP.all_seeds())),
        reference=one_of(SWEEP.references),

    rule all:
        default_target: True
        input:
            [] if SEVERAL else rules.report.output,
            rules.provenance.output,
            EVERY_RESULT,
            STUDY_RESULTS,
