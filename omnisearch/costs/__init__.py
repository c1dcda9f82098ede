"""What an index costs: time, memory, disk and money, by formulas over constants that were measured or assumed."""
