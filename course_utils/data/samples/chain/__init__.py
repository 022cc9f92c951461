"""A simulated chain of drugstores: its calendar, the weather, what people search for, its stores and what they sell."""
