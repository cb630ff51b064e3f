/* The users of this desktop: who is logged on, and programs run as one of them. */
#ifndef USERS_H
#define USERS_H
#include "common.h"

#define MAX_USERS 64
#define SYSTEM_SID L"S-1-5-18"

struct user
{
    WCHAR sid[192], name[256], domain[64], profile[PATHS];
    DWORD session;
};

/* Those who are logged on: loaded hives with "Volatile Environment". Returns how many. */
int logged_on(struct user *users);
/* The account SYSTEM with the profile that it has on Windows. */
void system_account(struct user *user);
/* Start a command line as this user: his SID is in the token (so HKEY_CURRENT_USER and whatever his programs start is his, too),
 * his variables in the environment. administrator: member of that group. 0 or an error. */
DWORD start_as(const struct user *user, BOOL administrator, const WCHAR *line, const WCHAR *folder, PROCESS_INFORMATION *process);
/* Whether a process runs as this SID. */
BOOL runs_as(HANDLE process, const WCHAR *sid);
#endif
