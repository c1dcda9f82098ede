"""The version of the word forms (see `tokens`) and of their weights in an index."""

# After a change, the next run of the indexer writes all words again.
FORMS = 5
