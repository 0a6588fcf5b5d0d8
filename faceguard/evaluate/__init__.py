"""How much a folder's faces are hidden, judged from outside by pixels alone."""
