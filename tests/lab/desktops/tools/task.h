/* Scheduled tasks as schtasks registers them: the XML below system32\Tasks, as Windows keeps it. */
#ifndef TASK_H
#define TASK_H
#include "users.h"

struct task
{
    WCHAR name[PATHS];
    WCHAR user[256], group[256], logon_type[64], run_level[64];
    WCHAR command[PATHS], arguments[8192], folder[PATHS];
    WCHAR trigger_user[256];
    BOOL logon_trigger, enabled, on_demand, hidden, parallel;
    DWORD limit;
};

/* "\A\b", "A\b" -> the file below system32\Tasks; FALSE when it is no name for a task. */
BOOL task_file(const WCHAR *name, WCHAR *path);
/* NULL, or what is wrong with it. wide: the text came from a file in UTF-16. */
const WCHAR *task_parse(const WCHAR *xml, BOOL wide, struct task *task);
/* 0 or the error of the file; ERROR_INVALID_DATA when it is none. */
DWORD task_read(const WCHAR *name, struct task *task);
/* Whether a task runs as this user when it is started for everybody whom its principal means. */
BOOL task_is_for(const struct task *task, const struct user *user);
BOOL task_is_for_system(const struct task *task);
/* Start it as this user, by a process that waits for it; FALSE when that failed. */
BOOL task_start(const WCHAR *name, const WCHAR *sid);
/* What that process does: the action's exit code. */
DWORD task_run(const WCHAR *name, const WCHAR *sid);
/* Calls found for each task's name ("\A\b"), in the order of the file system. */
void tasks_each(void (*found)(const WCHAR *name, void *context), void *context);
/* The key below HKEY_LOCAL_MACHINE where the results of a task lie. */
void task_key(const WCHAR *name, WCHAR *key);
#endif
