/* A stand-in for query.exe and quser.exe: who is logged on, from the registry as the laboratory's logon leaves it.
 *
 *   query user [NAME]    query session    quser [NAME]
 * Exit codes: 0; 1 when nobody is there. The real one prints localised words: nothing may rest on them.
 */
#include "users.h"

int wmain(int argc, WCHAR **argv)
{
    static struct user users[MAX_USERS];
    WCHAR *own = wcsrchr(argv[0], '\\');
    BOOL quser = !_wcsnicmp(own ? own + 1 : argv[0], L"quser", 5);
    const WCHAR *what = quser ? L"user" : argc > 1 ? argv[1] : L"";
    const WCHAR *wanted = argc > (quser ? 1 : 2) ? argv[quser ? 1 : 2] : NULL;
    int count = logged_on(users), index, shown = 0;

    if (is(what, L"user"))
    {
        for (index = 0; index < count; index++)
        {
            if (wanted && !is(wanted, users[index].name)) continue;
            if (!shown++) say(L" USERNAME              SESSIONNAME        ID  STATE   IDLE TIME  LOGON TIME\r\n");
            say(L" %-22ls%-18ls%3lu  Active      none   1/1/2026 8:00 AM\r\n", users[index].name,
                users[index].session == 1 ? L"console" : L"rdp-tcp#0", users[index].session);
        }
        return shown ? 0 : fail(1, L"No User exists for %ls\r\n", wanted ? wanted : L"*");
    }
    if (!is(what, L"session")) return fail(1, L"Invalid parameter(s)\r\nQUERY { PROCESS | SESSION | TERMSERVER | USER }\r\n");
    say(L" SESSIONNAME       USERNAME                 ID  STATE   TYPE        DEVICE\r\n>services                                    0  Disc\r\n");
    for (index = 0; index < count; index++)
        say(L" %-18ls%-20ls%7lu  Active\r\n", users[index].session == 1 ? L"console" : L"rdp-tcp#0", users[index].name, users[index].session);
    return 0;
}
