# Grammars and corpora.


include: "corpora_options.smk"


localrules:
    make_grammar,
    sample_corpus,


rule make_grammar:
    input:
        lambda w: missing(SWEEP.datasets[w.dataset].grammar_file),
    output:
        f"{RESULTS}/grammars/{{dataset}}.json",
    log:
        f"{LOGS}/make_grammar/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/make_grammar/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(GRAMMARS),
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        verb=lambda w: "new" if w.dataset in RANDOM_GRAMMARS else "convert",
        what=lambda w: grammar_options(w.dataset),
        source=lambda w: grammar_source(w.dataset),
        version=versions.GRAMMAR,
    message:
        "Grammar {wildcards.dataset}: drawing it and checking that it is not critical"
    shell:
        "ziplaw grammar {params.verb} -o {output} {params.what} > {log} 2>&1"


rule sample_corpus:
    input:
        grammar=f"{RESULTS}/grammars/{{dataset}}.json",
    output:
        expand(
            f"{RESULTS}/corpora/{{{{dataset}}}}/{{part}}",
            part=CORPUS_PARTS,
        ),
    log:
        f"{LOGS}/sample_corpus/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/sample_corpus/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(GRAMMARS),
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        size=CORPUS_OPTIONS,
        folder=subpath(output[0], parent=True),
        version=[versions.SAMPLER, versions.CORPUS],
    message:
        "Corpus {wildcards.dataset}: sampling documents"
    shell:
        "ziplaw sample {input.grammar} {params.size} --threads {threads} -o {params.folder} > {log} 2>&1"


rule import_corpus:
    input:
        lambda w: missing(
            SWEEP.datasets[w.dataset].imported.path,
            tokenizer_file(SWEEP.datasets[w.dataset].imported),
        ),
    output:
        expand(
            f"{RESULTS}/corpora/{{{{dataset}}}}/{{part}}",
            part=CORPUS_PARTS,
        ),
    log:
        f"{LOGS}/import_corpus/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/import_corpus/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(IMPORTS),
    threads: 1
    resources:
        **CLUSTER.plain,
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=60,
    params:
        what=lambda w: import_options(w.dataset),
        source=lambda w: import_source(w.dataset),
        size=CORPUS_OPTIONS,
        folder=subpath(output[0], parent=True),
        version=versions.CORPUS,
    message:
        "Corpus {wildcards.dataset}: reading and tokenising"
    shell:
        "ziplaw import {params.size} -o {params.folder} {params.what} > {log} 2>&1"
