"""A folder of pictures at a time: any number of them, in any number of runs."""
