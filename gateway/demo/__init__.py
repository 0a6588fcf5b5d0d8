"""What ``hubgate demo`` shows: two small picture sets and a model, made from files that come with the project."""
