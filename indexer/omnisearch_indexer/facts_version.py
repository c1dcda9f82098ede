"""The version of the facts of items (see `path_labels`)."""

from omnisearch.stores.forms_version import FORMS

# Raise it when `LabelTree.facts` or `facts_json` give another result for the same files and labels.
FACTS_VERSION = 3


def facts_version() -> str:
    """The version of the facts and of the forms in which the engine stores their words."""
    return f"{FACTS_VERSION}.{FORMS}"
