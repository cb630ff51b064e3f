"""A modelled Windows desktop: registry, files, products, and as much of cmd.exe as this collection's command lines use.

A stand-in, for a thousand desktops in one process. It answers what it models and says "is not recognized" to everything else, with
exit code 9009: nothing is silently taken for done. README.md says what is in it.
"""
