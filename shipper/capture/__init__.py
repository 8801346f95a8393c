"""Where calls come in: the application API, the logging handler and the formatter. None of them ever raises."""
