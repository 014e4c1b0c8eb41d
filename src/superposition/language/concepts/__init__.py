"""What every token is: concepts that a parser, a word list or a pattern finds in the text."""
