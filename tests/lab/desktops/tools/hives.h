/* Registry hives in files that are loaded below HKLM and HKU. */
#ifndef HIVES_H
#define HIVES_H
#include "common.h"

#define HIVELIST L"SYSTEM\\CurrentControlSet\\Control\\hivelist"

/* root is HKEY_USERS or HKEY_LOCAL_MACHINE. All return 0 or Windows' error.
 * Loaded from FILE; ERROR_SHARING_VIOLATION when that file is loaded already, ERROR_ACCESS_DENIED when the key is there. */
DWORD hive_load(HKEY root, const WCHAR *key, const WCHAR *file);
/* Written back and unloaded; ERROR_INVALID_PARAMETER when it is not the root of a hive. */
DWORD hive_unload(HKEY root, const WCHAR *key);
/* Written back; it stays loaded. */
DWORD hive_flush(HKEY root, const WCHAR *key);
/* A key with all below it into a file. */
DWORD hive_save(HKEY root, const WCHAR *key, const WCHAR *file);
#endif
