"""Classification of whole images: a backbone, its last map averaged, and a linear layer."""
