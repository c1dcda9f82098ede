"""Read what files say of themselves: the time they were made, the camera, the place, titles, keywords, artists."""
