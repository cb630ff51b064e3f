"""A WinRM endpoint for the laboratory: WS-Management and WinRS as a Windows desktop answers them.

A stand-in: there is no Windows behind it. What it understands of the protocols ([MS-WSMV], [MS-WSMAN], [MS-NLMP]) and what it
refuses is in README.md; the commands themselves run in a backend (a Linux process, Wine, or a modelled desktop).
"""
