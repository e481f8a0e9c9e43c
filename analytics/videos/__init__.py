"""Uploaded videos: the job that analyses one, its interfaces (protocol 003), and the links to what was made of it."""
