"""Networks and their inputs, in torch: parts that families share, and networks too long for a family's file."""
