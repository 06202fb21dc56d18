"""What the window says, worked out without Qt: ``ClusterState`` -> frozen contents (sentences, fractions, role names).

Widgets show contents and compute nothing, so all of this is tested with plain asserts. Colours are named by role here
(``worker-3``, ``good``) and become colours in ``gui.theme`` only. Must never import Qt or any widget.
"""
