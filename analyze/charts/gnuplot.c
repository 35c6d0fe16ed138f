/* gnuplot as a child process: script and complaints go through files in memory, so that neither side can block. */
#include "analyze/charts/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyze/charts/house_style.h"
#include "common/error.h"

#define FONT "noenhanced font 'DejaVu Sans,"
const char *const gnuplot_png_terminal = "set terminal pngcairo size 1280,720 " FONT "16'\n";

static const struct format {
    const char *ending;
    const char *terminal;
} formats[] = {
    {".png", "set terminal pngcairo size 1280,720 " FONT "16'\n"},
    {".svg", "set terminal svg size 1280,720 background 'white' " FONT "16'\n"},
    {".pdf", "set terminal pdfcairo size 12.8in,7.2in " FONT "16'\n"},
};

struct gnuplot_drawing {
    const char *path;
    char *temporary; /* where it is drawn, in the same folder; "" once it is at its path */
    bool force;
    FILE *script;
};

static const struct format *find_format(const char *path)
{
    size_t length = strlen(path);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (length > 4 && strcasecmp(path + length - 4, formats[i].ending) == 0)
            return &formats[i];
    return NULL;
}

static int fail_exists(const char *path)
{
    return tidy_fail("%s exists already; --force replaces it", path);
}

/* Makes the file that gnuplot will write to, with the permissions that a new file has. */
static int make_temporary(struct gnuplot_drawing *drawing)
{
    if (asprintf(&drawing->temporary, "%s.XXXXXX", drawing->path) < 0) {
        drawing->temporary = NULL;
        return tidy_fail_memory("a file name", strlen(drawing->path));
    }
    int descriptor = mkstemp(drawing->temporary);
    if (descriptor < 0) {
        drawing->temporary[0] = 0;
        return tidy_fail("%s cannot be written: %s", drawing->path, strerror(errno));
    }
    mode_t mask = umask(0);
    umask(mask);
    fchmod(descriptor, 0666 & ~mask);
    close(descriptor);
    return 0;
}

int gnuplot_begin(struct gnuplot_drawing **out, FILE **script, const char *path, bool force)
{
    *out = NULL;
    const struct format *format = find_format(path);
    if (format == NULL)
        return tidy_fail_usage("%s: charts are drawn as .png, .svg or .pdf", path);
    if (!force && access(path, F_OK) == 0)
        return fail_exists(path);

    struct gnuplot_drawing *drawing = calloc(1, sizeof *drawing);
    if (drawing == NULL)
        return tidy_fail_memory("a chart", sizeof *drawing);
    *drawing = (struct gnuplot_drawing){.path = path, .force = force};
    int status = make_temporary(drawing);
    int descriptor = status == 0 ? memfd_create("chart", MFD_CLOEXEC) : -1;
    if (status == 0 && (descriptor < 0 || (drawing->script = fdopen(descriptor, "w+")) == NULL))
        status = tidy_fail("a chart's script cannot be kept in memory: %s", strerror(errno));
    if (status != 0) {
        gnuplot_end(drawing);
        return status;
    }
    fputs(format->terminal, drawing->script);
    fputs("set output ", drawing->script);
    house_style_quote(drawing->script, drawing->temporary);
    fputc('\n', drawing->script);
    *script = drawing->script;
    *out = drawing;
    return 0;
}

/* Runs gnuplot with the script as its input and `complaints` as output. Returns its wait status, or -1 where
 * it could not be started, after making the message. */
static int run(FILE *script, int complaints)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fileno(script), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, complaints, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, complaints, STDERR_FILENO);
    char *arguments[] = {"gnuplot", NULL};
    pid_t child;
    int cause = posix_spawnp(&child, "gnuplot", &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (cause == ENOENT) {
        tidy_fail("gnuplot is not installed; install it ('apt install gnuplot-nox'), "
                  "or print the script without -o and draw it elsewhere");
        return -1;
    }
    if (cause != 0) {
        tidy_fail("gnuplot cannot be started: %s", strerror(cause));
        return -1;
    }
    int result;
    while (waitpid(child, &result, 0) < 0)
        if (errno != EINTR)
            return 0;
    return result;
}

/* The last line of what gnuplot said that has text: where its message stands. */
static int fail_complaint(const char *path, int complaints)
{
    char text[2048];
    ssize_t bytes = pread(complaints, text, sizeof text - 1, 0);
    text[bytes > 0 ? bytes : 0] = 0;
    const char *last = "it gave no reason";
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        if (line[strspn(line, " \t^")] != 0)
            last = line;
    return tidy_fail("%s: gnuplot failed: %s", path, last + strspn(last, " \t"));
}

/* Moves the drawing to its path; without `force` never over a file that came to be meanwhile. */
static int publish(struct gnuplot_drawing *drawing)
{
    int failed;
    if (drawing->force) {
        failed = rename(drawing->temporary, drawing->path);
    } else {
        failed = renameat2(AT_FDCWD, drawing->temporary, AT_FDCWD, drawing->path, RENAME_NOREPLACE);
        if (failed && errno == EEXIST)
            return fail_exists(drawing->path);
        if (failed && errno == EINVAL) /* not known to this file system */
            failed = rename(drawing->temporary, drawing->path);
    }
    if (failed)
        return tidy_fail("%s cannot be written: %s", drawing->path, strerror(errno));
    drawing->temporary[0] = 0;
    return 0;
}

int gnuplot_draw(struct gnuplot_drawing *drawing)
{
    fputs("unset output\n", drawing->script);
    if (fflush(drawing->script) != 0 || lseek(fileno(drawing->script), 0, SEEK_SET) != 0)
        return tidy_fail("a chart's script cannot be kept in memory: %s", strerror(errno));
    int complaints = memfd_create("complaints", MFD_CLOEXEC);
    if (complaints < 0)
        return tidy_fail("gnuplot cannot be started: %s", strerror(errno));

    int result = run(drawing->script, complaints);
    int status = result == -1 ? TIDY_FAILED : 0;
    struct stat drawn;
    if (status == 0 && (result != 0 || stat(drawing->temporary, &drawn) != 0 || drawn.st_size == 0))
        status = fail_complaint(drawing->path, complaints);
    if (status == 0)
        status = publish(drawing);
    close(complaints);
    return status;
}

void gnuplot_end(struct gnuplot_drawing *drawing)
{
    if (drawing == NULL)
        return;
    if (drawing->script != NULL)
        fclose(drawing->script);
    if (drawing->temporary != NULL && drawing->temporary[0] != 0)
        unlink(drawing->temporary);
    free(drawing->temporary);
    free(drawing);
}
