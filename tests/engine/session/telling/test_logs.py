"""What processes printed: bounded, numbered."""

from engine.session.telling.logs import KEPT_LINES, LogBook


def test_only_new_lines():
    book = LogBook()
    for word in ("a", "b", "c"):
        book.append("p", word)
    assert book.lines("p") == (3, ("a", "b", "c"))
    assert book.lines("p", 2) == (3, ("c",))
    assert book.lines("p", 3) == (3, ())
    assert book.lines("p", 99) == (3, ())
    assert book.lines("unknown", 5) == (0, ())


def test_old_lines_are_forgotten_and_numbers_go_on():
    book = LogBook()
    for number in range(KEPT_LINES + 10):
        book.append("p", str(number))
    count, lines = book.lines("p")
    assert count == KEPT_LINES + 10
    assert len(lines) == KEPT_LINES
    assert lines[0] == "10"
    assert book.lines("p", count - 1) == (count, (str(count - 1),))
    assert len(book.lines("p", 5)[1]) == KEPT_LINES, "a reader that was away gets what is kept"


def test_an_earlier_process_is_forgotten():
    book = LogBook()
    book.append("p", "old")
    book.append("q", "other")
    book.forget("p")
    assert book.lines("p") == (0, ())
    assert book.lines("q") == (1, ("other",))


def test_all_processes_in_the_order_of_arrival_with_the_time():
    times = iter([10.0, 11.0, 12.0, 13.0])
    book = LogBook(lambda: next(times))
    for process, word in (("p", "a"), ("q", "b"), ("p", "c")):
        book.append(process, word)
    lines = book.since(0)
    assert [(line.process_id, line.text, line.arrived_at_seconds) for line in lines] == [
        ("p", "a", 10.0),
        ("q", "b", 11.0),
        ("p", "c", 12.0),
    ]
    assert book.since(lines[-1].number) == ()
    book.forget("p")
    book.append("p", "new")
    assert [line.text for line in book.since(lines[-1].number)] == ["new"], "numbers go on after a process is forgotten"
    assert [line.text for line in book.since(0)] == ["b", "new"]
