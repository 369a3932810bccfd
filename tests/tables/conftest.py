"""What several files of tests of tables read."""

import numpy as np
import pytest
from tables_of_laws import NAMES, PLAIN, RECORDS


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    path = tmp_path_factory.mktemp("plain") / "t.csv"
    path.write_text(PLAIN)
    return {name: np.array([row[name] for row in RECORDS]) for name in NAMES} | {"path": path}
