"""The words of the window in the language of the person. Knows no Qt, for ``what_to_show`` speaks through it too.

English is written in the code and is its own message id; other languages are catalogues, ``resources/translations/*.po``.
Rejected: Qt's ``tr`` (``what_to_show`` would need Qt, and ids would be scattered over contexts named after classes), the
standard library's ``gettext`` (it reads compiled ``.mo`` files only, which would have to be built and shipped beside their
sources) and keys instead of English (the code could not be read without a catalogue beside it).
"""
