"""What is shown while lines are counted: on the terminal, and as a page that follows."""
