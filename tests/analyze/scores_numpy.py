"""Every score and rule of docs/scores.md in NumPy, written from that page alone, to hold tidy-analyze against.

Meant to be read beside the page: plain definitions on whole arrays, nothing streamed, nothing shared with the programs.
A run is logits [epochs][samples][classes] and labels [samples]; epoch numbers start at `first`.
"""
import math

import numpy as np


class Run:
    """What one run predicted, in float64. `log_probabilities` replaces what follows from the logits (a log that keeps
    them rounded); the predicted class always comes from the logits, NaN among them left out."""

    def __init__(self, logits, labels, first=0, log_probabilities=None):
        logits = np.asarray(logits, np.float64)
        self.epochs, self.samples, self.classes = logits.shape
        self.labels, self.first = np.asarray(labels), first
        self.predicted = np.argmax(np.where(np.isnan(logits), -np.inf, logits), axis=2)
        self.right = self.predicted == self.labels
        self.log_q = log_softmax(logits) if log_probabilities is None else log_probabilities
        self.q = np.exp(self.log_q)
        self.log_q_y = self.log_q[:, np.arange(self.samples), self.labels]
        self.q_y = np.exp(self.log_q_y)
        self.loss = -self.log_q_y
        others = np.where(np.arange(self.classes) == self.labels[:, None], -np.inf, self.log_q)
        self.margin = self.log_q_y - others.max(axis=2)
        self.mean_q = self.q.mean(axis=0)
        self.numbers = np.arange(first, first + self.epochs)[:, None]


def log_softmax(logits):
    with np.errstate(invalid="ignore"):
        shifted = logits - logits.max(axis=2, keepdims=True)
        result = shifted - np.log(np.exp(shifted).sum(axis=2, keepdims=True))
    result[~np.isfinite(logits.max(axis=2))] = np.nan
    return result


# ---- from the predicted class -------------------------------------------------------------------------------------


def correctness(run):
    return run.right.sum(axis=0)


def forgetting_events(run):
    return (run.right[:-1] & ~run.right[1:]).sum(axis=0)


def never_learned(run):
    return (~run.right.any(axis=0)).astype(int)


def unforgettable(run):
    return (run.right.any(axis=0) & (forgetting_events(run) == 0)).astype(int)


def first_learned(run):
    return np.where(run.right.any(axis=0), run.first + run.right.argmax(axis=0), np.nan)


def presentations_to_learn(run):
    last_wrong = run.epochs - 1 - (~run.right)[::-1].argmax(axis=0)
    return np.where((~run.right).any(axis=0), 1 + last_wrong, 0)


def mean_correct_epoch(run):
    with np.errstate(invalid="ignore"):
        return (run.numbers * run.right).sum(axis=0) / run.right.sum(axis=0)


def mean_correct_epoch_or_never(run):
    mean = mean_correct_epoch(run)
    return np.where(np.isnan(mean), run.first + run.epochs, mean)


def majority_disagreement(run):
    counts = np.array([np.bincount(p, minlength=run.classes) for p in run.predicted.T])
    return (counts.max(axis=1) - counts[np.arange(run.samples), run.labels]) / run.epochs


def second_split_forgetting(right):
    """`right`: [epochs of the second phase][samples of the first split], as classified after each."""
    wrong_from_here_on = np.logical_and.accumulate(~right[::-1])[::-1]
    return np.where(wrong_from_here_on.any(axis=0), 1 + wrong_from_here_on.argmax(axis=0), 1 + len(right))


# ---- from the given label's probability and margin ------------------------------------------------------------------


def confidence(run):
    return run.q_y.mean(axis=0)


def variability(run):
    return run.q_y.std(axis=0)


def threshold_closeness(run):
    return confidence(run) * (1 - confidence(run))


def mean_loss(run):
    return run.loss.mean(axis=0)


def loss_at(run, epoch=None):
    return run.loss[-1 if epoch is None else epoch - run.first]


def loss_ema(run, weight=0.9):
    average = run.loss[0]
    for loss in run.loss[1:]:
        average = (1 - weight) * average + weight * loss
    return average


def aum(run):
    return run.margin.mean(axis=0)


def data_iq_aleatoric(run):
    return (run.q_y * (1 - run.q_y)).mean(axis=0)


