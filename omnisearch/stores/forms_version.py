"""The version of the forms in which an index stores words, see `tokens`, and of their weights."""

# After a change, the next run of the indexer writes all words again.
FORMS = 5
