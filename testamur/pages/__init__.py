"""What a learner gets to look at: a picture, a page and a certificate of one credential."""
