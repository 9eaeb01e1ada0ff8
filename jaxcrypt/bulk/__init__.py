"""Millions of pictures on an engine that others run: an Apache Beam pipeline, and what its workers do."""
