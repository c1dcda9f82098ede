"""Evaluation of bound models: recall, composed queries, mixed lists, localization, zero-shot classification."""
