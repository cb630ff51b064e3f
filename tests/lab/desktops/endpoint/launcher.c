/* Starts one command line for a WinRS shell, exactly as it is, and tells its exit code with all 32 bits. The laboratory's own.
 *
 * launcher.exe REQUEST ANSWER
 *   REQUEST  UTF-16LE without a byte order mark: working directory (may be empty), NUL, any number of NAME=VALUE, each
 *            followed by NUL, one more NUL, and the command line as CreateProcessW gets it
 *   ANSWER   this writes "started", then "exit NUMBER"; or "error NUMBER" (GetLastError) when it could not be started
 * Standard input, output and error are its own.
 *
 * Whatever the command starts is in a job that ends with this process, as in WinRM's host process: the server ends this process
 * when the command is terminated or its shell deleted. As long as something of the job runs, this process stays.
 */

#include <windows.h>
#include <stdio.h>
#include <wchar.h>

static WCHAR request[70000];

static void answer(const WCHAR *path, const char *format, DWORD number)
{
    FILE *file = _wfopen(path, L"ab");
    if (!file) ExitProcess(126);
    fprintf(file, format, (unsigned long)number);
    fclose(file);
}

static DWORD alive(HANDLE job)
{
    JOBOBJECT_BASIC_ACCOUNTING_INFORMATION info = { 0 };
    if (!QueryInformationJobObject(job, JobObjectBasicAccountingInformation, &info, sizeof(info), NULL)) return 0;
    return info.ActiveProcesses;
}

int wmain(int argc, WCHAR **argv)
{
    STARTUPINFOW startup = { sizeof(startup) };
    PROCESS_INFORMATION process;
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = { 0 };
    WCHAR *directory, *next;
    HANDLE job;
    DWORD code = 0;
    FILE *file;

    if (argc != 3 || !(file = _wfopen(argv[1], L"rb"))) return 126;
    request[fread(request, sizeof(WCHAR), 69998, file)] = 0;
    fclose(file);
    directory = request;
    for (next = directory + wcslen(directory) + 1; *next; next += wcslen(next) + 1) {
        WCHAR *value = wcschr(next + 1, L'=');
        if (!value) return 126;
        *value = 0;
        SetEnvironmentVariableW(next, value + 1);
        *value = L'=';
    }
    next++;

    job = CreateJobObjectW(NULL, NULL);
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_BREAKAWAY_OK;
    SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof(limits));
    if (!CreateProcessW(NULL, next, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, *directory ? directory : NULL, &startup, &process)) {
        answer(argv[2], "error %lu\n", GetLastError());
        return 0;
    }
    AssignProcessToJobObject(job, process.hProcess);
    answer(argv[2], "started\n", 0);
    ResumeThread(process.hThread);
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    /* Nobody reads on from a command that ended: what it left behind has no more say about its output. */
    CloseHandle(GetStdHandle(STD_INPUT_HANDLE));
    CloseHandle(GetStdHandle(STD_OUTPUT_HANDLE));
    CloseHandle(GetStdHandle(STD_ERROR_HANDLE));
    answer(argv[2], "exit %lu\n", code);
    while (alive(job)) Sleep(200);
    return 0;
}
