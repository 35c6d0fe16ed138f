/* The log: one LMDB file that a trainer appends to and any number of readers replay, also at the same time.
 *
 * docs/log-format.md has every byte. A log holds what the run is (struct tidylog_run), one record a step with
 * what was predicted for each sample before the update, and one record a finished epoch.
 * This header alone, for C and C++, is what libtidylog installs. */
#ifndef TIDY_COMMON_TIDYLOG_H
#define TIDY_COMMON_TIDYLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What went wrong in this thread's last call that failed. Calls that can fail return 0, or a negative number
 * (TIDY_FAILED of common/error.h, -1) and then leave a message that says what, where and what to do. Lives until
 * the next failure. */
const char *tidy_error_message(void);

/* How much a step keeps of each prediction. Each level can answer all that the ones before it can. */
enum tidylog_detail {
    TIDYLOG_CLASS,  /* the predicted class */
    TIDYLOG_MARGIN, /* and margin and log-odds of the given label, in codes */
    TIDYLOG_PROBS,  /* class, and log-probabilities of all classes in half precision */
    TIDYLOG_FULL,   /* class, and the float32 logits as they came */
};

/* Samples that a run can have: their labels fit into one value of LMDB, which has less than 2^32 bytes. */
enum { TIDYLOG_MOST_SAMPLES = 1 << 30 };

/* How fine the numbers of TIDYLOG_MARGIN are; docs/log-format.md states the errors. */
struct tidylog_codes {
    uint32_t margin_scale; /* S, 1 to 20: code k stands for the margin 2 sinh(k / S) */
    uint32_t
        log_odds_density; /* D, 1 to 64: levels a unit of the log-odds' scale; 0: 256 levels for every margin, as
                                * logs have them that do not say their codes */
};

/* "class", "margin", "probs", "full", NULL: indexed by tidylog_detail. */
extern const char *const tidylog_detail_names[];

/* Which samples an epoch trains on. Epochs before run.second_split train on the first split; those from it on
 * train on the second, and then classify the first, without training on it, so that one sees what is forgotten
 * (Maini et al. 2022, second-split forgetting). */
enum tidylog_part {
    TIDYLOG_FIRST_SPLIT,
    TIDYLOG_SECOND_SPLIT,
    TIDYLOG_LEFT_OUT, /* never trained on */
};

/* What a run is: enough to record it again and to evaluate it offline. Text is owned by whoever made the
 * struct: the trainer's own for tidylog_create, the log's for tidylog_open and tidylog_resume.
 * Every text may be NULL (unknown). */
struct tidylog_run {
    /* What the predictions are about; readers need these. */
    uint64_t samples;
    uint32_t classes;
    uint32_t batch_size; /* the most samples of a step */
    uint64_t epochs;     /* planned */
    uint64_t seed;
    bool shuffle; /* false: samples in the data set's order in every epoch */
    enum tidylog_detail detail;
    struct tidylog_codes codes; /* TIDYLOG_MARGIN only; all 0 for tidylog_create: as fine as finding needs */
    const uint16_t *labels;     /* [samples] as trained on */
    const uint16_t *truth;      /* [samples] where known (planted noise), or NULL */
    const uint16_t *given;      /* [samples] the data set's labels, where probes were trained on others; or NULL */
    const char *probes;    /* what those are for: "controls", whose labels are wrong, or "threshold-samples", which
                            * have the extra class classes - 1 */
    const uint16_t *parts; /* [samples] enum tidylog_part; NULL: all TIDYLOG_FIRST_SPLIT */
    uint64_t second_split; /* first epoch that trains on TIDYLOG_SECOND_SPLIT; 0: none does */

