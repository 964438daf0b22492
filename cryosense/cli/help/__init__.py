"""What can be typed, read from the configuration files themselves: help, completion, and answers to typing errors."""
