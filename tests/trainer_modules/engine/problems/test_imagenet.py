from trainer_modules.engine.problems import imagenet


def test_known_synsets_are_where_keras_has_them() -> None:
    known = {
        0: ("n01440764", "tench"),
        1: ("n01443537", "goldfish"),
        217: ("n02102040", "English_springer"),
        388: ("n02510455", "giant_panda"),
        999: ("n15075141", "toilet_tissue"),
    }
    for index, synset in known.items():
        assert imagenet.synsets()[index] == synset


def test_there_are_a_thousand_in_the_order_of_the_ids() -> None:
    ids = [wnid for wnid, _ in imagenet.synsets()]
    assert len(ids) == 1000 and ids == sorted(set(ids))
    assert imagenet.ids() == tuple(ids)
    names = imagenet.names()
    assert sorted({n for n in names if names.count(n) > 1}) == ["crane", "maillot"]