    /* How it was made. */
    const char *network;
    double learning_rate, momentum, weight_decay;
    const char *lr_schedule;
    const char *noise;     /* as on the command line, or NULL */
    const char *stop;      /* "when-stable": where suspects no longer change, before the planned epochs; or NULL */
    const char *device;    /* "cpu", "cuda": where it was begun, as are machine, versions and threads */
    const char *precision; /* "f32", "tf32", "bf16" */
    bool deterministic;    /* only algorithms that give the same values each time were asked for */
    uint32_t threads;
    uint32_t resize;                  /* images are resized to this height and width; 0 = as they are */
    uint32_t height, width, channels; /* of the images as stored in the data set */
    const char *data;                 /* absolute path of the data set */
    const char *data_name;            /* for titles: "fashion-mnist" */
    const char *data_digest;          /* see struct dataset */
    const char *class_names;          /* a line each, as many as there are classes */
    const char *command_line;
    const char *started;  /* UTC, ISO 8601 */
    const char *machine;  /* processor and core count */
    const char *versions; /* of this program and of the libraries that computed */
};

/* The data set's labels, whatever a sample was trained on as a probe. */
static inline const uint16_t *tidylog_given_labels(const struct tidylog_run *run)
{
    return run->given != NULL ? run->given : run->labels;
}

/* Has the run probes of this kind? */
static inline bool tidylog_has_probes(const struct tidylog_run *run, const char *probes)
{
    return run->probes != NULL && strcmp(run->probes, probes) == 0;
}

/* Classes of the data set: the extra one of threshold samples is none of them. */
static inline uint32_t tidylog_data_classes(const struct tidylog_run *run)
{
    return tidylog_has_probes(run, "threshold-samples") ? run->classes - 1 : run->classes;
}

/* Is a sample never trained on? Was it trained on another label than the given one? */
static inline bool tidylog_is_left_out(const struct tidylog_run *run, uint64_t sample)
{
    return run->parts != NULL && run->parts[sample] == TIDYLOG_LEFT_OUT;
}
static inline bool tidylog_is_probe(const struct tidylog_run *run, uint64_t sample)
{
    return run->given != NULL && run->given[sample] != run->labels[sample];
}

/* What one step predicted, in the training forward pass, before its update. */
struct tidylog_predictions {
    uint32_t count;
    const uint32_t *samples;   /* [count] indices into the data set */
    const uint16_t *predicted; /* [count] class of the largest logit; ties go to the smallest index */
    const float *margin;       /* [count] logit of the given label minus the largest other logit */
    const float *log_odds;     /* [count] log(q / (1 - q)), q = probability of the given label */
    const float *logits;       /* [count][classes]; read at TIDYLOG_PROBS and TIDYLOG_FULL only */
};

struct tidylog_epoch {
    uint64_t epoch;       /* counts from 0 */
    double loss;          /* mean over the epoch's samples, in-pass */
    double accuracy;      /* against the labels trained on, in-pass */
    double test_accuracy; /* NaN where there is no test set */
    double learning_rate; /* at the epoch's last step */
    double seconds;       /* training and test, without waiting for a user */
};

/* ---- writing ------------------------------------------------------------------------------------------- */

/* Owns a thread that commits, synced, at least every second, and between commits packs finished epochs. */
struct tidylog_writer;

/* Makes a new log at `path`. The file appears there only once it is whole and readable, and is locked against
 * a second writer until tidylog_close. Errors: the file, or a checkpoint path.ckpt without it, exists (unless
 * `force`, which replaces the one and removes the other, never while another process records into the log), the
 * folder cannot be written, disk full. `run` is copied. */
int tidylog_create(struct tidylog_writer **out, const char *path, const struct tidylog_run *run, bool force);

/* Opens an existing log to go on with it. Errors: as tidylog_open's, another writer has it, it holds several
 * runs. */
int tidylog_resume(struct tidylog_writer **out, const char *path);

/* What the log says the run is; lives as long as the writer. */
const struct tidylog_run *tidylog_writer_run(const struct tidylog_writer *writer);

/* Removes all steps from number `step` on, and the epoch records that depend on them, in one transaction; what
 * is left of a packed epoch is steps again. Errors: the log has fewer than `step` steps; that epoch is damaged. */
int tidylog_cut(struct tidylog_writer *writer, uint64_t step);

/* Sets the planned epochs anew (a resumed run that goes on for longer). */
int tidylog_set_epochs(struct tidylog_writer *writer, uint64_t epochs);

/* Hands a step to the writer thread; everything is copied. Steps must come in order: `step` counts from 0
 * over the whole run, and an epoch's record comes right after its last step, of which it has at least one.
 * Waits only where the disk is many seconds behind. Returns what the thread last failed with (disk full, ...): the
 * log then holds all that was committed before. */
