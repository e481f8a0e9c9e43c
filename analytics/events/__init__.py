"""Recognition events (protocol 001): recording them, telling clients of them as they happen, relaying those of other boxes."""
