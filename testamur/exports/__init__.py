"""The log as rows and files for people who compute on it."""
