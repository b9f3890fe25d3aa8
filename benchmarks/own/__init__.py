"""A search on somebody's own images: what lies in the folder, and a protocol that fits the machine and the time."""
