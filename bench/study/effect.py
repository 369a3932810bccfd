"""The effect of a covariate on the best split, from a study's folder: what plan --law reads.

python bench/study/effect.py results/study_again beyond_bigram_measured -o effect.json [--half both]

The link is the one that the exploratory half chose; lines are in logarithms where the study takes them so.
"""

import argparse
from pathlib import Path

from ziplaw.base.documents import write_json
from ziplaw.laws.dependence.splits.effect import effect_document
from ziplaw.studies.answers.worth import chosen_link
from ziplaw.studies.measured import LOGARITHMS, Study, read_study


def effect_of(study: Study, covariate: str, half: str) -> dict:
    """The document of kind "effect"."""
    part = study.half(half)
    C = [row["C_6nd"] for row in part.runs]
    return effect_document(
        part.fits,
        {name: known.get(covariate) for name, known in part.covariates.items()},
        covariate,
        chosen_link(study),
        scale="log" if covariate in LOGARITHMS else "linear",
        C_range=(min(C), max(C)),
    )


def main() -> None:
    """Parse, read, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("covariate")
    parser.add_argument("--half", default="both", choices=("confirmatory", "exploratory", "both"))
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    document = effect_of(read_study(given.study), given.covariate, given.half)
    write_json(given.output, document, kind="effect")
    link = document["split"]["link"]
    slope, (low, high) = (document["lines"][link]["ln_N"][key] for key in ("slope", "slope_ci"))
    print(f"ln N_opt rises by {slope:.3f} ({low:.3f} to {high:.3f}) for one of {covariate_in_words(document)}")


def covariate_in_words(document: dict) -> str:
    """Name and scale."""
    return f"{'ln ' if document['scale'] == 'log' else ''}{document['covariate']}, link {document['split']['link']}"


if __name__ == "__main__":
    main()
