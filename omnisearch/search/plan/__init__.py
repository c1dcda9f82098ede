"""Planning: the terms of a query become query vectors and lookups."""