# ---- from the whole probability vector ------------------------------------------------------------------------------


def el2n(run):
    one_hot = np.arange(run.classes) == run.labels[:, None]
    return np.linalg.norm(run.q - one_hot, axis=2).mean(axis=0)


def self_confidence(run):
    return run.mean_q[np.arange(run.samples), run.labels]


def normalized_margin(run):
    others = np.where(np.arange(run.classes) == run.labels[:, None], 0, run.mean_q)
    return (self_confidence(run) - others.max(axis=1) + 1) / 2


def confidence_weighted_entropy(run):
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(run.mean_q == 0, 0, run.mean_q * np.log(run.mean_q))
        v = -terms.sum(axis=1) / math.log(run.classes) / np.maximum(self_confidence(run), 1e-6)
    return np.log(v + 1) / np.maximum(v, 1e-6)


# ---- sets -----------------------------------------------------------------------------------------------------------


def confident_joint(run):
    """(thresholds, joint, class each sample is confident for or -1), of the samples that have a vector."""
    scored = ~np.isnan(run.mean_q[:, 0])
    self = self_confidence(run)
    thresholds = np.full(run.classes, 2.0)
    for c in range(run.classes):
        if (scored & (run.labels == c)).any():
            thresholds[c] = max(self[scored & (run.labels == c)].mean(), 2e-6)
    joint = np.zeros((run.classes, run.classes), int)
    confident = np.full(run.samples, -1)
    for i in np.flatnonzero(scored):
        reached = np.flatnonzero(run.mean_q[i] >= thresholds - 1e-6)
        if len(reached) > 0:
            confident[i] = reached[0] if len(reached) == 1 else run.mean_q[i].argmax()
            joint[run.labels[i], confident[i]] += 1
    np.fill_diagonal(joint, np.maximum(joint.diagonal(), 1))
    return thresholds, joint, confident


def rounded_keeping_sum(row):
    rounded = np.rint(row)
    off = int(np.rint(row.sum()) - rounded.sum())
    order = np.argsort(row - rounded, kind="stable")
    if off > 0:
        rounded[order[::-1][:off]] += 1
    if off < 0:
        rounded[order[:-off]] -= 1
    return rounded.astype(int)


def calibrated_joint(run):
    scored = ~np.isnan(run.mean_q[:, 0])
    labelled = np.bincount(run.labels[scored], minlength=run.classes)
    joint = confident_joint(run)[1]
    joint = joint * labelled[:, None] / joint.sum(axis=1, keepdims=True)
    joint = np.array([rounded_keeping_sum(row) for row in joint])
    for k in np.flatnonzero(joint.diagonal() == 0):
        joint[k] = np.maximum(joint[k] - 1, 0)
        joint[k, k] = 1
    return labelled, joint


def lowest(values, candidates, count):
    """The `count` candidates of the lowest values, ties by index."""
    order = candidates[np.argsort(values[candidates], kind="stable")]
    return order[: max(count, 0)]


def prune_by_class(run):
    labelled, joint = calibrated_joint(run)
    flags = np.zeros(run.samples, bool)
    for k in np.flatnonzero(labelled > 1):
        members = np.flatnonzero((run.labels == k) & ~np.isnan(run.mean_q[:, 0]))
        flags[lowest(run.mean_q[:, k], members, labelled[k] - joint[k, k])] = True
    return flags


def prune_by_noise_rate(run):
    labelled, joint = calibrated_joint(run)
    flags = np.zeros(run.samples, bool)
    for k in np.flatnonzero(labelled > 1):
        members = np.flatnonzero((run.labels == k) & ~np.isnan(run.mean_q[:, 0]))
        for j in range(run.classes):
            if j != k:
                flags[lowest(run.mean_q[:, k] - run.mean_q[:, j], members, joint[k, j])] = True
    return flags


def nearly_largest(run):
    raised = run.mean_q + 1e-6 * (np.arange(run.classes) == run.labels[:, None])
    return raised.argmax(axis=1) == run.labels


def confident_learning(run):
    confident = confident_joint(run)[2]
    return (confident >= 0) & (confident != run.labels) & ~nearly_largest(run)


