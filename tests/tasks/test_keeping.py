"""Which of several documents that say the same is kept."""

from __future__ import annotations

import random
import time
from itertools import pairwise

import pytest

from rag_engine.errors import InvalidInput
from rag_engine.tasks.duplicate_records import DuplicateGroup, Kind, ListedDocument
from rag_engine.tasks.keeping import plan_keeping


def document(name: str, added: int, language: str = "de", characters: int = 10, **metadata):
    return ListedDocument(
        id=name,
        source=f"folder/{name}.md",
        title="",
        language=language,
        characters=characters,
        added=added,
        metadata=metadata,
    )


A = document("a", 1, characters=30, date="2024-05-01", version=9)
B = document("b", 2, "fr", 20, date="2025-01-31", version=10)
C = document("c", 3, "fr", 30)


def group(*documents, pairs=None, kind=Kind.NEAR, copies=()):
    names = [each.id for each in documents]
    if pairs is None:
        pairs = [(one, other) for one in names for other in names if one < other]
    return DuplicateGroup(kind=kind, documents=documents, pairs=tuple(pairs), copies=tuple(copies))


@pytest.mark.parametrize(
    ("rules", "deleted"),
    [
        (["first-added"], {"b", "c"}),
        (["last-added"], {"a", "b"}),
        (["shortest"], {"a", "c"}),
        (["longest"], {"b"}),  # two are as long: both stay
        (["longest", "last-added"], {"a", "b"}),
        (["language:fr"], {"a"}),
        (["language:fr-CA"], {"a"}),
        (["language:sw"], set()),  # none is: nothing is told
        (["language:sw", "first-added"], {"b", "c"}),
        (["source:folder/b*"], {"a", "c"}),
        (["source:c"], {"a", "b"}),
        (["source:*"], set()),
        (["newest:date"], set()),  # c has none: it may be the newest
        (["language:fr", "newest:date"], {"a"}),
        (["newest:date", "first-added"], {"b", "c"}),
        (["newest:nothing"], set()),
    ],
)
def test_what_the_rules_leave_is_kept(rules, deleted):
    plan = plan_keeping([group(A, B, C)], rules)
    assert set(plan.deleted) == deleted
    assert (len(plan.undecided) == 1) is (not deleted)
    assert not set(plan.kept) & set(plan.deleted)


@pytest.mark.parametrize(
    ("one", "other", "newest"),
    [
        ("2024-05-01", "2025-01-31", "y"),
        (9, 10, "y"),
        (9.5, 9, "x"),
        ("2024-01-01T09:00:00+02:00", "2024-01-01T08:30:00Z", "y"),  # 07:00 is before 08:30
        ("2024-01-01T09:00:00+02:00", "2024-01-01T07:00:00Z", "xy"),
        ("2024-01-01T09:00:00", " 2024-01-01 08:30 ", "x"),
        ("20240501", "2024-04-30", "x"),
        ("2024-01-01", "2024-01-01T08:30:00", "xy"),  # some time of that day
        ("2024-01-02", "2024-01-01T08:30:00", "x"),
        ("2024-01-01T09:00:00", "2024-01-01T08:30:00Z", "xy"),
        ("2024-01-02", "2024-01-01T08:30:00Z", "xy"),
        ("2024-05-01", "31.01.2025", "xy"),
        ("9", "10", "xy"),
        (2024, "2025-01-01", "xy"),
        (1, True, "xy"),
        (1, float("nan"), "xy"),
        ("2024-05-01", "", "xy"),
    ],
)
def test_fields_are_compared_as_what_they_are_or_not_at_all(one, other, newest):
    both = [document("x", 1, f=one), document("y", 2, f=other)]
    for documents in (both, both[::-1]):
        for rule, kept in (("newest", newest), ("oldest", newest.translate({120: 121, 121: 120}))):
            plan = plan_keeping([group(*documents)], [f"{rule}:f"])
            assert {"x", "y"} - set(plan.deleted) == set(kept)
            assert len(plan.undecided) == (len(kept) == 2)


def test_nothing_goes_that_duplicates_only_what_goes():
    chain = group(A, B, C, pairs=[("a", "b"), ("b", "c")])
    plan = plan_keeping([chain], ["first-added"])
    assert plan.deleted == {"b": "a"}
    assert plan.spared == ("c",)


