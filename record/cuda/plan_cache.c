/* Chosen plans as sorted lines of text, and the user's file of them. */
#include "record/cuda/plan_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/memory.h"

/* A file of plans has a few hundred lines of a hundred bytes: more is not one of ours. */
enum { FILE_MOST = 4 << 20, LINE_MOST = 2048, PATH_ROOM = 4096 };

/* In the first line. Another number wherever plans are chosen in another way: what was chosen before is dropped. */
enum { FORMAT = 2 };

struct entry {
    char *key, *plan; /* one allocation: the key's */
};

struct plan_cache {
    char *title;           /* the first line, without its newline */
    struct entry *entries; /* [count], sorted by key */
    size_t count, capacity;
    char *text; /* title and all entries */
};

/* ---- entries -------------------------------------------------------------------------------------------- */

/* Where the key is, or where it would be put. */
static size_t find_place(const struct plan_cache *cache, const char *key, size_t length, bool *found)
{
    size_t low = 0, high = cache->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strncmp(cache->entries[middle].key, key, length);
        if (order == 0 && cache->entries[middle].key[length] != 0)
            order = 1;
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = false;
    return low;
}

static int put_entry(struct plan_cache *cache, const char *key, size_t key_length, const char *plan,
                     size_t plan_length)
{
    struct entry entry;
    int status = memory_allocate(&entry.key, key_length + plan_length + 2, 1, "a plan");
    if (status == 0)
        status =
            memory_grow(&cache->entries, &cache->capacity, cache->count + 1, sizeof *cache->entries, "the plans");
    if (status != 0) {
        free(entry.key);
        return status;
    }
    memcpy(entry.key, key, key_length);
    entry.plan = entry.key + key_length + 1;
    memcpy(entry.plan, plan, plan_length);
    bool found;
    size_t place = find_place(cache, key, key_length, &found);
    if (found) {
        free(cache->entries[place].key);
    } else {
        memmove(&cache->entries[place + 1], &cache->entries[place],
                (cache->count - place) * sizeof *cache->entries);
        cache->count++;
    }
    cache->entries[place] = entry;
    return 0;
}

/* Writes the text anew after a change. */
static int write_text(struct plan_cache *cache)
{
    size_t length = strlen(cache->title) + 1;
    for (size_t i = 0; i < cache->count; i++)
        length += strlen(cache->entries[i].key) + strlen(cache->entries[i].plan) + 2;
    char *text;
    int status = memory_allocate(&text, length + 1, 1, "the plans' text");
    if (status != 0)
        return status;
    int at = sprintf(text, "%s\n", cache->title);
    for (size_t i = 0; i < cache->count; i++)
        at += sprintf(text + at, "%s\t%s\n", cache->entries[i].key, cache->entries[i].plan);
    free(cache->text);
    cache->text = text;
    return 0;
}

int plan_cache_create(struct plan_cache **out, const char *device, unsigned long long cudnn_version)
{
    *out = NULL;
    struct plan_cache *cache;
    int status = memory_allocate(&cache, 1, sizeof *cache, "the plans");
    if (status != 0)
        return status;
    size_t room = strlen(device) + 64;
    status = memory_allocate(&cache->title, room, 1, "the plans' first line");
    if (status == 0) {
        snprintf(cache->title, room, "# tidy: convolution plans, format %d, of %s, cuDNN %llu", FORMAT, device,
                 cudnn_version);
        for (char *at = cache->title; *at != 0; at++)
            if ((unsigned char)*at < ' ')
                *at = ' ';
        status = write_text(cache);
    }
    if (status == 0)
        *out = cache;
    else
        plan_cache_destroy(cache);
    return status;
}

void plan_cache_destroy(struct plan_cache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < cache->count; i++)
        free(cache->entries[i].key);
    free(cache->entries);
    free(cache->text);
    free(cache->title);
    free(cache);
}

/* The part of a line up to its tab, 0 where the line is damaged: one tab, text on both sides, nothing
 * unprintable. */
static size_t split_line(const char *line, size_t length)
{
    const char *tab = memchr(line, '\t', length);
    if (length > LINE_MOST || tab == NULL || tab == line || tab == line + length - 1)
        return 0;
    for (size_t i = 0; i < length; i++)
        if ((line[i] < ' ' || line[i] > '~') && line + i != tab)
            return 0;
    return (size_t)(tab - line);
}

/* A last line without an end is damaged too: "engine 1" may have been "engine 12". */
static int add_lines(struct plan_cache *cache, const char *text)
{
    size_t title = strlen(cache->title);
    if (strncmp(text, cache->title, title) != 0 || text[title] != '\n')
        return 0;
    int status = 0;
    const char *end;
    for (const char *line = text + title + 1; status == 0 && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        size_t length = (size_t)(end - line), key = split_line(line, length);
        if (key > 0)
            status = put_entry(cache, line, key, line + key + 1, length - key - 1);
    }
    return status;
}

int plan_cache_add_text(struct plan_cache *cache, const char *text)
{
    int status = add_lines(cache, text);
    return status == 0 ? write_text(cache) : status;
}