def predicted_neq_given(run):
    return ~np.isnan(run.mean_q[:, 0]) & (run.mean_q.argmax(axis=1) != run.labels) & ~nearly_largest(run)


def low_quality(run, quality):
    flags = np.zeros(run.samples, bool)
    scored = np.flatnonzero(~np.isnan(run.mean_q[:, 0]))
    flags[lowest(quality(run), scored, confident_learning(run).sum())] = True
    return flags


def ctrl(run):
    """k-means with two clusters on each class's smoothed losses."""
    flags = np.zeros(run.samples, bool)
    losses = np.minimum(run.loss.T, 2 * math.log(run.classes)).astype(np.float32).astype(float)
    if run.epochs > 1:
        width = min(5, run.epochs - 1)
        means = np.array([losses[:, t - width + 1 : t + 1].mean(axis=1) for t in range(width, run.epochs)])
        losses = np.concatenate([np.repeat(means[:1], width, axis=0), means]).T.astype(np.float32).astype(float)
    for c in range(run.classes):
        members = np.flatnonzero((run.labels == c) & ~np.isnan(run.loss).any(axis=0))
        if len(members) > 1:
            flags[members] = two_means(losses[members])
    return flags


def two_means(points):
    sums = points.sum(axis=1)
    centres = points[[sums.argmin(), sums.argmax()]]
    group = np.zeros(len(points), int)
    for _ in range(300):
        distances = ((points[:, None, :] - centres) ** 2).sum(axis=2)
        moved = (distances[:, 1] < distances[:, 0]).astype(int)
        if (moved == group).all():
            break
        group = moved
        centres = np.array([points[group == g].mean(axis=0) for g in (0, 1)])
    return group == (0 if centres[1].sum() < centres[0].sum() else 1)


# ---- label-posterior: dense, with every class in its own column ------------------------------------------------------


def rebuilt_means(run):
    """[samples][classes]; rows are NaN where a margin or probability was."""
    at, others = np.arange(run.samples), run.classes - 1
    total = np.zeros((run.samples, run.classes))
    for t in range(run.epochs):
        q = np.maximum(run.q_y[t], 1e-12)
        wrong = ~run.right[t]
        with np.errstate(over="ignore", invalid="ignore"):
            of_predicted = np.where(wrong, np.minimum(q * np.exp(-run.margin[t]), 1 - q), 0)
        sharing = others - wrong
        row = np.repeat((np.maximum(1 - q - of_predicted, 1e-12) / np.maximum(sharing, 1))[:, None], run.classes, 1)
        row[wrong, run.predicted[t][wrong]] = of_predicted[wrong]
        row[at, run.labels] = q
        row[np.isnan(run.margin[t])] = np.nan
        total += (t + 1) * row
    total[at, run.labels] *= math.exp(-0.1)
    return total / total.sum(axis=1, keepdims=True)


def noise_transition(means, labels):
    """(transition as a function of the common rate, pairs that stand out, first rate) of samples that have a mean."""
    classes = means.shape[1]
    top, counts = means.argmax(axis=1), np.zeros((2, classes, classes))
    for a in range(classes):
        members = np.flatnonzero(top == a)
        if len(members) == 0:
            continue
        values = means[members, a]
        low, middle, high = np.percentile(values, [20, 59.5, 99])
        for i, value in zip(members, values):
            if low <= value <= high:
                counts[int(value >= middle), a, labels[i]] += 1
    share = counts.sum(axis=0) / np.maximum(counts.sum(axis=(0, 2))[:, None], 1)
    halves = counts / np.maximum(counts.sum(axis=2, keepdims=True), 1)
    off = ~np.eye(classes, dtype=bool)
    rate = max(np.median(share[off]) if classes > 1 else 0, 1 / counts.sum())
    pairs = off & (share > max(3 * rate, 0.02)) & (counts.sum(axis=0) >= 10) & (halves[1] > 0.5 * halves[0])

    def transition(rate):
        rate = min(max(rate, 1e-4 / classes), 1 / classes)
        table = np.where(pairs, share, rate) * off
        return table + np.diag(np.maximum(1 - table.sum(axis=1), rate))

    return transition, pairs, rate


