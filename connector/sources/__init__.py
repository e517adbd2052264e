"""Where events come from. A source reads and says where each item stood; it decides nothing."""
