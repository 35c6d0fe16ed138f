/* Smoothing, and k-means with k = 2 in as many dimensions as there are epochs. */
#include "analyze/loss_clusters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/vector_clones.h"

enum { SMOOTHED_EPOCHS = 5, MOST_ROUNDS = 300 };

/* From the end, so that what a mean is made of still stands there where out is in; `in` has no NaN. */
VECTOR_CLONES static void smooth_five(float *out, const float *in, size_t epochs)
{
    enum { AT_ONCE = 16 };
    size_t t = epochs;
    for (; t >= SMOOTHED_EPOCHS + AT_ONCE; t -= AT_ONCE) {
        const float *last = in + t - AT_ONCE;
        float means[AT_ONCE];
        for (size_t k = 0; k < AT_ONCE; k++) {
            const float *l = last + k;
            means[k] = (float)(((double)l[0] + (double)l[-1] + (double)l[-2] + (double)l[-3] + (double)l[-4]) / 5);
        }
        memcpy(out + t - AT_ONCE, means, sizeof means);
    }
    for (; t > SMOOTHED_EPOCHS; t--) {
        const float *l = in + t - 1;
        out[t - 1] = (float)(((double)l[0] + (double)l[-1] + (double)l[-2] + (double)l[-3] + (double)l[-4]) / 5);
    }
}

static void smooth_few(float *out, const float *in, size_t epochs, size_t width)
{
    for (size_t t = epochs - 1; t >= width; t--) {
        double sum = 0;
        for (size_t back = 0; back < width; back++)
            sum += (double)in[t - back];
        out[t] = (float)(sum / (double)width);
    }
}

void loss_clusters_smooth(float *out, float *in, size_t epochs, uint32_t classes)
{
    const float most = (float)(2 * log(classes));
    for (size_t t = 0; t < epochs; t++)
        in[t] = in[t] < most ? in[t] : most;
    if (epochs < 2) {
        out[0] = in[0];
        return;
    }
    size_t width = epochs - 1 < SMOOTHED_EPOCHS ? epochs - 1 : SMOOTHED_EPOCHS;
    if (width == SMOOTHED_EPOCHS)
        smooth_five(out, in, epochs);
    else
        smooth_few(out, in, epochs, width);
    for (size_t t = 0; t < width; t++)
        out[t] = out[width];
}

static double sum_of(const float *trajectory, size_t epochs)
{
    double sum = 0;
    for (size_t t = 0; t < epochs; t++)
        sum += (double)trajectory[t];
    return sum;
}

/* The two centres, and what belongs to them. */
struct clusters {
    size_t epochs;
    double *low, *high; /* [epochs] sums over the members, or one of them */
    double low_count, high_count;
    double *direction; /* [epochs] from the low centre to the high one */
    double border;     /* along it: half way */
};

static void begin(struct clusters *c, const float *losses, size_t count)
{
    size_t least = 0, most = 0;
    double least_sum = INFINITY, most_sum = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        double sum = sum_of(losses + i * c->epochs, c->epochs);
        if (sum < least_sum) {
            least_sum = sum;
            least = i;
        }
        if (sum > most_sum) {
            most_sum = sum;
            most = i;
        }
    }
    for (size_t t = 0; t < c->epochs; t++) {
        c->low[t] = (double)losses[least * c->epochs + t];
        c->high[t] = (double)losses[most * c->epochs + t];
    }
    c->low_count = c->high_count = 1;
}

static void aim(struct clusters *c)
{
    double squares = 0;
    for (size_t t = 0; t < c->epochs; t++) {
        double low = c->low[t] / c->low_count, high = c->high[t] / c->high_count;
        c->direction[t] = high - low;
        squares += high * high - low * low;
    }
    c->border = squares / 2;
}

/* How far along the direction; in several sums, which a processor adds up side by side. */
static inline double project(const struct clusters *c, const float *trajectory)
{
    enum { SUMS = 8 };
    double sums[SUMS] = {0}, total = 0;
    size_t t = 0;
    for (; t + SUMS <= c->epochs; t += SUMS)
        for (size_t k = 0; k < SUMS; k++)
            sums[k] += (double)trajectory[t + k] * c->direction[t + k];
    for (; t < c->epochs; t++)
        total += (double)trajectory[t] * c->direction[t];
    for (size_t k = 0; k < SUMS; k++)
        total += sums[k];
    return total;
}

/* Adds a trajectory to a cluster's sums (sign 1), or takes it out (-1). */
static inline void add(double *sums, double *count, const float *trajectory, size_t epochs, double sign)
{
    *count += sign;
    for (size_t t = 0; t < epochs; t++)
        sums[t] += sign * (double)trajectory[t];
}

/* Gives each trajectory to the nearer centre. Returns whether one moved. No cluster loses its last member,
 * because its centre is nearer to its members, taken together, than the other. */
VECTOR_CLONES static bool assign(struct clusters *c, bool *in_high, const float *losses, size_t count)
{
    bool moved = false;
    for (size_t i = 0; i < count; i++) {
        const float *trajectory = losses + i * c->epochs;
        bool is_high = project(c, trajectory) > c->border;
        if (is_high == in_high[i])
            continue;
        add(c->high, &c->high_count, trajectory, c->epochs, is_high ? 1 : -1);
        add(c->low, &c->low_count, trajectory, c->epochs, is_high ? -1 : 1);
        in_high[i] = is_high;
        moved = true;
    }
    return moved;
}

/* What belongs to the clusters before the first round, which goes by the two trajectories that they began with. */
static void take_all_for_low(struct clusters *c, const float *losses, size_t count)
{
    memset(c->low, 0, c->epochs * sizeof *c->low);
    memset(c->high, 0, c->epochs * sizeof *c->high);
    c->low_count = c->high_count = 0;
    for (size_t i = 0; i < count; i++)
        add(c->low, &c->low_count, losses + i * c->epochs, c->epochs, 1);
}

static void cluster(struct clusters *c, bool *flagged, const float *losses, size_t count)
{
    begin(c, losses, count);
    aim(c);
    take_all_for_low(c, losses, count);
    for (int round = 0; round < MOST_ROUNDS && assign(c, flagged, losses, count); round++)
        aim(c);

    /* Centres can only change places where the trajectories cross. */
    double difference = 0;
    for (size_t t = 0; t < c->epochs; t++)
        difference += c->direction[t];
    for (size_t i = 0; i < count && difference < 0; i++)
        flagged[i] = !flagged[i];
}

int loss_clusters_flag(bool *flagged, const float *losses, size_t count, size_t epochs)
{
    double *room = NULL;
    memset(flagged, 0, count * sizeof *flagged);
    if (count < 2)
        return 0;
    int status = memory_allocate(&room, 3 * epochs, sizeof *room, "the centres of clusters");
    if (status == 0)
        cluster(
            &(struct clusters){
                .epochs = epochs, .low = room, .high = room + epochs, .direction = room + 2 * epochs},
            flagged, losses, count);
    free(room);
    return status;
}
