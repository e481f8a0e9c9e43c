"""Cameras watched live: reading them, following the faces on them, and one event for each visit."""
