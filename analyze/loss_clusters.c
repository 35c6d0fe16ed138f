/* Smoothing, and k-means with k = 2 in as many dimensions as there are epochs. */
#include "analyze/loss_clusters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

enum { SMOOTHED_EPOCHS = 5, MOST_ROUNDS = 300 };

void loss_clusters_smooth(float *losses, size_t epochs, uint32_t classes)
{
    float most = (float)(2 * log(classes));
    for (size_t t = 0; t < epochs; t++)
        losses[t] = fminf(losses[t], most);
    if (epochs < 2)
        return;
    size_t width = epochs - 1 < SMOOTHED_EPOCHS ? epochs - 1 : SMOOTHED_EPOCHS;
    /* From the end, so that what a mean is made of still stands there. */
    for (size_t t = epochs - 1; t >= width; t--) {
        double sum = 0;
        for (size_t back = 0; back < width; back++)
            sum += (double)losses[t - back];
        losses[t] = (float)(sum / (double)width);
    }
    for (size_t t = 0; t < width; t++)
        losses[t] = losses[width];
}

static double sum_of(const float *trajectory, size_t epochs)
{
    double sum = 0;
    for (size_t t = 0; t < epochs; t++)
        sum += (double)trajectory[t];
    return sum;
}

/* Squared. */
static double distance(const float *trajectory, const double *centre, size_t epochs)
{
    double sum = 0;
    for (size_t t = 0; t < epochs; t++) {
        double difference = (double)trajectory[t] - centre[t];
        sum += difference * difference;
    }
    return sum;
}

static void begin(double *low, double *high, const float *losses, size_t count, size_t epochs)
{
    size_t least = 0, most = 0;
    double least_sum = INFINITY, most_sum = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        double sum = sum_of(losses + i * epochs, epochs);
        if (sum < least_sum) {
            least_sum = sum;
            least = i;
        }
        if (sum > most_sum) {
            most_sum = sum;
            most = i;
        }
    }
    for (size_t t = 0; t < epochs; t++) {
        low[t] = (double)losses[least * epochs + t];
        high[t] = (double)losses[most * epochs + t];
    }
}

/* Returns whether a sample moved. */
static bool assign(bool *in_high, const double *low, const double *high, const float *losses, size_t count,
                   size_t epochs)
{
    bool moved = false;
    for (size_t i = 0; i < count; i++) {
        const float *trajectory = losses + i * epochs;
        bool is_high = distance(trajectory, high, epochs) < distance(trajectory, low, epochs);
        moved |= is_high != in_high[i];
        in_high[i] = is_high;
    }
    return moved;
}

/* No cluster can lose its last member: its centre is nearer to its members, taken together, than the other centre. */
static void centre(double *low, double *high, const bool *in_high, const float *losses, size_t count, size_t epochs)
{
    double members = 0;
    memset(low, 0, epochs * sizeof *low);
    memset(high, 0, epochs * sizeof *high);
    for (size_t i = 0; i < count; i++) {
        double *to = in_high[i] ? high : low;
        members += in_high[i];
        for (size_t t = 0; t < epochs; t++)
            to[t] += (double)losses[i * epochs + t];
    }
    for (size_t t = 0; t < epochs; t++) {
        low[t] /= (double)count - members;
        high[t] /= members;
    }
}

int loss_clusters_flag(bool *flagged, const float *losses, size_t count, size_t epochs)
{
    double *low = NULL, *high = NULL;
    memset(flagged, 0, count * sizeof *flagged);
    if (count < 2)
        return 0;
    int status = memory_allocate(&low, epochs, sizeof *low, "a cluster's centre");
    if (status == 0)
        status = memory_allocate(&high, epochs, sizeof *high, "a cluster's centre");
    if (status != 0)
        goto end;
    begin(low, high, losses, count, epochs);
    for (int round = 0; round < MOST_ROUNDS && assign(flagged, low, high, losses, count, epochs); round++)
        centre(low, high, flagged, losses, count, epochs);

    /* Centres can only change places where the trajectories cross. */
    double difference = 0;
    for (size_t t = 0; t < epochs; t++)
        difference += high[t] - low[t];
    for (size_t i = 0; i < count && difference < 0; i++)
        flagged[i] = !flagged[i];
end:
    free(high);
    free(low);
    return status;
}
