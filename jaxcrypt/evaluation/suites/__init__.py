"""What ``evaluate`` measures: one module for each suite."""
