"""Licence plates as a plain library: grammar, reading, voting over a track, search. No models, no views."""
