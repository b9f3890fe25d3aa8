"""What tasks share whose networks are an encoder and a decoder that gives numbers of every pixel."""
