"""The budget of answers under way: what they hold is counted, and who reads nothing goes first."""

from __future__ import annotations

from api.http.answers import Answers


class Client:
    """A client, and whether it was given up."""

    def __init__(self) -> None:
        self.gone = False

    def give_up(self) -> None:
        self.gone = True


def clients(count: int) -> list[Client]:
    return [Client() for _ in range(count)]


def test_the_client_that_has_read_nothing_for_longest_goes_first() -> None:
    answers = Answers(100)
    first, second, third = clients(3)
    for each in (first, second, third):
        answers.hold(each, 33)
    answers.proceeds(first)
    answers.hold(third, 40)
    assert [each.gone for each in (first, second, third)] == [False, True, False]
    assert answers.held == 73
    assert answers.given_up == 1


def test_one_object_that_many_are_sent_counts_once() -> None:
    answers = Answers(100)
    shared = bytes(80)
    many = clients(50)
    for each in many:
        answers.hold(each, 0, shared)
    assert answers.held == 80
    for each in many:
        answers.hold(each, 0, None)
    assert answers.held == 0
    assert not any(each.gone for each in many)


def test_as_many_go_as_are_needed_and_no_more() -> None:
    answers = Answers(100)
    many = clients(10)
    for each in many:
        answers.hold(each, 10)
    newest = Client()
    answers.hold(newest, 0, bytes(35))
    assert [each.gone for each in many] == [True] * 4 + [False] * 6
    assert not newest.gone
    assert answers.held == 95


def test_what_alone_is_more_than_the_budget_goes_too() -> None:
    answers = Answers(100)
    (huge,) = clients(1)
    answers.hold(huge, 0, bytes(101))
    assert huge.gone
    assert answers.held == 0


def test_a_client_that_is_gone_can_still_say_that_it_holds_nothing() -> None:
    answers = Answers(100)
    (client,) = clients(1)
    answers.hold(client, 50)
    assert answers.make_room()
    answers.hold(client, 0)
    assert answers.held == 0
    assert not answers.make_room()
