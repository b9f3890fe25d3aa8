"""What studies leave behind: checked as it is read, sent to others, derived again."""
