/* gnuplot as a child process. Script, picture and complaints go through files in memory, so that neither side can
 * block, no file name has to be quoted, and a full disk is noticed here. */
#include "analyze/charts/gnuplot.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/output_file.h"

/* Without enhanced text, because names have underscores. Each terminal has a scale of its own for fonts. */
static const struct format {
    const char *ending;
    const char *terminal;
} formats[] = {
    [GNUPLOT_PNG] = {".png", "pngcairo size 1280,720 noenhanced font 'DejaVu Sans,16'"},
    [GNUPLOT_SVG] = {".svg", "svg size 1280,720 noenhanced font 'DejaVu Sans,16' fontscale 1.3"},
    [GNUPLOT_PDF] = {".pdf", "pdfcairo size 12.8in,7.2in noenhanced font 'DejaVu Sans,16' fontscale 0.7 "
                             "linewidth 1.5"},
};
enum { FORMATS = sizeof formats / sizeof *formats };

int gnuplot_format_of(enum gnuplot_format *out, const char *path)
{
    size_t length = strlen(path);
    for (int i = 0; i < FORMATS; i++)
        if (length > 4 && strcasecmp(path + length - 4, formats[i].ending) == 0) {
            *out = (enum gnuplot_format)i;
            return 0;
        }
    return tidy_fail_usage("%s: charts are drawn as .png, .svg or .pdf", path);
}

void gnuplot_write_terminal(FILE *out, enum gnuplot_format format, const char *background)
{
    fprintf(out, "set terminal %s background '%s'\n", formats[format].terminal, background);
}

/* ---- the child process --------------------------------------------------------------------------------- */

/* Writes all bytes. Returns 0 or an errno. */
static int write_all(int descriptor, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(descriptor, bytes, count);
        if (written < 0 && errno != EINTR)
            return errno;
        bytes += written > 0 ? written : 0;
        count -= written > 0 ? (size_t)written : 0;
    }
    return 0;
}

/* Runs gnuplot with these three files as its standard ones. *result gets its wait status. */
static int run(const int files[3], int *result)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (int i = 0; i < 3; i++)
        posix_spawn_file_actions_adddup2(&actions, files[i], i);
    char *arguments[] = {"gnuplot", NULL};
    pid_t child;
    int cause = posix_spawnp(&child, "gnuplot", &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (cause == ENOENT)
        return tidy_fail("gnuplot is not installed; install it ('apt install gnuplot-nox'), "
                         "or print a chart's script ('tidy-analyze plot') and draw it elsewhere");
    if (cause != 0)
        return tidy_fail("gnuplot cannot be started: %s", strerror(cause));
    while (waitpid(child, result, 0) < 0)
        if (errno != EINTR)
            return tidy_fail("gnuplot was lost: %s", strerror(errno));
    return 0;
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

/* ---- pictures ------------------------------------------------------------------------------------------- */

/* Reads a file in memory back, with a 0 after it. */
static int read_back(char **out, size_t count, int descriptor, const char *name)
{
    int status = memory_allocate(out, count + 1, 1, "a chart");
    if (status == 0 && pread(descriptor, *out, count, 0) != (ssize_t)count)
        status = tidy_fail("%s: the chart cannot be read back: %s", name, strerror(errno));
    return status;
}

int gnuplot_render(char **picture, size_t *picture_bytes, const char *script, size_t bytes, const char *name)
{
    static const char *const names[3] = {"script", "picture", "complaints"};
    int files[3] = {-1, -1, -1}, status = 0, result = 0;
    struct stat drawn = {0};
    *picture = NULL;
    for (int i = 0; i < 3 && status == 0; i++)
        if ((files[i] = memfd_create(names[i], MFD_CLOEXEC)) < 0)
            status = tidy_fail("%s: a file in memory cannot be made: %s", name, strerror(errno));
    if (status != 0)
        goto end;
    int cause = write_all(files[0], script, bytes);
    if (cause != 0 || lseek(files[0], 0, SEEK_SET) != 0) {
        status =
            tidy_fail("%s: the script cannot be kept in memory: %s", name, strerror(cause != 0 ? cause : errno));
        goto end;
    }
    if ((status = run(files, &result)) != 0)
        goto end;
    if (result != 0 || fstat(files[1], &drawn) != 0 || drawn.st_size == 0)
        status = fail_complaint(name, files[2]);
    else
        status = read_back(picture, *picture_bytes = (size_t)drawn.st_size, files[1], name);
end:
    for (int i = 0; i < 3; i++)
        if (files[i] >= 0)
            close(files[i]);
    return status;
}

/* gnuplot's images do not say how they are to be enlarged, and viewers then blur the pixels. */
static void write_sharp_images(FILE *out, const char *svg, size_t bytes)
{
    static const char tag[] = "<image ";
    const char *end = svg + bytes, *image;
    while ((image = memmem(svg, (size_t)(end - svg), tag, sizeof tag - 1)) != NULL) {
        image += sizeof tag - 1;
        fwrite(svg, 1, (size_t)(image - svg), out);
        fputs("style='image-rendering:pixelated' ", out);
        svg = image;
    }
    fwrite(svg, 1, (size_t)(end - svg), out);
}

int gnuplot_draw(const char *script, size_t bytes, const char *path, bool force)
{
    char *picture = NULL;
    size_t picture_bytes = 0;
    struct output_file file = {0};
    enum gnuplot_format format = GNUPLOT_PNG;
    int status = gnuplot_format_of(&format, path);
    if (status == 0)
        status = gnuplot_render(&picture, &picture_bytes, script, bytes, path);
    if (status == 0)
        status = output_file_begin(&file, path, force);
    if (status == 0 && format == GNUPLOT_SVG)
        write_sharp_images(file.stream, picture, picture_bytes);
    else if (status == 0)
        fwrite(picture, 1, picture_bytes, file.stream);
    if (status == 0 && ferror(file.stream))
        status = tidy_fail("%s cannot be written: %s", path, strerror(errno));
    status = output_file_end(&file, status);
    free(picture);
    return status;
}
