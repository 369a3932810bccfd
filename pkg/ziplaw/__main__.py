"""``python -m ziplaw``: the same as the ``ziplaw`` command."""

from .cli import main

main()
