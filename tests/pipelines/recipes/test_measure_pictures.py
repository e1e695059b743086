"""What pictures cost questions about texts: a table of a small set, with a model that is blind."""

from __future__ import annotations

import numpy as np
import pytest

from rag_engine.pipelines.recipes.measure_pictures import BlindImages, main, pictures, worth
from rag_engine.ports import ImageEmbedder
from tests.small_sets import set_of


def test_the_model_is_blind_and_every_picture_another_one():
    model = BlindImages()
    assert isinstance(model, ImageEmbedder)
    shown = pictures(3)
    assert len({one.image.digest for one in shown}) == 3
    vectors = model.embed_images([one.image.data for one in shown])
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(3), atol=0.2)


def test_more_passages_make_a_picture_less_likely_and_more_evidence_more():
    assert worth(4, 10) > worth(4, 100) > worth(4, 1_000)
    assert worth(5, 100) > worth(4, 100)


@pytest.mark.slow
def test_it_prints_both_tables(tmp_path, capsys):
    main([str(set_of(tmp_path / "set")), str(tmp_path / "kbs"), "6", "5"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "6 questions over 20 passages"
    rows = [line.split(" | ") for line in lines if line.startswith("| ")][1:4]
    assert [len(row) for row in rows] == [5, 5, 5]
    assert rows[0][3] == rows[1][3] == "0.000"
    assert len([line for line in lines if line.startswith("| ") and "above" not in line]) == 9