def unmixed(means, table):
    p = means / means.sum(axis=1, keepdims=True)
    for _ in range(10):
        p = p * ((means / (p @ table)) @ table.T)
        p /= p.sum(axis=1, keepdims=True)
    return p


def least_by_newton(slopes, start, low, high, error, flat):
    at, step, passes = start, high - low, 0
    while abs(step) > error and passes < 30:
        first, second = slopes(at)
        if abs(first) <= flat:
            break
        low, high = (low, at) if first > 0 else (at, high)
        following = at - first / second if second > 0 else np.nan
        if not low <= following <= high:
            following = (low + high) / 2
        at, step, passes = following, following - at, passes + 1
    return at


def judge_labels(run, probes=None):
    """[samples][classes] probability of each true class, given image and label (that which it was trained on, of probes,
    which nothing is fitted to); rows of NaN where there is none. Also the transition, and its pairs that stand out."""
    means, result = rebuilt_means(run), np.full((run.samples, run.classes), np.nan)
    scored = ~np.isnan(means[:, 0])
    if not scored.any():
        return result, None, None
    tells = np.ones(run.samples, bool)[scored] if probes is None else ~probes[scored]
    means, labels = means[scored], run.labels[scored]
    transition, pairs, rate = noise_transition(means[tells], labels[tells])
    table, weights, exponent = transition(rate), np.ones(run.classes), 1
    for number in range(9):
        logs = np.log(np.maximum(unmixed(means, table), 0.01 / run.classes))
        logs -= logs.max(axis=1, keepdims=True)
        chance = table[:, labels].T

        def slopes(b):
            """First and second derivative of the sum of -log P(label): means and variances of the log-probabilities."""
            all_parts = np.exp(b * logs[tells]) * weights
            first = second = 0
            for sign, parts in (1, all_parts), (-1, all_parts * chance[tells]):
                parts = parts / parts.sum(axis=1, keepdims=True)
                mean = (parts * logs[tells]).sum(axis=1)
                first += sign * mean.sum()
                second += sign * ((parts * logs[tells] ** 2).sum(axis=1) - mean**2).sum()
            return first, second

        exponent = least_by_newton(slopes, exponent, 0.25, 8, 1e-4, 1e-6 * tells.sum())
        powers = np.exp(exponent * logs)
        for _ in range(3):
            before = powers * weights
            before /= before.sum(axis=1, keepdims=True)
            after = before * chance
            after /= after.sum(axis=1, keepdims=True)
            weights = np.maximum(weights * after[tells].sum(axis=0) / before[tells].sum(axis=0), 1e-9)
        after = powers * weights * chance
        after /= after.sum(axis=1, keepdims=True)
        if number < 8 and run.classes > 1:
            by_label = np.zeros((run.classes, run.classes))
            np.add.at(by_label.T, labels[tells], after[tells])
            others = ~pairs & ~np.eye(run.classes, dtype=bool)
            chances = (after[tells].sum(axis=0)[:, None] * others).sum()
            table = transition(by_label[others].sum() / chances)
    result[scored] = after
    return result, table, pairs


def posterior_of_classes(run):
    return judge_labels(run)[0]


def label_posterior(run):
    posterior = posterior_of_classes(run)
    others = np.arange(run.classes) != run.labels[:, None]
    return np.where(np.isnan(posterior[:, 0]), np.nan, (posterior * others).sum(axis=1))


# ---- rules on keys, where high is suspicious and NaN has none -------------------------------------------------------


def ranking(keys):
    return np.lexsort((np.arange(len(keys)), -np.where(np.isnan(keys), -np.inf, keys), np.isnan(keys)))


def first_of_ranking(keys, count):
    flags = np.zeros(len(keys), bool)
    flags[ranking(keys)[:count]] = True
    return flags


def past_deviation(keys, k):
    finite = keys[np.isfinite(keys)]
    return keys > (finite.mean() + k * finite.std() if len(finite) else np.inf)


def scaled(keys):
    finite = keys[np.isfinite(keys)]
    if len(finite) == 0 or finite.min() == finite.max():
        return None
    return (keys - finite.min()) / (finite.max() - finite.min())