int tidylog_append_step(struct tidylog_writer *writer, uint64_t step,
                        const struct tidylog_predictions *predictions);
int tidylog_append_epoch(struct tidylog_writer *writer, const struct tidylog_epoch *epoch);

/* Returns once all that was appended is on disk. */
int tidylog_sync(struct tidylog_writer *writer);

/* Syncs, packs the finished epochs that are not packed yet, compacts the file where that makes it smaller and
 * nobody reads it, ends the thread, closes and unlocks; frees also where it fails. NULL is allowed. */
int tidylog_close(struct tidylog_writer *writer);

/* Moves a log that is closed to where it is to be seen, in the same file system, as tidylog_create would have
 * made it there: for what must appear whole or not at all. Errors: as tidylog_create's; the log then stays where
 * it was. */
int tidylog_move(const char *from, const char *to, bool force);

/* Replaces a sample's label that nobody could know when the log was made (import from a stream): at once in
 * tidylog_writer_run, on disk with what is appended next. The label of a sample that was in a step already may not
 * change; none may in a log that was resumed. */
int tidylog_set_label(struct tidylog_writer *writer, uint64_t sample, uint16_t label);

/* ---- the order of samples ------------------------------------------------------------------------------- */

/* What a step of a run does, as its seed and splits say. The trainer and the readers both ask here, so they agree.
 * A trainer that does anything else (import) may: the step then lists its samples in the log. */
struct tidylog_due {
    uint64_t epoch;
    const uint32_t *samples; /* [count] in order; until the next call */
    uint32_t count;
    bool evaluated; /* classified by the network as it is, and not trained on */
};

struct tidylog_order; /* caches one epoch's permutation */

/* `run` is one that a log can have: its sizes are above 0, each phase has samples to train on. */
int tidylog_order_create(struct tidylog_order **out, const struct tidylog_run *run);
void tidylog_order_step(struct tidylog_order *order, uint64_t step, struct tidylog_due *out);
void tidylog_order_destroy(struct tidylog_order *order);

/* Steps of the run before epoch `epoch`, and samples that epoch trains on. */
uint64_t tidylog_order_steps_before(const struct tidylog_order *order, uint64_t epoch);
uint64_t tidylog_order_trained(const struct tidylog_order *order, uint64_t epoch);

/* ---- reading ------------------------------------------------------------------------------------------- */

struct tidylog_reader; /* one consistent view of the log, as it was when opened */

/* Opens for reading, also while it is being recorded, also where neither file nor folder may be written (then
 * without a lock file). Errors: no such file, not a log, newer version, truncated, damaged. */
int tidylog_open(struct tidylog_reader **out, const char *path);
void tidylog_close_reader(struct tidylog_reader *reader);

/* Opens also where records of the run's description or of epochs are damaged, so that tidylog_verify can list
 * them: good for tidylog_verify and tidylog_close_reader only. */
int tidylog_open_to_verify(struct tidylog_reader **out, const char *path);

/* A log may hold several runs of the same samples ('tidy-analyze merge'). All below is about the one selected,
 * at first run 0; what it returned of another one is then gone. Errors of select: as tidylog_open's. */
uint32_t tidylog_reader_runs(const struct tidylog_reader *reader);
int tidylog_reader_select(struct tidylog_reader *reader, uint32_t run);

/* Lives as long as the reader and its run is selected. */
const struct tidylog_run *tidylog_reader_run(const struct tidylog_reader *reader);

/* The finished epochs, in order: an array that lives as long as the reader. */
const struct tidylog_epoch *tidylog_reader_epochs(const struct tidylog_reader *reader, uint64_t *count);

/* Steps of the run through the end of the finished epoch `epoch`. */
uint64_t tidylog_reader_steps_through(const struct tidylog_reader *reader, uint64_t epoch);

/* Steps of the run so far, with those of the epoch that has begun and not ended. Errors: damage. */
int tidylog_reader_steps(struct tidylog_reader *reader, uint64_t *steps);

