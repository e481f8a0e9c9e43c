"""The conversation with a citizen: handshake, questions, storage, summary (platform protocol, 流程)."""