def test_a_copy_goes_with_what_it_copies():
    pair = group(A, B, C, pairs=[("a", "b")], copies=[("b", "c")])
    assert plan_keeping([pair], ["first-added"]).deleted == {"b": "a", "c": "a"}
    # The other way: of a the copy of b is as much a duplicate as b.
    assert plan_keeping([pair], ["last-added"]).deleted == {"a": "c", "b": "c"}


def partners(name, pairs, copies):
    """What a document duplicates directly, as it is defined."""
    of = {each: set(those) for those in copies for each in those}
    own = of.get(name, {name})
    paired = {each for pair in pairs if own & set(pair) for each in pair}
    return own.union(*(of.get(each, {each}) for each in paired)) - {name}


@pytest.mark.parametrize("seed", range(20))
def test_each_goes_by_the_first_that_it_duplicates_and_is_kept(seed):
    drawn = random.Random(seed)
    documents = [document(f"d{place:02}", place, drawn.choice(["de", "fr"])) for place in range(14)]
    names = [each.id for each in documents]
    drawn.shuffle(names)
    copies = [tuple(names[:3]), tuple(names[3:5])]
    heads = [names[0], names[3], *names[5:]]
    pairs = [tuple(drawn.sample(heads, 2)) for _ in range(9)]
    plan = plan_keeping([group(*documents, pairs=pairs, copies=copies)], ["language:fr"])
    kept = {each.id for each in documents if each.language == "fr"}
    beside = {name: partners(name, pairs, copies) & kept for name in set(names) - kept}
    assert plan.deleted == {name: min(those) for name, those in beside.items() if those}
    assert set(plan.spared) == {name for name, those in beside.items() if not those}


def test_very_many_copies_and_versions_are_soon_told():
    copies = [document(f"c{place}", place) for place in range(20_000)]
    versions = [document(f"v{place}", 20_000 + place) for place in range(3_000)]
    names = [each.id for each in versions]
    pairs = [("c0", name) for name in names] + list(pairwise(names))
    every = group(*copies, *versions, pairs=pairs, copies=[tuple(each.id for each in copies)])
    before = time.process_time()
    plan = plan_keeping([every], ["first-added"])
    assert time.process_time() - before < 5  # once it was hours
    assert len(plan.deleted) == 22_999
    assert set(plan.deleted.values()) == {"c0"}


def test_what_one_group_keeps_no_other_deletes():
    plan = plan_keeping([group(A, B), group(B, C, kind=Kind.TRANSLATION)], ["source:a", "source:b"])
    assert plan.deleted == {"c": "b"}
    assert plan.spared == ()
    assert set(plan.kept) == {"a", "b"}


@pytest.mark.parametrize(
    ("rules", "unfit"),
    [
        (["newest:publishd", "first-added"], ("newest:publishd",)),
        (["source:nowhere/*", "language:sw", "longest"], ("source:nowhere/*", "language:sw")),
        (["language:fr", "newest:date"], ()),  # it fits one group of the two
        (["source:a", "source:b", "source:c"], ()),  # what is not left when it is asked
        (["longest"], ()),
    ],
)
def test_rules_that_fit_nothing_are_told(rules, unfit):
    assert plan_keeping([group(A, B), group(B, C)], rules).unfit == unfit
    assert plan_keeping([], rules).unfit == ()  # there is nothing that it could fit


def test_a_group_that_is_left_as_it_is_protects_nothing():
    """That two French copies can not be told apart is no reason to keep a translation of one."""
    plan = plan_keeping([group(B, C), group(A, B, kind=Kind.TRANSLATION)], ["language:de"])
    assert plan.deleted == {"b": "a"}


@pytest.mark.parametrize("rules", [[], ["newest"], ["language:"], ["longest:x"], ["foo"], [""]])
def test_what_is_no_rule_is_refused(rules):
    with pytest.raises(InvalidInput, match="first-added"):
        plan_keeping([group(A, B)], rules)
    with pytest.raises(InvalidInput, match="a language is a code"):
        plan_keeping([], ["language:?"])
