/* Two clusters of loss trajectories, as in CTRL (Yue & Jha 2022, "Clustering Training Losses for Label Error
 * Detection", and its authors' clustering.py): samples of one class whose losses stay high are suspect. */
#ifndef TIDY_ANALYZE_LOSS_CLUSTERS_H
#define TIDY_ANALYZE_LOSS_CLUSTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Prepares a trajectory, from in[epochs] to out[epochs], which may be the same: clamps losses at 2 log(classes), then replaces each by the mean of the 5
 * epochs up to it (of epochs - 1 where there are no more than 5); epochs before the first such mean, which
 * leaves the first loss out, get that mean. One epoch stays as it is. */
void loss_clusters_smooth(float *out, float *in, size_t epochs, uint32_t classes);

/* Splits trajectories [count][epochs] of finite numbers by 2-means and sets flagged[count]: those of the cluster
 * whose centre has the larger sum. Lloyd's algorithm, from the trajectories of the smallest and of the largest
 * sum (the first of several), until no sample moves, at most 300 rounds; a sample that is as near to both stays
 * with the low one. None is flagged where count < 2 or all are equal. Error: no memory. */
int loss_clusters_flag(bool *flagged, const float *losses, size_t count, size_t epochs);

#endif
