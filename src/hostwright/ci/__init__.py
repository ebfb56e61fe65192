"""What a workflow needs and a person has already: files from secrets, images from another run."""
