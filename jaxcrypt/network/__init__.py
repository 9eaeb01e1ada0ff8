"""Sealed pictures over an insecure network: what is chosen, how a session opens, how pictures arrive once.

``policy``, ``threat`` and ``transcript`` are pure; ``store`` and ``inbox`` keep what arrived; ``server`` and
``client`` speak HTTP. docs/NETWORK.md is the specification.
"""
