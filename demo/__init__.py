"""The corpus of the demo, made of public packages, and the queries that it is shown with."""
