"""The mapping language: text and trees to closures. It knows nothing of events, HTTP or files."""
