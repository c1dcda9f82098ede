"""Networks and their preprocessing in torch: shared parts, and networks too long for a family's file."""
