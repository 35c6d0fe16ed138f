/* Writes and reads checkpoints, docs/checkpoint-format.md. */
#include "record/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/error.h"
#include "common/memory.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is little endian, and written as it lies");

enum { VERSION = 1 };
static const char magic[8] = {'T', 'I', 'D', 'Y', 'C', 'K', 'P', 'T'};

struct header {
    char magic[8];
    uint32_t version;
    uint32_t plans_bytes;
    uint64_t fingerprint;
    uint64_t step;
    double loss_sum;
    uint64_t correct;
    double seconds;
    uint64_t parameter_count;
    uint64_t statistics_count;
};
_Static_assert(sizeof(struct header) == 72, "no padding");

/* An array of the file and where it lies in memory. */
struct section {
    void *data;
    size_t bytes;
};
enum { SECTIONS = 4 };

/* In the file's order. */
static void list_sections(struct section sections[SECTIONS], const struct network_state *state, char *plans,
                          size_t plans_bytes)
{
    sections[0] = (struct section){state->parameters, state->parameter_count * sizeof(float)};
    sections[1] = (struct section){state->velocity, state->parameter_count * sizeof(float)};
    sections[2] = (struct section){state->statistics, state->statistics_count * sizeof(float)};
    sections[3] = (struct section){plans, plans_bytes};
}

int checkpoint_path(char **out, const char *log_path)
{
    size_t length = strlen(log_path);
    int status = memory_allocate(out, length + sizeof ".ckpt", 1, "the checkpoint's path");
    if (status == 0) {
        memcpy(*out, log_path, length);
        memcpy(*out + length, ".ckpt", sizeof ".ckpt");
    }
    return status;
}

static const char *known(const char *text)
{
    return text ? text : "";
}

uint64_t checkpoint_fingerprint(const struct tidylog_run *run)
{
    char text[2048];
    uint64_t labels = XXH3_64bits(run->labels, run->samples * sizeof *run->labels);
    int length = snprintf(text, sizeof text,
                          "started %.64s\nseed %" PRIu64 "\nsamples %" PRIu64 "\nclasses %" PRIu32
                          "\nbatch_size %" PRIu32 "\nshuffle %d\ndetail %s\nlabels %016" PRIx64
                          "\nnetwork %.200s\nlearning_rate %.17g\nmomentum %.17g\nweight_decay %.17g"
                          "\nlr_schedule %.64s\nresize %" PRIu32 "\nheight %" PRIu32 "\nwidth %" PRIu32
                          "\nchannels %" PRIu32 "\ndata_digest %.64s\n",
                          known(run->started), run->seed, run->samples, run->classes, run->batch_size, run->shuffle,
                          tidylog_detail_names[run->detail], labels, known(run->network), run->learning_rate,
                          run->momentum, run->weight_decay, known(run->lr_schedule), run->resize, run->height,
                          run->width, run->channels, known(run->data_digest));
    if (run->parts != NULL)
        length += snprintf(text + length, sizeof text - (size_t)length,
                           "second_split %" PRIu64 "\nparts %016" PRIx64 "\n", run->second_split,
                           XXH3_64bits(run->parts, run->samples * sizeof *run->parts));
    return XXH3_64bits(text, (size_t)length);
}

/* ---- writing -------------------------------------------------------------------------------------------- */

