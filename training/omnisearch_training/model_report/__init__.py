"""The report of a bound model: its routers, its spaces, its pairs, and what its training data share with its tests."""