/* One table of the selected run: for `info`. Of a table that fills more than 128 pages, bytes and counts are
 * extrapolated from 128 of them. */
struct tidylog_table_size {
    const char *name; /* "meta", "steps", "epochs", "columns" */
    uint64_t records;
    uint64_t stored_bytes; /* keys and values */
    uint64_t pages_bytes;  /* pages the table occupies in the file */
    uint64_t counts;       /* sum of the records' counts: of "steps" and "columns" the predictions */
};
enum { TIDYLOG_TABLES = 4 };
int tidylog_table_sizes(struct tidylog_reader *reader, struct tidylog_table_size sizes[TIDYLOG_TABLES]);

/* What is known of one step's predictions, unpacked. Arrays live until the next call on the replay. */
struct tidylog_observations {
    uint64_t step; /* UINT64_MAX from tidylog_blocks_next */
    uint64_t epoch;
    bool evaluated; /* as in struct tidylog_due */
    uint32_t count;
    const uint32_t *samples;   /* [count] */
    const uint16_t *labels;    /* [count] as given */
    const uint16_t *predicted; /* [count] */
    /* The rest is NULL at TIDYLOG_CLASS. At TIDYLOG_MARGIN it carries the quantisation error that
     * packing.h states. NaN where the logits were not finite. */
    const float *margin;     /* [count] */
    const float *loss;       /* [count] -log q */
    const float *confidence; /* [count] q, the given label's probability */
    const float *log_probs;  /* [count][classes]; NULL below TIDYLOG_PROBS */
};

struct tidylog_replay;

/* Replays the steps of epochs first..end-1 (end is clipped to the finished epochs) in order. */
int tidylog_replay_begin(struct tidylog_replay **out, struct tidylog_reader *reader, uint64_t first_epoch,
                         uint64_t end_epoch);

/* 1: *out is the next step; 0: all done; TIDY_FAILED: a damaged or missing step (the message says which). */
int tidylog_replay_next(struct tidylog_replay *replay, struct tidylog_observations *out);
void tidylog_replay_end(struct tidylog_replay *replay);

/* ---- reading by sample ----------------------------------------------------------------------------------
 * A finished epoch is packed by sample, in blocks of samples, where its steps are those that are due, train on the
 * first split and have no more detail than TIDYLOG_MARGIN (docs/log-format.md). What does not need the order of the
 * steps can read packed epochs block by block, on several threads, for less than a replay costs. */

/* Are epochs from `first_epoch` on packed? The first one that is not, or the number of finished epochs;
 * `first_epoch` also where damage keeps one from knowing, which a replay then tells. */
uint64_t tidylog_reader_packed_end(const struct tidylog_reader *reader, uint64_t first_epoch);

/* Blocks of an epoch: of the first split's samples, in the order of their numbers. */
uint32_t tidylog_block_count(const struct tidylog_reader *reader);

struct tidylog_blocks; /* unpacks blocks; of one thread. Several may be open on one reader at a time. */

/* For the packed epochs first_epoch..end_epoch-1. The reader's run stays selected until the end, and nothing
 * else is done with the reader but more of this. Errors: an epoch that is not packed; damage. */
int tidylog_blocks_begin(struct tidylog_blocks **out, struct tidylog_reader *reader, uint64_t first_epoch,
                         uint64_t end_epoch);

/* What comes next is block `block` in epoch first_epoch. */
int tidylog_blocks_seek(struct tidylog_blocks *blocks, uint32_t block);

/* 1: *out is the block in its next epoch: samples in rising order, step UINT64_MAX, arrays that live until the next
 * call on the blocks. 0: there was the last epoch. TIDY_FAILED: damage. */
int tidylog_blocks_next(struct tidylog_blocks *blocks, struct tidylog_observations *out);
void tidylog_blocks_end(struct tidylog_blocks *blocks);

/* Checks every record of all runs: checksum, version, sizes, order, no gap. Calls `damaged` with one line of
 * text for each bad one, sets *checked to how many records were read. Returns 0 also where some are damaged. */
int tidylog_verify(struct tidylog_reader *reader, void (*damaged)(const char *what, void *context), void *context,
                   uint64_t *checked);

#ifdef __cplusplus
}
#endif

#endif
