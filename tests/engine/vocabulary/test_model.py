"""Layers that are alike are reckoned once."""

from engine.vocabulary.model import LayerFacts, kinds_of, of_each_layer

SMALL, LARGE = (LayerFacts(weights_bytes=size, active_bytes=size) for size in (1, 2))


def test_what_follows_from_a_layer_is_asked_once_for_each_object_and_told_for_every_layer():
    asked: list[LayerFacts] = []

    def reckon(layer: LayerFacts) -> int:
        asked.append(layer)
        return 10 * layer.weights_bytes

    assert of_each_layer((LARGE, SMALL, SMALL, LARGE, SMALL), reckon) == [20, 10, 10, 20, 10]
    assert asked == [LARGE, SMALL]
    assert of_each_layer((), reckon) == []


def test_kinds_in_the_order_in_which_they_come():
    assert list(kinds_of((LARGE, SMALL, LARGE))) == [LARGE, SMALL]
