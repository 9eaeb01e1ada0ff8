"""What is measured of speed and memory."""
