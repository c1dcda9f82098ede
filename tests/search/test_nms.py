"""Windows on a grid."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from omnisearch.search.locate.nms import SHARED, Window, non_maximum_suppression, windows

sides = st.integers(1, 20)


@given(sides, sides)
def test_windows_of_every_size_cover_the_grid_and_stay_on_it(rows: int, columns: int) -> None:
    laid = windows(rows, columns, (2, 4))
    assert len(set(laid)) == len(laid)
    assert Window(0, 0, rows, columns) in laid
    for size in (2, 4):
        covered = np.zeros((rows, columns), bool)
        for w in laid:
            assert 0 <= w.top < w.bottom <= rows
            assert 0 <= w.left < w.right <= columns
            if (w.bottom - w.top, w.right - w.left) == (min(size, rows), min(size, columns)):
                covered[w.top : w.bottom, w.left : w.right] = True
        assert covered.all()


corners, lengths = st.tuples(st.integers(0, 9), st.integers(0, 9)), st.tuples(st.integers(1, 6), st.integers(1, 6))
boxes = st.builds(lambda at, size: Window(*at, at[0] + size[0], at[1] + size[1]), corners, lengths)


def shared(one: Window, other: Window) -> float:
    """How much of the smaller one the two share, counted cell by cell."""
    cells = [{(r, c) for r in range(w.top, w.bottom) for c in range(w.left, w.right)} for w in (one, other)]
    return len(cells[0] & cells[1]) / min(map(len, cells))


@given(st.lists(boxes, min_size=1, max_size=10, unique=True), st.data())
def test_what_stands_apart(laid: list[Window], data: st.DataObject) -> None:
    values = data.draw(st.lists(st.integers(-50, 50), min_size=len(laid), max_size=len(laid), unique=True))
    kept = non_maximum_suppression(laid, values)
    assert values[kept[0]] == max(values)
    assert [values[k] for k in kept] == sorted((values[k] for k in kept), reverse=True)
    assert all(shared(laid[a], laid[b]) <= SHARED for a in kept for b in kept if a != b)
    for i in set(range(len(laid))) - set(kept):  # what was dropped shows the same as something better
        assert any(values[k] > values[i] and shared(laid[k], laid[i]) > SHARED for k in kept)
