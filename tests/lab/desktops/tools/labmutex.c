/* Holds a named mutex for some time: labmutex.exe NAME MILLISECONDS. Global\_MSIExecute makes msiexec say 1618. The laboratory's own. */
#include "common.h"

int wmain(int argc, WCHAR **argv)
{
    HANDLE mutex = argc == 3 ? CreateMutexW(NULL, TRUE, argv[1]) : NULL;

    if (!mutex) return fail(1, L"labmutex NAME MILLISECONDS\r\n");
    WaitForSingleObject(mutex, INFINITE);
    Sleep(_wtoi(argv[2]));
    ReleaseMutex(mutex);
    return 0;
}
