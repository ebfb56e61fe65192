"""The values of a host that serves: compared, pushed, made anew. Never shown.

``difference`` compares them with the serving release by salted hashes, ``push`` brings a release
with the same images and today's values, ``fresh`` makes a new secret and puts it into the
operator's env file.
"""
