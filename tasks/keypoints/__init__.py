"""The joints of one person, each by a heat map of a decoder."""
