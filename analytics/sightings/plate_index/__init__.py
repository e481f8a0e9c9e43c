"""The index of plates: which of millions of sightings fit what somebody remembers of a plate."""