const char *plan_cache_find(const struct plan_cache *cache, const char *key)
{
    bool found;
    size_t place = find_place(cache, key, strlen(key), &found);
    return found ? cache->entries[place].plan : NULL;
}

int plan_cache_put(struct plan_cache *cache, const char *key, const char *plan)
{
    int status = put_entry(cache, key, strlen(key), plan, strlen(plan));
    return status == 0 ? write_text(cache) : status;
}

const char *plan_cache_text(const struct plan_cache *cache)
{
    return cache->text;
}

/* ---- the user's file ------------------------------------------------------------------------------------ */

/* Writes the folder's path, and makes the folder where `make`. False where there is no home or it cannot be made.
 */
static bool find_folder(char path[PATH_ROOM], bool make)
{
    /* The XDG base directory specification: a relative path is to be ignored. */
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int length = -1;
    if (cache != NULL && cache[0] == '/')
        length = snprintf(path, PATH_ROOM, "%s", cache);
    else if (home != NULL && home[0] == '/')
        length = snprintf(path, PATH_ROOM, "%s/.cache", home);
    if (length < 0 || length >= PATH_ROOM - 8)
        return false;
    if (make && mkdir(path, 0700) != 0 && errno != EEXIST)
        return false;
    strcpy(path + length, "/tidy");
    return !make || mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* The file's path in the folder: the title's letters and digits. */
static bool find_file(char path[PATH_ROOM], const struct plan_cache *cache, const char *folder)
{
    const char *title = strstr(cache->title, " of ") + 4;
    int length = snprintf(path, PATH_ROOM, "%s/plans-%s.txt", folder, title);
    if (length >= PATH_ROOM)
        return false;
    for (char *at = path + strlen(folder) + 1; *at != 0; at++) {
        bool plain =
            (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9') || *at == '.';
        if (!plain)
            *at = '-';
    }
    return true;
}

/* Adds the plans of the file, none where it cannot be read. */
static int add_file(struct plan_cache *cache, const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    int status = 0;
    char *text = NULL;
    struct stat measured;
    if (fstat(fileno(file), &measured) == 0 && S_ISREG(measured.st_mode) && measured.st_size <= FILE_MOST) {
        size_t room = (size_t)measured.st_size;
        status = memory_allocate(&text, room + 1, 1, "the user's file of plans");
        if (status == 0) {
            text[fread(text, 1, room, file)] = 0;
            status = plan_cache_add_text(cache, text);
        }
    }
    fclose(file);
    free(text);
    return status;
}

int plan_cache_load(struct plan_cache *cache)
{
    char folder[PATH_ROOM], path[PATH_ROOM];
    if (!find_folder(folder, false) || !find_file(path, cache, folder))
        return 0;
    return add_file(cache, path);
}

/* Writes a new file beside and renames it. */
static bool replace_file(const char *path, const char *text)
{
    char new_path[PATH_ROOM + 8];
    snprintf(new_path, sizeof new_path, "%s.XXXXXX", path);
    int handle = mkostemp(new_path, O_CLOEXEC);
    if (handle < 0)
        return false;
    bool written = true;
    for (size_t left = strlen(text); written && left > 0;) {
        ssize_t count = write(handle, text, left);
        written = count > 0 || (count < 0 && errno == EINTR);
        text += count > 0 ? count : 0;
        left -= count > 0 ? (size_t)count : 0;
    }
    written = written && fsync(handle) == 0;
    written = close(handle) == 0 && written;
    written = written && rename(new_path, path) == 0;
    if (!written)
        unlink(new_path);
    return written;
}

/* This cache's plans over those of the file: where both have a key, this run found that the file's plan would not
 * do. */
static bool merge_into_file(const struct plan_cache *cache, const char *path)
{
    struct plan_cache all = {.title = cache->title};
    int status = write_text(&all);
    if (status == 0)
        status = add_file(&all, path);
    if (status == 0)
        status = plan_cache_add_text(&all, cache->text);
    bool saved = status == 0 && replace_file(path, all.text);
    for (size_t i = 0; i < all.count; i++)
        free(all.entries[i].key);
    free(all.entries);
    free(all.text);
    return saved;
}

/* Waits a second at most: a run that holds the lock needs milliseconds, one that is stopped must not stop others.
 */
static bool lock_folder(int folder)
{
    for (int tries = 0; tries < 100; tries++) {
        if (flock(folder, LOCK_EX | LOCK_NB) == 0)
            return true;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return false;
        usleep(10000);
    }
    return false;
}

bool plan_cache_save(const struct plan_cache *cache)
{
    char folder[PATH_ROOM], path[PATH_ROOM];
    if (!find_folder(folder, true) || !find_file(path, cache, folder))
        return false;
    /* Locked by its folder, so that two runs that end together keep each other's plans. */
    int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock < 0)
        return false;
    bool saved = lock_folder(lock) && merge_into_file(cache, path);
    close(lock);
    return saved;
}
