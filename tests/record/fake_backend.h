/* A backend for testing the loop: a tiny table that truly learns, in microseconds, the same on every machine.
 *
 * Its predictions depend on parameters, momentum and statistics, so that a state which is lost or mixed up shows in
 * the log. It keeps a transcript of what it was asked, and can be told to raise a signal, fail, or give a loss
 * that is not a number at an exact call. */
#ifndef TIDY_TESTS_RECORD_FAKE_BACKEND_H
#define TIDY_TESTS_RECORD_FAKE_BACKEND_H

#include "record/backend.h"

enum fake_call { FAKE_STEP, FAKE_COLLECT, FAKE_SAVE, FAKE_EVALUATE, FAKE_PREDICT, FAKE_CALLS };

/* What shall happen at call number `number` (from 0, counted since fake_reset) of one kind. */
struct fake_event {
    bool wanted;
    enum fake_call call;
    uint64_t number;
    int signal;      /* raised before the call does its work, or 0 */
    bool fails;      /* the call fails with "the device is gone" */
    bool next_fails; /* the next call of that kind does */
    bool no_loss;    /* FAKE_COLLECT: one loss is NaN */
};
extern struct fake_event fake_event;

/* One line of the transcript: a sample of a collected step, or of predict's. */
struct fake_line {
    uint32_t sample;
    uint16_t label, predicted;
    float margin, log_odds, loss, learning_rate;
    bool evaluated;
};
enum { FAKE_LINES = 4096 };
extern struct fake_line fake_transcript[FAKE_LINES];
extern size_t fake_lines; /* as many as there were, also beyond FAKE_LINES */

/* Steps that were submitted and not collected when the last trainer was destroyed. */
extern uint64_t fake_uncollected;

/* Forgets counts, transcript and event. */
void fake_reset(void);

/* The state that it wants, with initial values from the seed. Freed with fake_state_destroy. */
void fake_state_create(struct network_state *state, uint32_t classes, uint64_t seed);
void fake_state_destroy(struct network_state *state);

/* config->network needs only `classes`. steps_ahead is 1, and 3. */
extern const struct backend fake_backend, fake_backend_ahead;

#endif
