/* What the stand-ins share. They are the laboratory's own programs in the places of Windows' tools that Wine only has the names
 * of: they do the work, with the exit codes of the real ones; their texts are English and not Microsoft's. See README.md.
 */
#ifndef COMMON_H
#define COMMON_H

#ifndef UNICODE
#define UNICODE
#endif
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#define PATHS 1024
#define LINES 40000

/* Written in the console's code page, as Windows' own tools do when nobody sees a console; without one as UTF-8, which is what
 * WinRM's clients ask for. */
void say(const WCHAR *format, ...);
/* The same to standard error; returns code, so that `return fail(1, …)` ends a program. */
int fail(int code, const WCHAR *format, ...);
/* Equal but for case. */
BOOL is(const WCHAR *one, const WCHAR *other);
/* A whole file with two zero bytes behind it, to be freed; NULL and GetLastError when it cannot be read. */
BYTE *read_file(const WCHAR *path, size_t *size);
/* A file as text: UTF-16LE with its mark, otherwise UTF-8, otherwise the ANSI code page. *wide: whether it was UTF-16. */
WCHAR *read_text(const WCHAR *path, BOOL *wide);
/* Write a file anew; 0 or the error. */
DWORD write_file(const WCHAR *path, const void *data, size_t size);
/* Make the folders above a file. */
void make_folders_for(const WCHAR *file);
/* A value that is a text, expanded if it is of that type; FALSE when there is none. */
BOOL text_value(HKEY root, const WCHAR *key, const WCHAR *name, WCHAR *out, DWORD chars);
void set_text(HKEY root, const WCHAR *key, const WCHAR *name, DWORD type, const WCHAR *text, BOOL is_volatile);
void set_number(HKEY root, const WCHAR *key, const WCHAR *name, DWORD number, BOOL is_volatile);
DWORD number_value(HKEY root, const WCHAR *key, const WCHAR *name, DWORD otherwise);
/* The command line behind the program's own name. */
const WCHAR *rest_of_command_line(void);
#endif
