"""``ziplaw verify``: is a folder of results what was written, and what its config asks for."""

from __future__ import annotations

import shlex

import click

from ..options import json_option
from ..printing import print_json, print_table
from ..verb import SweepFolder, Verb


@click.command(cls=Verb)
@click.argument("folder", metavar="DIR", type=SweepFolder())
@click.option("--config", type=click.Path(exists=True, dir_okay=False), help="The sweep's config: is all of it there?")
@click.option("--fix", is_flag=True, help="Remove what is damaged or outdated: Snakemake then makes just that again.")
@json_option
def command(folder: str, config: str | None, fix: bool, as_json: bool) -> int:
    """Verify the results of a sweep or a pilot in DIR, results/NAME, file by file.

    Checksums tell what was damaged, edited or cut short; the checksums that files have of each other, what was made
    from something else; a config, what is missing, foreign or made otherwise. The exit status is 2 where something is
    wrong, with --fix where something is left that it does not remove: it never touches a run of another config or
    corpus, nor what is foreign.

    \b
      ziplaw verify results/default --config config/default.yaml
      ziplaw verify results/default --fix
    """  # noqa: D301
    from ...audit.verified import removals, remove, verify
    from ...errors import ZiplawError
    from ...sweep.config import load_config

    findings, n_files = verify(folder, load_config(config) if config else None)
    removed = remove(folder, removals(findings)) if fix else []
    left = [one for one in findings if not (fix and (one.removed or one.kind == "missing"))]
    if as_json:
        rows = [{"path": one.path, "kind": one.kind, "why": one.why} for one in findings]
        print_json({"folder": folder, "n_files": n_files, "findings": rows, "removed": removed})
    else:
        print_table([{"file": one.path, "is": one.kind, "why": one.why} for one in findings])
        for path in removed:
            click.echo(f"removed {click.format_filename(path)}")
    again = f"snakemake --cores all{f' --configfile {shlex.quote(config)}' if config else ', as before,'}"
    if not as_json and removed:
        click.echo(f"{again} makes what was removed again")
    if not left:
        if not findings and not as_json:
            click.echo(f"{n_files} files of {folder} are as they were written")
        return 0
    fixable = sum(one.removed for one in left)
    if fixable:
        what = f"`ziplaw verify {shlex.quote(folder)} --fix` removes {fixable} of them, then {again} makes them again"
    elif any(one.kind == "missing" for one in left):
        what = f"{again} makes what is missing"
    else:
        what = "--fix leaves such files alone, see what is said of each"
    raise ZiplawError(f"{len(left)} of {n_files} files of {folder} are not as they should be: {what}")
