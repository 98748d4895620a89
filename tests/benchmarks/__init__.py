"""The benchmark program: it runs and counts rightly. No figure is compared with anything."""
