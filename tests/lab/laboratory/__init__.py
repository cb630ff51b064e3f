"""A small company on one Debian 12 machine: network namespaces, containers, a Samba domain controller."""
