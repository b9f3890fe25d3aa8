"""What is measured across studies: strategies on tables, cheap signals beside the final training, tables of one's own."""
