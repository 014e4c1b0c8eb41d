"""How often each value of one column goes with each value of another, as a table in the pages."""

from collections import Counter

import pandas as pd
from IPython.display import Markdown

from superposition.site.cards import pipe_table, plain
from superposition.values import fmt


def counts(frame: pd.DataFrame, *, by: str, of: str, heading: str) -> Markdown:
    """Counts of the values of column `of`, a column each, by those of `by`, largest first.

    `heading` stands over the first column; counts of zero are left blank.
    """
    pairs = Counter(zip(frame[by], frame[of], strict=True))
    names = [name for name, _ in Counter(frame[of]).most_common()]
    rows = [
        [
            f"{value:.2g}",
            *(fmt(pairs[value, name]) if pairs[value, name] else "" for name in names),
        ]
        for value in sorted(set(frame[by]), reverse=True)
    ]
    header = [plain(heading), *map(plain, names)]
    return Markdown(pipe_table(header, rows, widths=[1] * len(header)))
