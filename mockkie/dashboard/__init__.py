"""The web page over a running mock, below `/__mockkie/`: made on the server, works offline."""