def otsu(keys):
    x = scaled(keys)
    if x is None:
        return keys == np.inf
    bins = np.clip(np.where(np.isfinite(x), x, 0) * 256, 0, 255).astype(int)
    finite = bins[np.isfinite(x)]
    best, largest = 0, -1.0
    for split in range(255):
        low, high = finite[finite <= split], finite[finite > split]
        between = len(low) * len(high) * (low.mean() - high.mean()) ** 2 if len(low) and len(high) else -1
        if between > largest * (1 + 1e-12):
            best, largest = split, between
    return np.where(np.isfinite(x), bins > best, keys > 0)


def log_normal(x, weight, mean, variance):
    x = np.asarray(x)[None]
    weight, mean, variance = weight[:, None], mean[:, None], variance[:, None]
    return np.log(weight) - (x - mean) ** 2 / variance / 2 - np.log(2 * np.pi * variance) / 2


def gaussians(shares, values):
    weight = shares.sum(axis=1)
    mean = (shares * values).sum(axis=1) / weight
    variance = (shares * values**2).sum(axis=1) / weight - mean**2
    return weight / len(values), mean, np.maximum(variance, 0) + 5e-4


def gmm(keys):
    """DivideMix's mixture: 2-means from the two ends, 5e-4 on each variance, at most 10 rounds of EM."""
    x = scaled(keys)
    if x is None:
        return keys == np.inf
    values = x[np.isfinite(x)]
    border, last = 0.5, None
    while border != last:
        last, border = border, (values[values <= border].mean() + values[values > border].mean()) / 2
    weight, mean, variance = gaussians(np.array([values <= last, values > last], float), values)
    previous = -np.inf
    for _ in range(10):
        logs = log_normal(values, weight, mean, variance)
        total = np.logaddexp(*logs)
        weight, mean, variance = gaussians(np.exp(logs - total), values)
        if abs(total.mean() - previous) < 0.01:
            break
        previous = total.mean()
    high = mean.argmax()
    with np.errstate(invalid="ignore"):
        logs = log_normal(x, weight, mean, variance)
        flags = (logs[high] > logs[1 - high]) & (x > mean[1 - high])
    return np.where(np.isfinite(x), flags, keys > 0)


def log_beta(x, alpha, beta):
    return (
        (alpha - 1) * np.log(x) + (beta - 1) * np.log1p(-x)
        - math.lgamma(alpha) - math.lgamma(beta) + math.lgamma(alpha + beta)
    )


def bmm(keys):
    """Arazo's mixture on what lies between the 5th and the 95th percentile."""
    finite = keys[np.isfinite(keys)]
    if len(finite) == 0:
        return keys == np.inf
    low, high = np.percentile(finite, [5, 95])
    if low == high:
        return keys == np.inf
    x = (finite[(finite >= low) & (finite <= high)] - low) / (high - low)
    x = np.where(x <= 0, 1e-3, np.where(x >= 1, 1 - 1e-3, np.clip(x, 1e-4, 1 - 1e-4)))
    weight, alpha, beta = np.array([0.5, 0.5]), np.array([1.0, 2.0]), np.array([2.0, 1.0])

    def densities(at):
        return np.array([weight[j] * np.exp(log_beta(at, alpha[j], beta[j])) for j in (0, 1)])

    for _ in range(10):
        shares = np.maximum(densities(x), 1e-12)
        shares /= shares.sum(axis=0)
        mean = (shares * x).sum(axis=1) / shares.sum(axis=1)
        variance = (shares * (x - mean[:, None]) ** 2).sum(axis=1) / shares.sum(axis=1)
        alpha = mean * (mean * (1 - mean) / np.maximum(variance, 1e-12) - 1)
        beta = alpha * (1 - mean) / mean
        weight = shares.sum(axis=1) / shares.sum()
    table = densities(np.clip(np.arange(100) / 99, 1e-12, 1 - 1e-12))
    posterior = table[1] / (table.sum(axis=0) + 1e-12)
    posterior[posterior.argmax():] = posterior.max()
    with np.errstate(invalid="ignore"):
        place = (keys - low) / (high - low)
        looked_up = posterior[np.clip(np.nan_to_num(place) * 100, 0, 99).astype(int)]
        flags = (looked_up > 0.5) & (place > alpha[0] / (alpha[0] + beta[0]))
    return np.where(np.isfinite(keys), flags, keys > 0)
