/*
 * The one program of the test image without a shell. Each verb shows one thing that a test wants to
 * know of a container: its arguments, environment, user or files, or that it stays busy or idle.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static int usage(void)
{
    fputs("usage: tiny sleep N | echo WORDS | cat FILE | id | env | args [WORDS] | spin\n", stderr);
    return 2;
}

/* As process 1 of a container no signal has a default action, so SIGTERM needs a handler to end it. */
static void end(int sig)
{
    _exit(128 + sig);
}

static int cat(const char *path)
{
    char buf[4096];
    size_t n;
    FILE *f = fopen(path, "rb");
    if (!f) {
        fprintf(stderr, "tiny: %s: %s\n", path, strerror(errno));
        return 1;
    }
    while ((n = fread(buf, 1, sizeof buf, f)) > 0)
        fwrite(buf, 1, n, stdout);
    return ferror(f) || ferror(stdout) ? 1 : 0;
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";

    signal(SIGTERM, end);
    signal(SIGINT, end);
    if (!strcmp(verb, "sleep") && argc == 3) {
        unsigned left = (unsigned)strtoul(argv[2], NULL, 10);
        while (left > 0)
            left = sleep(left);
        return 0;
    }
    if (!strcmp(verb, "echo")) {
        for (int i = 2; i < argc; i++)
            printf("%s%s", i > 2 ? " " : "", argv[i]);
        putchar('\n');
        return 0;
    }
    if (!strcmp(verb, "cat") && argc == 3)
        return cat(argv[2]);
    if (!strcmp(verb, "id")) {
        printf("uid=%d gid=%d\n", (int)geteuid(), (int)getegid());
        return 0;
    }
    if (!strcmp(verb, "env")) {
        for (char **e = environ; *e; e++)
            puts(*e);
        return 0;
    }
    if (!strcmp(verb, "args")) { /* one a line, so that words with blanks can be told apart */
        for (int i = 2; i < argc; i++)
            puts(argv[i]);
        return 0;
    }
    if (!strcmp(verb, "spin"))
        for (volatile unsigned long n = 0;; n++)
            ;
    return usage();
}
