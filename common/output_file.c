/* A temporary file in the same folder, so that the renaming is one step of one file system. */
#include "common/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/move_file.h"

static int fail_exists(const char *path)
{
    return tidy_fail("%s exists already; --force replaces it", path);
}

static int fail_write(const char *path, int cause)
{
    return tidy_fail("%s cannot be written: %s", path, strerror(cause));
}

/* Can a file be made in the folder of `path`? */
static int check_folder(const char *path)
{
    char *folder = strdup(path);
    if (folder == NULL)
        return tidy_fail_memory("a file name", strlen(path));
    char *slash = strrchr(folder, '/');
    if (slash != NULL)
        slash[slash == folder] = 0;
    int failed = access(slash != NULL ? folder : ".", W_OK | X_OK), cause = errno;
    free(folder);
    return failed != 0 ? fail_write(path, cause) : 0;
}

int output_file_check(const char *path, bool force)
{
    struct stat there;
    if (stat(path, &there) != 0)
        return check_folder(path);
    if (!S_ISREG(there.st_mode))
        return tidy_fail("%s is no file that could be replaced", path);
    return force ? 0 : fail_exists(path);
}

int output_file_check_input(const char *path, const char *input)
{
    struct stat there, read;
    if (stat(path, &there) != 0 || stat(input, &read) != 0)
        return 0;
    if (there.st_dev == read.st_dev && there.st_ino == read.st_ino)
        return tidy_fail("%s is read, and so cannot be replaced; choose another file for -o", path);
    return 0;
}

int output_file_begin(struct output_file *out, const char *path, bool force)
{
    *out = (struct output_file){.path = path, .force = force};
    int status = output_file_check(path, force);
    if (status != 0)
        return status;
    char *name;
    if (asprintf(&name, "%s.XXXXXX", path) < 0)
        return tidy_fail_memory("a file name", strlen(path));
    int descriptor = mkostemp(name, O_CLOEXEC);
    if (descriptor < 0) {
        status = fail_write(path, errno);
        free(name);
        return status;
    }
    out->temporary = name;
    mode_t mask = umask(0); /* mkostemp gives its file to its owner alone */
    umask(mask);
    if (fchmod(descriptor, 0666 & ~mask) == 0)
        out->stream = fdopen(descriptor, "w+");
    if (out->stream != NULL)
        return 0;
    status = fail_write(path, errno);
    close(descriptor);
    return status;
}

/* Renames; without `force` never over a file that came to be meanwhile. */
static int publish(const struct output_file *file)
{
    const char *from = file->temporary, *to = file->path;
    int code = 0;
    if (!file->force)
        code = move_file_to_new(from, to);
    else if (rename(from, to) != 0)
        code = errno;
    if (code == EEXIST && !file->force)
        return fail_exists(to);
    return code != 0 ? fail_write(to, code) : 0;
}

int output_file_end(struct output_file *out, int status)
{
    if (out->stream != NULL) {
        errno = 0;
        bool failed = ferror(out->stream) != 0;
        failed = fclose(out->stream) != 0 || failed;
        if (failed && status == 0)
            status = fail_write(out->path, errno != 0 ? errno : EIO);
    }
    if (out->temporary != NULL && status == 0)
        status = publish(out);
    if (out->temporary != NULL && status != 0)
        unlink(out->temporary);
    free(out->temporary);
    *out = (struct output_file){0};
    return status;
}
