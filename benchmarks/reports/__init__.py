"""How figures are shown and kept: tables, JSON, plots, the machine they are from, and how far the program is."""
