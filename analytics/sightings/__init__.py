"""Who and which plate was seen in the videos, and when: the indexes of sightings and the searches of protocol 003."""
