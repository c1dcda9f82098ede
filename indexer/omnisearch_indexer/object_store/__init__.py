"""Objects of a store, such as those of S3, as files of this machine."""
