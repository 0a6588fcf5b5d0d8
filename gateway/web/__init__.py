"""HTTP: who asks, what is asked for, and the words of the answer. Sends no asset byte itself."""