static int write_all(int file, const void *data, size_t bytes)
{
    const char *from = data;
    while (bytes > 0) {
        ssize_t written = write(file, from, bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        from += written;
        bytes -= (size_t)written;
    }
    return 0;
}

/* Writes the whole file and syncs it. Returns -1 with errno set where it cannot. */
static int write_file(int file, const struct header *header, const struct section sections[SECTIONS])
{
    XXH64_hash_t checksum;
    XXH3_state_t *hash = XXH3_createState();
    if (hash == NULL) {
        errno = ENOMEM;
        return -1;
    }
    XXH3_64bits_reset(hash);
    XXH3_64bits_update(hash, header, sizeof *header);
    int status = write_all(file, header, sizeof *header);
    for (int i = 0; status == 0 && i < SECTIONS; i++) {
        XXH3_64bits_update(hash, sections[i].data, sections[i].bytes);
        status = write_all(file, sections[i].data, sections[i].bytes);
    }
    checksum = XXH3_64bits_digest(hash);
    XXH3_freeState(hash);
    if (status == 0)
        status = write_all(file, &checksum, sizeof checksum);
    return status == 0 ? fsync(file) : status;
}

/* Makes the rename last: it is the folder that holds names. */
static int sync_folder(const char *path)
{
    char *folder;
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
    int status = memory_allocate(&folder, length + 1, 1, "a folder's path");
    if (status != 0)
        return status;
    memcpy(folder, slash ? path : ".", length);
    int handle = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (handle < 0 || fsync(handle) != 0)
        status = tidy_fail("%s: cannot be synced: %s", folder, strerror(errno));
    if (handle >= 0)
        close(handle);
    free(folder);
    return status;
}

int checkpoint_save(const char *path, uint64_t fingerprint, const struct checkpoint_position *position,
                    const struct network_state *state, const char *plans)
{
    size_t plans_bytes = strlen(plans);
    if (plans_bytes > CHECKPOINT_MOST_PLANS)
        return tidy_fail("%s: the checkpoint cannot be written: the device's plans have %zu bytes, more than %d",
                         path, plans_bytes, CHECKPOINT_MOST_PLANS);
    struct header header = {
        .version = VERSION,
        .plans_bytes = (uint32_t)plans_bytes,
        .fingerprint = fingerprint,
        .step = position->step,
        .loss_sum = position->loss_sum,
        .correct = position->correct,
        .seconds = position->seconds,
        .parameter_count = state->parameter_count,
        .statistics_count = state->statistics_count,
    };
    memcpy(header.magic, magic, sizeof magic);
    struct section sections[SECTIONS];
    list_sections(sections, state, (char *)plans, plans_bytes); /* only read */

    char *new_path;
    size_t length = strlen(path);
    int status = memory_allocate(&new_path, length + sizeof ".new", 1, "the checkpoint's path");
    if (status != 0)
        return status;
    memcpy(new_path, path, length);
    memcpy(new_path + length, ".new", sizeof ".new");

    int file = open(new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0) {
        status = tidy_fail("%s: the checkpoint cannot be written: %s", new_path, strerror(errno));
        goto done;
    }
    int failed = write_file(file, &header, sections) != 0 ? errno : 0;
    if (close(file) != 0 && failed == 0)
        failed = errno;
    if (failed == 0 && rename(new_path, path) != 0)
        failed = errno;
    if (failed != 0) {
        unlink(new_path);
        status = tidy_fail("%s: the checkpoint cannot be written: %s", path, strerror(failed));
        goto done;
    }
    status = sync_folder(path);
done:
    free(new_path);
    return status;
}

/* ---- reading -------------------------------------------------------------------------------------------- */

static const char record_again[] = "put back a copy, or record again with 'tidy-record train --force'";

/* A checkpoint that is being read, from its start to its end. */
struct reading {
    const char *path;
    int file;
    struct header header;
    XXH3_state_t *hash; /* of all that was read */
};

/* Reads exactly `bytes`. The file was long enough when it was measured. */
static int read_all(const struct reading *reading, void *data, size_t bytes)
{
    char *to = data;
    while (bytes > 0) {
        ssize_t count = read(reading->file, to, bytes);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return tidy_fail("%s: cannot be read: %s", reading->path,
                             count < 0 ? strerror(errno) : "it ends too early");
        to += count;
        bytes -= (size_t)count;
    }
    return 0;
}

static int read_part(struct reading *reading, void *data, size_t bytes)
{
    int status = read_all(reading, data, bytes);
    if (status == 0)
        XXH3_64bits_update(reading->hash, data, bytes);
    return status;
}

/* Reads what is of no interest here but counts in the checksum. */
static int skip_part(struct reading *reading, uint64_t bytes)
{
    char block[1 << 14];
    int status = 0;
    while (status == 0 && bytes > 0) {
        size_t count = bytes < sizeof block ? (size_t)bytes : sizeof block;
        status = read_part(reading, block, count);
        bytes -= count;
    }
    return status;
}

/* The bytes of the arrays, or 0 where no file can have the header's counts. */
static uint64_t bytes_of_arrays(const struct header *header)
{
    const uint64_t most = UINT64_MAX / 64;
    if (header->parameter_count > most || header->statistics_count > most)
        return 0;
    return sizeof(float) * (2 * header->parameter_count + header->statistics_count);
}

/* The size that the header asks for, or 0 where no file can have it. */
static uint64_t size_by_header(const struct header *header)
{
    uint64_t arrays = bytes_of_arrays(header);
    if (arrays == 0 || header->plans_bytes > CHECKPOINT_MOST_PLANS)
        return 0;
    return sizeof *header + arrays + header->plans_bytes + sizeof(uint64_t);
}

static int check_header(const struct header *header, uint64_t file_size, const char *path)
{
    if (memcmp(header->magic, magic, sizeof magic) != 0)
        return tidy_fail("%s: is not a checkpoint; %s", path, record_again);
    if (header->version != VERSION)
        return tidy_fail("%s: has format version %" PRIu32 ", this program reads version %d", path, header->version,
                         VERSION);
    if (size_by_header(header) != file_size)
        return tidy_fail("%s: is truncated or damaged (%" PRIu64 " bytes, its header asks for %" PRIu64 "); %s",
                         path, file_size, size_by_header(header), record_again);
    return 0;
}

/* Opens a checkpoint, reads and checks its header. Where there is none sets *found = false and returns 0. In every
 * case end_reading comes last. */
static int begin_reading(struct reading *reading, const char *path, bool *found)
{
    *reading = (struct reading){.path = path, .file = open(path, O_RDONLY | O_CLOEXEC)};
    *found = reading->file >= 0;
    if (reading->file < 0 && errno == ENOENT)
        return 0;
    if (reading->file < 0)
        return tidy_fail("%s: cannot be opened: %s", path, strerror(errno));
    reading->hash = XXH3_createState();
    if (reading->hash == NULL)
        return tidy_fail("%s: not enough memory for a checksum", path);
    XXH3_64bits_reset(reading->hash);

    struct stat measured;
    if (fstat(reading->file, &measured) != 0)
        return tidy_fail("%s: cannot be read: %s", path, strerror(errno));
    if ((uint64_t)measured.st_size < sizeof reading->header)
        return tidy_fail("%s: is truncated (%lld bytes); %s", path, (long long)measured.st_size, record_again);
    int status = read_part(reading, &reading->header, sizeof reading->header);
    return status != 0 ? status : check_header(&reading->header, (uint64_t)measured.st_size, path);
}

/* Reads the checksum, which stands behind all else, and says whether file and run belong together. */
static int check_end(const struct reading *reading, uint64_t fingerprint)
{
    XXH64_hash_t stored;
    int status = read_all(reading, &stored, sizeof stored);
    if (status == 0 && stored != XXH3_64bits_digest(reading->hash))
        status = tidy_fail("%s: checksum mismatch, the file is damaged; %s", reading->path, record_again);
    if (status == 0 && reading->header.fingerprint != fingerprint)
        status = tidy_fail("%s: belongs to another run than the log beside it; %s", reading->path, record_again);
    return status;
}

static void end_reading(const struct reading *reading)
{
    XXH3_freeState(reading->hash);
    if (reading->file >= 0)
        close(reading->file);
}

static int read_state(struct reading *reading, struct network_state *state)
{
    const struct header *header = &reading->header;
    if (header->parameter_count != state->parameter_count || header->statistics_count != state->statistics_count)
        return tidy_fail("%s: is of another network (%" PRIu64 " parameters, the log's has %zu); %s", reading->path,
                         header->parameter_count, state->parameter_count, record_again);
    struct section sections[SECTIONS];
    list_sections(sections, state, NULL, 0);
    int status = 0;
    for (int i = 0; status == 0 && i < SECTIONS; i++)
        status = read_part(reading, sections[i].data, sections[i].bytes);
    return status;
}

int checkpoint_load(const char *path, uint64_t fingerprint, struct checkpoint_position *position,
                    struct network_state *state, bool *found)
{
    struct reading reading;
    const struct header *header = &reading.header;
    int status = begin_reading(&reading, path, found);
    if (status == 0 && *found) {
        status = read_state(&reading, state);
        if (status == 0)
            status = skip_part(&reading, header->plans_bytes);
        if (status == 0)
            status = check_end(&reading, fingerprint);
        if (status == 0)
            *position =
                (struct checkpoint_position){header->step, header->loss_sum, header->correct, header->seconds};
    }
    end_reading(&reading);
    return status;
}

int checkpoint_plans(char **out, const char *path, uint64_t fingerprint)
{
    struct reading reading;
    bool found;
    char *text = NULL;
    *out = NULL;
    int status = begin_reading(&reading, path, &found);
    if (status == 0 && found && reading.header.plans_bytes > 0) {
        status = memory_allocate(&text, reading.header.plans_bytes + 1, 1, "the device's plans");
        if (status == 0)
            status = skip_part(&reading, bytes_of_arrays(&reading.header));
        if (status == 0)
            status = read_part(&reading, text, reading.header.plans_bytes);
        if (status == 0)
            status = check_end(&reading, fingerprint);
    }
    end_reading(&reading);
    if (status == 0)
        *out = text;
    else
        free(text);
    return status;
}
