"""The server side's commands, one file a family. They call the same actions as the API."""
