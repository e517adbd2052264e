"""Pseudonyms for what could name a person: the same value gets the same one wherever it stands, in the same shape.

In: values, texts and events, and a key. Out: the same with pseudonyms. Only what is known to be harmless stays.
"""

from connector.pseudonyms.masks import Pseudonyms
from connector.pseudonyms.persons import words_of_person
from connector.pseudonyms.rules import NO_RULES, Rule, Rules, rules_of

__all__ = ["NO_RULES", "Pseudonyms", "Rule", "Rules", "rules_of", "words_of_person"]
