/* Plans that were chosen, by the request's key: kept in a file of the user's, so that the next run on the same
 * device and cuDNN starts at once and computes the same values; and in the checkpoint, so that a run that goes on
 * does.
 *
 * The text form, of file and checkpoint: a first line that names format, device and cuDNN version, then one line
 * KEY tab PLAN for each, sorted by key. */
#ifndef TIDY_RECORD_CUDA_PLAN_CACHE_H
#define TIDY_RECORD_CUDA_PLAN_CACHE_H

#include <stdbool.h>

struct plan_cache;

/* An empty cache for devices of that name, which tells their kind, and a cuDNN version. */
int plan_cache_create(struct plan_cache **out, const char *device, unsigned long long cudnn_version);
void plan_cache_destroy(struct plan_cache *cache);

/* Adds the plans of `text` where its first line is this cache's own; another first line adds nothing, which is no
 * error. Lines that are damaged are left out. */
int plan_cache_add_text(struct plan_cache *cache, const char *text);

/* The same from the user's file: $XDG_CACHE_HOME/tidy/ (or ~/.cache/tidy/), one file a device and version. Where
 * it is missing or cannot be read nothing is added. */
int plan_cache_load(struct plan_cache *cache);

/* Replaces the user's file, atomically, by all plans of this cache and of the file. Where that cannot be done (no
 * home, a full disk) nothing is changed, and the run goes on without: returns false. */
bool plan_cache_save(const struct plan_cache *cache);

/* The plan's text, or NULL. Lives until the cache is changed. */
const char *plan_cache_find(const struct plan_cache *cache, const char *key);

/* Adds a plan, or replaces it. Texts are copied. */
int plan_cache_put(struct plan_cache *cache, const char *key, const char *plan);

/* All of it as text. Lives until the cache is changed. */
const char *plan_cache_text(const struct plan_cache *cache);

#endif
