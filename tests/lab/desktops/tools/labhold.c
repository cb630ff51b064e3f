/* Stays. As long as one program runs, Wine keeps its services and its registry in memory. The laboratory's own. */

#include <windows.h>

int wmain(void)
{
    Sleep(INFINITE);
    return 0;
}
