"""What generates data: probabilistic context-free grammars, documents sampled from them, and their exact floor."""
