"""What editors wrote, asked for and are told: the CMS's side of the words."""
