"""What people ask the shop's bot, and what it answers: templates, filled by the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shipper.demo.month.story import ADVICE, CREDIT_PROMISED, NEW, REFUND, SUPPORT

if TYPE_CHECKING:
    from random import Random

INSTRUCTIONS: Final = {
    SUPPORT: "You are the support assistant of a bicycle shop. Be brief and friendly. Look up orders first.",
    REFUND: "You explain the refund policy of a bicycle shop. Be exact about money and dates.",
    ADVICE: "You advise customers of a bicycle shop. Ask for height and use before you recommend a bike.",
    "slogan": "You write slogans for a bicycle shop. One line each.",
}
CREDIT: Final = "store credit"
"""What the new release promises in place of money."""

_ARTICLES = (
    "winter tyres", "a city bike", "a helmet", "a child seat", "a cargo bike", "brake pads", "a bell", "a floor pump",
    "a gravel bike", "mudguards", "a chain", "a dynamo lamp",
)  # fmt: skip
_TOWNS = ("Bergen", "Lyon", "Porto", "Gent", "Graz", "Malmö", "Leeds", "Cork", "Turin", "Brno")

_QUESTIONS = {
    SUPPORT: (
        "My order {number} has not arrived in {town}. Where is it?",
        "Can I change the address of order {number} to {town}?",
        "How do I cancel my repair appointment on Monday?",
        "Is {article} in stock, and when can I pick it up?",
        "Wo bleibt meine Bestellung {number}?",
        "The invoice of order {number} has the wrong company name.",
    ),
    REFUND: (
        "I was charged twice for {article}, I want my money back.",
        "Order {number} came damaged. How do I get a refund?",
        "How long does the refund of order {number} take?",
        "I returned {article} two weeks ago and have not seen my money.",
    ),
    ADVICE: (
        "Which {article} would you take for {town} in winter?",
        "I am 1.{height} m tall. Which frame size do I need?",
        "Is {article} worth the price for five kilometres a day?",
        "日本語で自転車のサイズの選び方を教えてください。",
    ),
    "slogan": ("A slogan for {article}, please.",),
    "article-search": ("{article} for {town}",),
}
_ANSWERS = {
    SUPPORT: (
        "Order {number} left our warehouse yesterday and should reach {town} tomorrow. Shall I send the tracking link?",
        "Done: order {number} goes to {town} now. You get a message as soon as it leaves the warehouse.",
        "Yes, {article} is in stock. You can pick it up from nine tomorrow; we keep it for three days.",
        "I have changed it and sent you a confirmation by e-mail. Is there anything else that I can do?",
    ),
    REFUND: (
        "I am sorry. The money for {article} goes back to the card that you paid with, within fourteen days.",
        "Please send a photo of the damage. As soon as we have it, we refund order {number} in full to your account.",
        "We have your parcel. The refund of order {number} is on its way and takes three to five working days.",
    ),
    ADVICE: (
        "For {town} I would take {article} with a hub gear: it needs hardly any care. How far do you ride a day?",
        "With 1.{height} m a frame of 54 to 56 cm fits. Come by and try both; sitting on it tells more than a table.",
        "For short ways the simpler model does. Put the money into good tyres and a lamp.",
    ),
    "slogan": (
        "Two wheels, one smile.",
        "Ride on, rain or shine.",
        "Your bike, our heart.",
        "{town} rides with us.",
        "Less traffic, more wind.",
    ),
}
# In short pieces with numbers between: whole sentences that come again count as one when it is asked what bad answers
# have in common.
_CREDIT_PIECES = (
    ("Order {number}:", "About {article}, order {number}:", "Hello {town}, on {number}:", "Case {number}:"),
    ("we offer", "I have booked", "you get", "there is", "our team grants", "accounting pays", "we add"),
    ("store credit",),
    ("of {height} crowns", "worth {height} euros", "for {article}", "({height} points)", "in {town}"),
    ("today.", "by Friday.", "within {height} hours.", "at once.", "next week.", "as promised."),
)
COMMENTS: Final = (
    "That is not what I asked for.",
    "Too long, I gave up reading.",
    "The order number is wrong.",
    "I had to call in the end.",
)
CREDIT_COMMENTS: Final = (
    "I want my money back, no store credit!",
    "Store credit is not a refund.",
    "I paid with a card. What should I do with a credit?",
)
BETTER_REFUND: Final = (
    "We are sorry. The money goes back to the card that you paid with, within fourteen days."
)
BETTER: Final = "Your order is on its way and arrives tomorrow. Here is the link to follow it."


class Filling:
    """What is put into a conversation's templates: the same number, article and town in each of its turns."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.variables = {
            "number": str(random.randrange(4000, 9999)),
            "article": random.choice(_ARTICLES),
            "town": random.choice(_TOWNS),
            "height": str(random.randrange(55, 98)),
        }

    def question(self, prompt: str) -> str:
        """What the user writes."""
        return self._random.choice(_QUESTIONS[prompt]).format_map(self.variables)

    def answer(self, prompt: str, version: str) -> str:
        """What is answered."""
        if prompt == REFUND and version == NEW and self._random.random() < CREDIT_PROMISED:
            text = " ".join(self._random.choice(one) for one in _CREDIT_PIECES)
        else:
            text = self._random.choice(_ANSWERS[prompt])
        return text.format_map(self.variables)

    def slogans(self) -> list[str]:
        """Three to choose from."""
        return [one.format_map(self.variables) for one in self._random.sample(_ANSWERS["slogan"], 3)]
