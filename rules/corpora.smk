# Grammars and corpora.


rule make_grammar:
    input:
        ext=ancient(EXTENSIONS),
        source=lambda w: SWEEP.datasets[w.dataset].grammar_file or [],
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
        make=lambda w, input: grammar_command(w.dataset, input.source),
        version=versions.GRAMMAR,
    message:
        "Grammar {wildcards.dataset}: drawing it and checking that it is not critical"
    shell:
        "ziplaw grammar {params.make} -o {output} > {log} 2>&1"


rule sample_corpus:
    input:
        grammar=f"{RESULTS}/grammars/{{dataset}}.json",
        ext=ancient(EXTENSIONS),
    output:
        expand(
            f"{RESULTS}/corpora/{{{{dataset}}}}/{{part}}",
            part=["train.npy", "valid.npy", "meta.json"],
        ),
    log:
        f"{LOGS}/sample_corpus/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/sample_corpus/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(GRAMMARS),
    threads: 4
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        size=options(CORPUS_OPTIONS),
        folder=subpath(output[0], parent=True),
        version=[versions.SAMPLER, versions.CORPUS],
    message:
        "Corpus {wildcards.dataset}: sampling documents"
    shell:
        "ziplaw sample {input.grammar} {params.size} --threads {threads} -o {params.folder} > {log} 2>&1"


rule import_corpus:
    input:
        source=lambda w: SWEEP.datasets[w.dataset].imported.path or [],
        ext=ancient(EXTENSIONS),
    output:
        expand(
            f"{RESULTS}/corpora/{{{{dataset}}}}/{{part}}",
            part=["train.npy", "valid.npy", "meta.json"],
        ),
    log:
        f"{LOGS}/import_corpus/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/import_corpus/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(IMPORTS),
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        source=lambda w, input: import_options(w.dataset, input.source),
        size=options(CORPUS_OPTIONS),
        folder=subpath(output[0], parent=True),
        version=versions.CORPUS,
    message:
        "Corpus {wildcards.dataset}: reading and tokenising"
    shell:
        "ziplaw import {params.source} {params.size} -o {params.folder} > {log} 2>&1"
