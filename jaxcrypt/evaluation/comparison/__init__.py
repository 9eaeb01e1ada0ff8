"""Every suite over every System in one run, and one page of what they found."""
